"""A worker takes the next free cell, has it trained in a process of its own, and takes the next.

A process a cell, so that whatever ends it (out of memory, a crash in a library) ends that cell
alone. They come from a fork server that has imported everything and computed nothing, so that a
cell does not pay for imports.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import platform
import signal
import sys
import tempfile
import threading
import time
import traceback
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from ...errors import UserError
from ..stop import Stopped
from ..task import Task
from ..train import train
from .cells import Sweep
from .plan import Cell, SweepPlan

__all__ = ["Worker", "require_room_for_sockets"]

#: Exit codes of a cell's process: another worker has the cell; stopped with the state saved.
_TAKEN = 76
_STOPPED = {75, 130, -signal.SIGTERM, -signal.SIGINT}

#: What a training imports when it gets there: seconds that a cell need not spend. PyTorch's
#: optimisers, for one, import its compiler.
_IMPORTED_LATE = (
    "accelerate", "torch._dynamo", "torch.utils.tensorboard", "torchmetrics.image", __name__
)  # fmt: skip

#: Seconds for which a claim is looked at again before it is taken to be another worker's.
_PATIENCE = 0.25

#: Seconds that a stopped cell gets to save its state.
_GRACE = 60


def require_room_for_sockets() -> None:
    """Refuses a folder of temporary files in which the fork server could open no socket.

    Raises:
        UserError: its path is too long.
    """
    folder = tempfile.gettempdir()
    # The system's limit without the closing zero, and /pymp-12345678/listener-12345678.
    longest = (103 if sys.platform == "darwin" else 107) - 32
    if (length := len(os.fsencode(folder))) > longest:
        raise UserError(
            f"the path of temporary files is too long for a sweep ({length} bytes, at most "
            f"{longest}: {folder}): set TMPDIR to a shorter one"
        )


class Worker:
    """What a job of the sweep runs; submitit calls it, and ``checkpoint`` before it is cut off.

    Args:
        folder: the sweep's, absolute.
        threads: of a cell's process; None leaves PyTorch's choice.
        place: number of the worker over their count, so that they do not all begin at one cell.
        gpu: the only one it may use, as ``CUDA_VISIBLE_DEVICES`` has it; None for all.
    """

    def __init__(
        self, task: Task, folder: Path, threads: int | None, place: float, gpu: str | None = None
    ) -> None:
        self.task, self.folder, self.threads = task, folder, threads
        self.place, self.gpu = place, gpu
        self._stopping = False
        self._process: BaseProcess | None = None

    def __call__(self) -> None:
        require_room_for_sockets()
        if self.gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu
        signal.signal(signal.SIGTERM, self._stop)
        context = multiprocessing.get_context("forkserver")
        builders = {network.build.__module__ for network in self.task.networks.values()}
        context.set_forkserver_preload([*sorted(builders), *_IMPORTED_LATE])
        sweep = Sweep(self.folder)
        tried: set[Cell] = set()
        while not self._stopping:
            plan = sweep.plan  # it may have been extended meanwhile
            if (cell := self._next(sweep, plan, tried)) is None:
                return
            self._process = context.Process(
                target=_train_cell, args=(self.task, sweep, plan, cell, self.threads)
            )
            self._process.start()
            if self._stopping:  # the signal came before there was a process to pass it on to
                self._process.terminate()
            self._process.join()
            code = self._process.exitcode
            assert code is not None
            if code not in {_TAKEN, *_STOPPED}:
                tried.add(cell)
                if sweep.state(cell) == "to do":  # it could not say itself why it failed
                    sweep.fail(cell, _reason(code))
        raise SystemExit(75)

    def _next(self, sweep: Sweep, plan: SweepPlan, tried: set[Cell]) -> Cell | None:
        begin = int(self.place * len(plan.cells))
        order = [cell for cell in plan.cells[begin:] + plan.cells[:begin] if cell not in tried]
        for pause in (_PATIENCE, 0):  # a cell that somebody only looks at is free in an instant
            for cell in order:
                if sweep.state(cell) == "to do":
                    return cell
            time.sleep(pause)
        return None

    def _stop(self, signum: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        self._stopping = True
        if self._process is not None and self._process.pid is not None:
            self._process.terminate()  # SIGTERM: it saves its state

    def checkpoint(self) -> Any:
        """The cell saves its state; what is returned is queued again."""
        from submitit.helpers import DelayedSubmission

        self._stop()
        if self._process is not None and self._process.pid is not None:
            self._process.join(_GRACE)
        return DelayedSubmission(Worker(self.task, self.folder, self.threads, self.place, self.gpu))


def _reason(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"its process was killed by {name}" + (": out of memory?" if name == "SIGKILL" else "")


def _stop_with_the_worker() -> None:
    """Waits for the worker to die. Nobody would then look after this process: it saves and ends."""
    worker = multiprocessing.parent_process()
    assert worker is not None
    worker.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _say(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}", flush=True)


def _train_cell(task: Task, sweep: Sweep, plan: SweepPlan, cell: Cell, threads: int | None) -> None:
    """The life of a cell's process; its exit code tells the worker how it went."""
    sweep.log(cell).parent.mkdir(exist_ok=True)
    log = os.open(sweep.log(cell), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for stream in (sys.stdout, sys.stderr):  # whatever the terminal knows
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    threading.Thread(target=_stop_with_the_worker, daemon=True).start()
    with sweep.claimed(cell, _PATIENCE) as mine:
        if not mine:
            sys.exit(_TAKEN)
        if sweep.run(cell).finished:
            return
        _say(f"{cell.name} on {platform.node()}, process {os.getpid()}")
        try:
            run = train(
                task, cell.variant, plan.profile, sweep.folder / cell.name, seed=cell.seed,
                overrides=plan.overrides, resume=True, threads=threads, progress=False,
            )  # fmt: skip
        except Stopped as stopped:
            _say(str(stopped))
            sys.exit(stopped.exit_code)
        except UserError as error:
            _say(str(error))
            sweep.fail(cell, str(error))
            sys.exit(1)
        except Exception as error:
            _say(traceback.format_exc())
            sweep.fail(cell, f"{type(error).__name__}: {error}".splitlines()[0])
            sys.exit(1)
        _say("done: " + "  ".join(f"{name} {value:.6g}" for name, value in run.metrics.items()))
