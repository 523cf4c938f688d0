"""How a sweep stands: done, running, failed and to do, read from its folder."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...errors import UsageError, UserError
from ...files import write_json
from ..run import Run, open_run
from .plan import Cell, SweepPlan

__all__ = ["STATES", "Sweep", "count_states", "open_sweep", "seconds_left"]

State = Literal["done", "running", "failed", "to do"]
STATES: tuple[State, ...] = ("done", "running", "failed", "to do")


@dataclass(frozen=True)
class Sweep:
    """The folder of a sweep.

    Whether a cell is running is a lock that its process holds: however that process ends, the lock
    is gone, and the cell is to do again, from its last checkpoint.
    """

    folder: Path

    @property
    def plan(self) -> SweepPlan:
        path = self.folder / "sweep.json"
        try:
            return SweepPlan.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path} cannot be read ({error}): start into a new folder") from None

    def run(self, cell: Cell) -> Run:
        return Run(self.folder / cell.name)

    def log(self, cell: Cell) -> Path:
        return self.folder / "logs" / f"{cell.name}.log"

    def _failure_file(self, cell: Cell) -> Path:
        return self.folder / "failed" / f"{cell.name}.json"

    def _claim_file(self, cell: Cell) -> Path:
        return self.folder / cell.name / ".claim"

    def adopt(self, plan: SweepPlan) -> None:
        """Writes the plan; a plan that is there is extended.

        Raises:
            UsageError: the folder holds a sweep of other settings, or something else.
            UserError: it cannot be written.
        """
        from filelock import FileLock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                if (self.folder / "sweep.json").exists():
                    plan = self.plan.extended(plan)
                elif any(not path.name.startswith(".") for path in self.folder.iterdir()):
                    raise UsageError(f"{self.folder} is not empty and no sweep: use another --out")
                write_json(self.folder / "sweep.json", plan.as_dict())
        except OSError as error:
            raise UserError(
                f"cannot write to {self.folder} ({error.strerror}): use another --out"
            ) from None

    @contextmanager
    def claimed(self, cell: Cell, patience: float = 0) -> Iterator[bool]:
        """Makes the cell this process's; yields False if it is another's for ``patience`` seconds.

        Who looks at a claim holds it for an instant, hence patience where it matters.
        """
        from filelock import FileLock, Timeout

        path = self._claim_file(cell)
        path.parent.mkdir(exist_ok=True)
        try:
            lock = FileLock(path).acquire(timeout=patience, poll_interval=0.01)
        except Timeout:
            yield False
            return
        with lock:
            yield True

    def state(self, cell: Cell) -> State:
        if self.run(cell).finished:
            return "done"
        if self._claim_file(cell).exists():
            with self.claimed(cell) as free:
                if not free:
                    return "running"
        failure = self.failure(cell)
        return "failed" if failure and not failure["retry"] else "to do"

    def failure(self, cell: Cell) -> dict[str, Any] | None:
        """``reason``, ``attempts`` and whether to ``retry``; None for a cell that never failed."""
        unknown = {"reason": "unknown, since the note of it is damaged", "attempts": 1}
        try:
            return unknown | {"retry": False} | json.loads(self._failure_file(cell).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            return unknown | {"retry": False}

    def _damage(self, cell: Cell) -> str | None:
        """What of a cell's run cannot be read, in a line."""
        run = self.run(cell)
        try:
            if (run.folder / "config.json").exists():
                open_run(run.folder)
            if run.finished and not isinstance(run.metrics.get("seconds"), int | float):
                return f"{run.folder / 'metrics.json'} lacks the seconds: train into a new folder"
        except UserError as error:
            return str(error)
        return None

    def fail(self, cell: Cell, reason: str) -> None:
        """Notes a failed attempt."""
        attempts = (self.failure(cell) or {"attempts": 0})["attempts"] + 1
        self._note(cell, {"reason": reason, "attempts": attempts, "retry": False})

    def retry_failed(self) -> None:
        """Makes failed cells to do again; how often they have failed is kept."""
        for cell in self.plan.cells:
            if failure := self.failure(cell):
                self._note(cell, failure | {"retry": True})

    def _note(self, cell: Cell, failure: dict[str, Any]) -> None:
        path = self._failure_file(cell)
        path.parent.mkdir(exist_ok=True)
        write_json(path, failure)

    def rows(self) -> list[dict[str, Any]]:
        """One row a cell: ``cell``, ``variant``, ``seed``, ``state``; ``seconds`` of training where
        done; ``reason`` and ``attempts`` where failed; what is ``damaged``, in a line."""
        rows = []
        for cell in self.plan.cells:
            state = self.state(cell)
            row: dict[str, Any] = {"cell": cell.name, **vars(cell), "state": state}
            row["damaged"] = self._damage(cell)
            known = state == "done" and not row["damaged"]
            row["seconds"] = self.run(cell).metrics["seconds"] if known else None
            failure = (self.failure(cell) if state == "failed" else None) or {}
            rows.append(row | {key: failure.get(key) for key in ("reason", "attempts")})
        return rows

    def find(self, name: str) -> Cell:
        """A cell by name; UsageError lists similar ones."""
        import difflib

        cells = {cell.name: cell for cell in self.plan.cells}
        if name not in cells:
            close = difflib.get_close_matches(name, cells, cutoff=0.0)
            raise UsageError(
                f"{self.folder} has no cell {name!r}; there are {len(cells)}, for example "
                f"{', '.join(close)}"
            )
        return cells[name]


def count_states(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many cells are in each state."""
    counts = Counter(row["state"] for row in rows)
    return {state: counts[state] for state in STATES}


def seconds_left(rows: list[dict[str, Any]]) -> float | None:
    """About how long the running workers still need, from the mean of the cells that are done.

    A running cell counts half. None if nothing is done or running yet, so that nothing is known.
    """
    spent: dict[str, list[float]] = {}
    for row in rows:
        if row.get("seconds") is not None:
            spent.setdefault(row["variant"], []).append(row["seconds"])
    running = sum(row["state"] == "running" for row in rows)
    if not spent or not running:
        return None
    overall = statistics.fmean(seconds for each in spent.values() for seconds in each)
    share = {"running": 0.5, "to do": 1.0}
    expected = (
        share[row["state"]] * statistics.fmean(spent.get(row["variant"], [overall]))
        for row in rows
        if row["state"] in share
    )
    return sum(expected) / running


def open_sweep(folder: str | Path) -> Sweep:
    """An existing sweep.

    Raises:
        UserError: there is none.
    """
    sweep = Sweep(Path(folder))
    if not (sweep.folder / "sweep.json").is_file():
        raise UserError(f"{folder} is not a sweep: it has no sweep.json")
    return sweep
