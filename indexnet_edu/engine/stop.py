"""Stopping between two steps: Ctrl-C, and the signal of a scheduler that wants its machine back."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Stopped", "StopSignals"]

#: What a process stopped by a signal returns: interrupted, or to be queued again (EX_TEMPFAIL).
_EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 75}


class Stopped(KeyboardInterrupt):
    """Training stopped after a signal, its state saved. A ``KeyboardInterrupt``, so a notebook's
    run stops too."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StopSignals:
    """Turns SIGINT and SIGTERM into a flag for as long as it is entered; a second SIGINT interrupts
    at once.

    An exception raised in the middle of a step could leave the optimiser half updated, hence the
    flag.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self._previous: dict[int, Any] = {}

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.exit_code is not None and signum == signal.SIGINT:
            raise KeyboardInterrupt
        self.exit_code = _EXIT_CODES[signal.Signals(signum)]

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():  # Python allows it nowhere else
            for signum in _EXIT_CODES:
                self._previous[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
