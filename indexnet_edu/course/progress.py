"""How far a run of the course is: as small records, and as lines on a terminal or in a log."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

__all__ = ["OnProgress", "Progress", "clock", "print_progress"]


@dataclass(frozen=True)
class Progress:
    """A moment of a run.

    Attributes:
        name: the notebook.
        status: started, running, then ok, failed, timeout or skipped.
        seconds: since this notebook was started.
        cell, cells: the cell that is running, from 1, and how many there are; 0 of 0 while the
            kernel starts.
        error: why it failed, one line.
    """

    name: str
    status: str
    seconds: float = 0.0
    cell: int = 0
    cells: int = 0
    error: str | None = None


OnProgress = Callable[[Progress], None]

_MARKS = {"ok": "✓", "skipped": "–", "failed": "✗", "timeout": "✗"}


def clock(seconds: float) -> str:
    """``1:05`` or ``2:00:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def print_progress(stream: TextIO | None = None) -> OnProgress:
    """A reporter: on a terminal a line a notebook that counts, elsewhere its start and its end.

    Args:
        stream: standard error by default, so that standard output stays free for data.
    """
    stream = stream or sys.stderr
    live = stream.isatty()

    def show(progress: Progress) -> None:
        done = progress.status in _MARKS
        if not live and progress.status == "running":
            return
        width = shutil.get_terminal_size().columns - 1
        line = _line(progress)
        if live:
            # A line longer than the terminal would wrap, and only its last part be overwritten.
            stream.write(f"\r\x1b[K{line if done else line[:width]}")
        else:
            stream.write(line)
        if done or not live:
            stream.write("\n")
        stream.flush()

    return show


def _line(progress: Progress) -> str:
    match progress.status:
        case "started":
            return f"  {progress.name}: starting"
        case "running":
            where = f"cell {progress.cell} of {progress.cells}" if progress.cells else "starting"
            return f"  {progress.name}: {where}, {clock(progress.seconds)}"
        case "skipped":
            return f"– {progress.name}: already done"
    line = (
        f"{_MARKS[progress.status]} {progress.name}: {progress.status}, {clock(progress.seconds)}"
    )
    return f"{line}\n    {progress.error}" if progress.error else line
