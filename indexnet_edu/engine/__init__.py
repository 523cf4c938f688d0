"""Training, evaluation and run folders. Knows no task by name: a task is an argument."""

from .batch import ALL, Batch, Mean, Metrics, Split, TaskData
from .device import is_main_process
from .estimate import Estimate, estimate
from .recipe import Recipe
from .run import Run, open_run
from .table import Column, Table
from .task import Network, Predict, Pretrained, Source, Task, Variant
from .train import evaluate_run, load_model, train

__all__ = [
    "ALL",
    "Batch",
    "Column",
    "Estimate",
    "Mean",
    "Metrics",
    "Network",
    "Predict",
    "Pretrained",
    "Recipe",
    "Run",
    "Source",
    "Split",
    "Table",
    "Task",
    "TaskData",
    "Variant",
    "estimate",
    "evaluate_run",
    "is_main_process",
    "load_model",
    "open_run",
    "train",
]
