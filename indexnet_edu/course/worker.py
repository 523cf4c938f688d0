"""One notebook through papermill, in a process of its own; :mod:`.execute` starts it.

It is run as a file, so that starting it does not import the package (and with it PyTorch). The job
comes as one line of JSON on standard input; events go out as lines of JSON on standard output.
Standard input stays open as a lifeline: when it closes, whoever asked for the run is gone, and this
process ends with everything below it.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import sys
import threading
from typing import Any, BinaryIO, NoReturn

TIMEOUT = "CellTimeout"
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


def kill_family(pid: int) -> None:
    """Kills a process with all its descendants: a kernel leads a process group of its own."""
    import psutil

    try:
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass


def main() -> None:
    events = _take_stdout()
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    _Run(job, events).go()


def _take_stdout() -> BinaryIO:
    """Standard output for events alone: the kernel's own prints go to standard error."""
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return events


def _die_with_the_parent() -> NoReturn:
    sys.stdin.buffer.read()
    kill_family(os.getpid())
    os._exit(1)


class _Run:
    def __init__(self, job: dict[str, Any], events: BinaryIO) -> None:
        self.job = job
        self.events = events
        self.cell = 0
        self.cells = 0
        self.executed = 0  # cells besides the parameters, to the end and without an error
        self.error: tuple[str, str] | None = None

    @property
    def overtime(self) -> str:
        return f"still running after {self.job['execution_timeout']:g} s"

    def send(self, event: str, **values: Any) -> None:
        self.events.write(json.dumps({"event": event, **values}).encode() + b"\n")

    def go(self) -> None:
        from nbclient.exceptions import CellTimeoutError
        from papermill.exceptions import PapermillExecutionError

        try:
            self.execute()
        except PapermillExecutionError as error:
            self.error = self.error or (error.ename, error.evalue)
        except CellTimeoutError:  # the cell ignored the interrupt
            self.error = self.error or (TIMEOUT, self.overtime)
        except Exception as error:  # never a cell's own: those come as the one above
            if getattr(error, "errno", None) in _UNWRITABLE:
                self.send("unwritable", errno=error.errno)  # type: ignore[attr-defined]
                return
            self.error = self.error or (type(error).__name__, str(error))
        name, message = self.error or ("", "")
        self.send(
            "end",
            executed=self.executed,
            error={"name": name, "message": message} if name else None,
        )

    def execute(self) -> None:
        import papermill

        logging.getLogger("papermill").setLevel(logging.WARNING)
        papermill.execute_notebook(
            _literal(self.job["notebook"]),
            _literal(self.job["copy"]),
            parameters=self.job["parameters"],
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=math.ceil(self.job["execution_timeout"]),
            # Interrupted, a cell shows in its traceback where it stood.
            interrupt_on_timeout=True,
            error_on_timeout={
                "ename": TIMEOUT,
                "evalue": self.overtime,
                "traceback": [],
            },
            on_notebook_start=self.on_start,
            on_cell_execute=self.on_cell,
            on_cell_executed=self.on_cell_executed,
            on_cell_error=self.on_error,
        )

    def on_start(self, notebook: Any, **_: Any) -> None:
        code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
        self.cells = len(code)

    def on_cell(self, cell: Any, **_: Any) -> None:
        self.cell += 1
        self.send("cell", cell=self.cell, cells=self.cells, source=cell.source)

    def on_cell_executed(self, cell: Any, execute_reply: Any, **_: Any) -> None:
        own = not {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", ()))
        self.executed += own and execute_reply["content"]["status"] == "ok"

    def on_error(self, execute_reply: Any, **_: Any) -> None:
        content = execute_reply["content"]
        self.error = (content.get("ename", "Error"), content.get("evalue", ""))


def _literal(path: str) -> str:
    """papermill formats paths with the parameters; a folder's braces are meant as they stand."""
    return path.replace("{", "{{").replace("}", "}}")


if __name__ == "__main__":
    main()
