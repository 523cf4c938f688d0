"""One room per task. A new task is a new folder and a line here."""

from __future__ import annotations

from ..complexity import CostTable
from ..engine import Table, Task
from ..errors import UsageError
from .denoising import DENOISING
from .denoising.table import COSTS_7
from .depth.table import COSTS_10
from .matting import MATTING
from .matting.table import COSTS_5
from .reconstruction import RECONSTRUCTION
from .segmentation.table import COSTS_8

__all__ = ["COST_TABLES", "TASKS", "find_table", "get_task"]

TASKS: dict[str, Task] = {task.name: task for task in (RECONSTRUCTION, MATTING, DENOISING)}

#: The tables that print costs, in the paper's order.
COST_TABLES: tuple[CostTable, ...] = (COSTS_5, COSTS_7, COSTS_8, COSTS_10)


def get_task(name: str) -> Task:
    """A task by name; UsageError lists the valid names."""
    if name not in TASKS:
        raise UsageError(f"there is no task {name!r}; choose from {', '.join(TASKS)}")
    return TASKS[name]


def find_table(number: int) -> tuple[Task, Table] | None:
    """The task that is trained for a table, and the table; None where there is none yet."""
    for task in TASKS.values():
        for table in task.tables:
            if table.number == number:
                return task, table
    return None
