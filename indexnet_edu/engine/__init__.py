"""Training, evaluation and run folders. Knows no task by name: a task is an argument."""

from .recipe import Recipe
from .run import Run, open_run
from .task import Metrics, Split, Task, TaskData
from .train import evaluate_run, load_model, train

__all__ = [
    "Metrics",
    "Recipe",
    "Run",
    "Split",
    "Task",
    "TaskData",
    "evaluate_run",
    "load_model",
    "open_run",
    "train",
]
