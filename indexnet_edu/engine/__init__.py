"""Training, evaluation and run folders. Knows no task by name: a task is an argument."""

from .device import is_main_process
from .estimate import Estimate, estimate
from .recipe import Recipe
from .run import Run, open_run
from .task import Metrics, Split, Task, TaskData
from .train import evaluate_run, load_model, train

__all__ = [
    "Estimate",
    "Metrics",
    "Recipe",
    "Run",
    "Split",
    "Task",
    "TaskData",
    "estimate",
    "evaluate_run",
    "is_main_process",
    "load_model",
    "open_run",
    "train",
]
