"""Running the course: every notebook from top to bottom, each in a process of its own.

A notebook that fails, hangs or takes its kernel with it is named, and the others still run. The
executed copies, a log of each and ``index.html`` lie in one folder; a second run there does only
what is missing.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import UsageError, UserError
from ..paths import expanded
from . import worker
from .kernel import kernel_environment
from .notebooks import Notebook, code_cells, find_notebooks, parameters_of, read_notebook
from .progress import OnProgress, Progress
from .state import Entry, State, digest, unwritable, writing

__all__ = ["PROFILES", "CourseReport", "Limits", "Row", "run_course"]


@dataclass(frozen=True)
class Limits:
    """How long one cell and one notebook may take, in seconds."""

    cell: float
    notebook: float


#: The profiles, each with limits that only something stuck reaches.
PROFILES: Mapping[str, Limits] = {
    "smoke": Limits(cell=180, notebook=600),
    "cpu": Limits(cell=1800, notebook=3600),
    "gpu": Limits(cell=12 * 3600, notebook=24 * 3600),
}

_TICK = 0.5  # seconds between two signs of life
_GRACE = 10.0  # seconds that an interrupted notebook has to save itself


@dataclass(frozen=True)
class Row:
    """One notebook's outcome.

    Attributes:
        status: ok, failed, timeout, or skipped (it was done already).
        seconds: how long it ran; of a skipped one, how long it had run.
        error: one line that names the cell, None when all is well.
    """

    name: str
    status: str
    seconds: float
    error: str | None = None


@dataclass
class CourseReport:
    """What :func:`run_course` did, in the order it was done."""

    out: Path
    profile: str
    rows: list[Row] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every notebook that was asked for is done."""
        return all(row.status in ("ok", "skipped") for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: ``{"out", "profile", "ok", "notebooks": [row, …]}``."""
        rows = [asdict(row) for row in self.rows]
        return {"out": str(self.out), "profile": self.profile, "ok": self.ok, "notebooks": rows}


def run_course(
    notebooks: Sequence[str | Path] | None,
    profile: str,
    out: str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    execution_timeout: float | None = None,
    notebook_timeout: float | None = None,
    rerun: bool = False,
    on_progress: OnProgress | None = None,
    folder: Path | None = None,
) -> CourseReport:
    """Runs notebooks in order and leaves the executed copies and ``index.html`` in ``out``.

    A notebook is skipped where its finished copy lies in ``out``, untouched, and neither its
    source, nor the parameters, nor the package's version has changed.

    Args:
        notebooks: numbers ("05"), names or paths; None for the whole course.
        profile: one of :data:`PROFILES`; notebooks receive it as the parameter ``profile``.
        out: the folder for everything that comes out; the notebooks run in it.
        parameters: further parameters, values as in JSON. Every notebook must have each of them.
        execution_timeout: seconds a cell may take; the profile's by default.
        notebook_timeout: seconds a notebook may take in all, likewise.
        rerun: run also what is done already.
        on_progress: called twice a second and at each change, see
            :func:`~.progress.print_progress`.
        folder: where names are looked up; the course's own notebooks by default.

    Raises:
        UsageError: an unknown profile or notebook; the valid ones are listed.
        UserError: an unknown parameter, an ``out`` that cannot be written or that another run is
            using.
        KeyboardInterrupt: after an interrupt, once the running notebook has been interrupted and
            stopped. Everything that was finished stays and will not be run again.
    """
    if profile not in PROFILES:
        raise UsageError(f"no profile {profile!r}; choose from {', '.join(PROFILES)}")
    limits = Limits(
        execution_timeout or PROFILES[profile].cell, notebook_timeout or PROFILES[profile].notebook
    )
    if "profile" in (parameters or {}):
        raise UsageError("the profile is chosen with --profile, not as a parameter")
    chosen = find_notebooks(notebooks, folder)
    given = {"profile": profile, **(parameters or {})}
    unusable = _check_parameters(chosen, given)
    out = expanded(out).resolve()
    _prepare(out, chosen)
    with _only_run_in(out), tempfile.TemporaryDirectory(prefix="indexnet-edu-") as temporary:
        course = _Course(out, profile, given, limits, Path(temporary), on_progress)
        try:
            for notebook in chosen:
                course.run(notebook, unusable.get(notebook.name), rerun)
                course.write_index(chosen)
        except KeyboardInterrupt:
            course.write_index(chosen)
            raise
        return course.report


def _check_parameters(notebooks: Sequence[Notebook], given: Mapping[str, Any]) -> dict[str, str]:
    """Refuses unknown parameters; returns what makes a notebook unusable, by its name."""
    unusable = {}
    for notebook in notebooks:
        try:
            node = read_notebook(notebook.path)
            known = parameters_of(node)
        except UserError as error:
            unusable[notebook.name] = str(error)
            continue
        if not code_cells(node):
            unusable[notebook.name] = "there is no code cell in it to run"
            continue
        if unknown := [key for key in given if key not in known]:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UserError(f"{notebook.name} has no parameter {', '.join(unknown)}; {has}")
        for key, value in given.items():
            if not _fits(value, known[key]):
                wanted = type(known[key]).__name__
                raise UserError(
                    f"{notebook.name}: {key} takes a value of type {wanted}, not {value!r}"
                )
    return unusable


def _fits(value: Any, default: Any) -> bool:
    """Whether a parameter may replace its default; None and lists say nothing about the type."""
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default) or not isinstance(default, (bool, int, str))


def _prepare(out: Path, notebooks: Sequence[Notebook]) -> None:
    if any(notebook.path.parent == out for notebook in notebooks):
        raise UserError(f"{out} holds the notebooks themselves; choose another --out")
    with writing(out):
        (out / "logs").mkdir(parents=True, exist_ok=True)
        (out / ".running").mkdir(exist_ok=True)


@contextmanager
def _only_run_in(out: Path) -> Iterator[None]:
    """Holds the folder's lock; the system frees it when this process ends, however it ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(out / ".lock")
    with writing(out):
        try:
            lock.acquire(timeout=0)
        except Timeout:  # a kind of OSError
            remedy = "wait for it or choose another --out"
            raise UserError(f"another run is using {out}; {remedy}") from None
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Course:
    out: Path
    profile: str
    parameters: Mapping[str, Any]
    limits: Limits
    temporary: Path
    on_progress: OnProgress | None

    def __post_init__(self) -> None:
        self.state = State.load(self.out)
        self.report = CourseReport(self.out, self.profile)
        self.environment = kernel_environment(self.temporary / "jupyter") | {
            # Not the user's start-up scripts and history, and nothing left behind by a killed
            # kernel.
            "IPYTHONDIR": str(self.temporary / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(self.temporary / "runtime"),
        }

    def tell(self, progress: Progress) -> None:
        if self.on_progress:
            self.on_progress(progress)

    def run(self, notebook: Notebook, unusable: str | None, rerun: bool) -> None:
        made_from = {
            "source": digest(notebook.path),
            "parameters": json.loads(json.dumps(self.parameters, default=str)),
            "version": __version__,
        }
        if not rerun and self.state.has(notebook.name, made_from):
            seconds = self.state.entries[notebook.name].seconds
            row = Row(notebook.name, "skipped", seconds)
        else:
            self.tell(Progress(notebook.name, "started"))
            row = Row(notebook.name, "failed", 0.0, unusable)
            if not unusable:
                row = self._execute(notebook, made_from)
            self._keep(row, made_from)
        self.report.rows.append(row)
        self.tell(Progress(row.name, row.status, row.seconds, error=row.error))

    def _execute(self, notebook: Notebook, made_from: Mapping[str, Any]) -> Row:
        self._running(notebook.name).unlink(missing_ok=True)
        attempt = _Attempt(notebook.name, self)
        try:
            status, error = attempt.run(
                {
                    "notebook": str(notebook.path),
                    "copy": str(self._running(notebook.name)),
                    "parameters": dict(self.parameters),
                    "execution_timeout": self.limits.cell,
                }
            )
        except KeyboardInterrupt:
            if not self.state.copy_of(notebook.name).exists():
                error = f"interrupted in {attempt.place}"
                row = Row(notebook.name, "interrupted", round(attempt.seconds, 1), error)
                self._keep(row, made_from)
            raise
        return Row(notebook.name, status, round(attempt.seconds, 1), error)

    def _running(self, name: str) -> Path:
        return self.out / ".running" / f"{name}.ipynb"

    def _keep(self, row: Row, made_from: Mapping[str, Any]) -> None:
        """Moves the copy to its place, whole or not at all, and notes what it is."""
        copy = self.state.copy_of(row.name)
        running = self._running(row.name)
        with writing(self.out):
            if _is_whole(running):
                os.replace(running, copy)
            elif copy.exists():  # of an earlier run: not what this row is about
                copy.unlink()
        finished = datetime.now().astimezone().isoformat(timespec="seconds")
        self.state.record(
            row.name, Entry(row.status, row.seconds, row.error, made_from, digest(copy), finished)
        )

    def write_index(self, chosen: Sequence[Notebook]) -> None:
        from .index_page import write_index

        write_index(self.out, [notebook.name for notebook in chosen])


def _is_whole(notebook: Path) -> bool:
    """Whether the file is there and complete: a killed process may have been writing it."""
    try:
        return "cells" in json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


class _Attempt:
    """One notebook in a worker process."""

    def __init__(self, name: str, course: _Course) -> None:
        self.name = name
        self.course = course
        self.began = time.monotonic()
        self.cell = self.cells = 0
        self.source = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def place(self) -> str:
        """Where it is, for a person: the number as in the ``In [5]`` of the executed copy."""
        if not self.cells:
            return "the kernel's start"
        return f"cell {self.cell} of {self.cells} `{_one_line(_first_line(self.source), 60)}`"

    def run(self, job: Mapping[str, Any]) -> tuple[str, str | None]:
        """Returns (status, error)."""
        limit = self.course.limits.notebook
        log = self.course.out / "logs" / f"{self.name}.log"
        with writing(self.course.out), log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-P", worker.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.course.out,
                env=self.course.environment,
                start_new_session=True,  # an interrupt from the terminal comes here alone
            )
        try:
            end = self._follow(process, job, limit)
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):  # the user insists: kill at once
                _interrupt(process)
            raise
        finally:
            worker.kill_family(process.pid)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
            if not log.stat().st_size:
                log.unlink()
        if end is None:
            return "timeout", f"{self.place}: stopped, the notebook had run for {limit:g} s"
        return self._judge(end, log)

    def _follow(
        self, process: subprocess.Popen[bytes], job: Mapping[str, Any], limit: float
    ) -> dict[str, Any] | None:
        """The worker's last event, {} if it died without one, None when time ran out."""
        assert process.stdin
        events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=_read_events, args=(process, events), daemon=True).start()
        with suppress(BrokenPipeError):  # it died at once; the reader notices
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        while (left := limit - self.seconds) > 0:
            self.course.tell(Progress(self.name, "running", self.seconds, self.cell, self.cells))
            try:
                event = events.get(timeout=min(_TICK, left))
            except queue.Empty:
                continue
            if event.get("event") != "cell":
                return event
            self.cell, self.cells, self.source = event["cell"], event["cells"], event["source"]
        _interrupt(process)
        return None

    def _judge(self, end: Mapping[str, Any], log: Path) -> tuple[str, str | None]:
        if not end:
            seen = f", see logs/{log.name}" if log.exists() else ""
            return "failed", f"{self.place}: the process that ran it died{seen}"
        if end["event"] == "unwritable":
            raise unwritable(self.course.out, os.strerror(end["errno"]))
        if error := end["error"]:
            name, message = error["name"], _one_line(error["message"], 240)
            if name == worker.TIMEOUT:
                return "timeout", f"{self.place}: {message}"
            if name == "DeadKernelError":
                message = "the kernel died; is there enough memory?"
            return "failed", f"{self.place}: {name}: {message}"
        if not end["executed"]:
            return "failed", "no cell was executed besides the parameters"
        return "ok", None


def _read_events(
    process: subprocess.Popen[bytes], events: queue.SimpleQueue[dict[str, Any]]
) -> None:
    assert process.stdout
    for line in process.stdout:
        events.put(json.loads(line))
    events.put({})


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Passes the interrupt on to the kernel and waits for the notebook to end.

    A training cell can then save a checkpoint, and the copy shows where the notebook stood.
    """
    import psutil

    try:
        for kernel in psutil.Process(process.pid).children():
            kernel.send_signal(signal.SIGINT)
        process.wait(_GRACE)
    except (psutil.NoSuchProcess, subprocess.TimeoutExpired):
        pass  # gone or deaf: the caller kills what is left


def _first_line(source: str) -> str:
    return source.strip().split("\n")[0]


def _one_line(text: str, length: int) -> str:
    """Without line breaks and terminal colours, shortened in the middle."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 + 3 :]}"
