"""One room per task. A new task is a new folder and a line here."""

from __future__ import annotations

from ..engine.task import Task
from ..errors import UsageError
from .denoising import DENOISING
from .reconstruction import RECONSTRUCTION

__all__ = ["TASKS", "get_task"]

TASKS: dict[str, Task] = {task.name: task for task in (RECONSTRUCTION, DENOISING)}


def get_task(name: str) -> Task:
    """A task by name; UsageError lists the valid names."""
    if name not in TASKS:
        raise UsageError(f"there is no task {name!r}; choose from {', '.join(TASKS)}")
    return TASKS[name]
