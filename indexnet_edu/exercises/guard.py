"""Calls a learner's function so that whatever it does, the notebook goes on.

An error is caught, output is kept up to a limit, an endless loop is interrupted, and what it
changed around it is put back (:mod:`.restore`).
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from .restore import restored

__all__ = ["Answer", "TimeIsUp", "TooMuchPrinted", "guarded"]

KEPT = 1_000  # characters of output
MOST = 500_000  # after which it is taken for endless
_AGAIN = 0.1  # seconds until the next attempt where a bare `except` swallowed the first


# Not Exceptions, so that an `except Exception` in the answer does not swallow them.
class TimeIsUp(BaseException):
    """The answer ran longer than it may."""


class TooMuchPrinted(BaseException):
    """The answer prints without end."""


class Answer:
    """What a call led to: a value, or an error, and what was printed on the way.

    Attributes:
        returned: whether it came to an end; an error after that is one of reading the value.
        message: the first line of the error. Reading it runs code of the answer, so it is read
            here and nowhere else.
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.message = ""
        self.printed = ""
        self.returned = False

    def run(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        read: Callable[[Any], Any] | None,
    ) -> None:
        try:
            with restored(), torch.enable_grad():
                self.value = function(*arguments)
            self.returned = True
            if read is not None:
                self.value = read(self.value)
        except KeyboardInterrupt:
            raise  # the learner's, or that of whoever runs the notebook
        except BaseException as error:
            self.error = error
            self.message = _first_line(error)


def _first_line(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except (KeyboardInterrupt, TimeIsUp):
        raise
    except BaseException:
        return "with a message that cannot be read"
    return lines[0][:300] if lines else "without a message"


class _Ear(io.TextIOBase):
    """Standard output and error of an answer: the beginning is kept."""

    def __init__(self) -> None:
        self.kept = ""
        self.heard = 0

    def write(self, text: str) -> int:
        self.heard += len(text)
        if len(self.kept) < KEPT:
            self.kept += text[: KEPT - len(self.kept)]
        if self.heard > MOST:
            raise TooMuchPrinted
        return len(text)

    def writable(self) -> bool:
        return True

    @property
    def text(self) -> str:
        cut = self.heard - len(self.kept)
        return f"{self.kept} … and {cut:,} characters more" if cut else self.kept


def guarded(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    seconds: float,
    read: Callable[[Any], Any] | None = None,
) -> Answer:
    """Calls the function; only a KeyboardInterrupt comes through.

    Args:
        read: what to take from the value. Reading a value may run code of the answer, too.
        seconds: until it is interrupted with :class:`TimeIsUp`. A single operation of PyTorch is
            waited for.
    """
    answer = Answer()

    def work() -> None:
        answer.run(function, arguments, read)

    ear = _Ear()
    in_main = threading.current_thread() is threading.main_thread()
    limited = _by_alarm if in_main and hasattr(signal, "setitimer") else _in_thread
    with restored(), contextlib.redirect_stdout(ear), contextlib.redirect_stderr(ear):
        try:
            limited(work, max(seconds, 0.01))
        except TimeIsUp as late:
            answer.error = late
    answer.printed = ear.text
    return answer


def _by_alarm(work: Callable[[], None], seconds: float) -> None:
    def ring(signum: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is work.__code__:
                raise TimeIsUp
            frame = frame.f_back
        # The answer has ended in the meantime: nothing to interrupt.

    before = signal.signal(signal.SIGALRM, ring)
    start = time.monotonic()
    others, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)
        if others:  # someone else's alarm, such as a test's timeout
            rest = max(others - (time.monotonic() - start), 0.001)
            signal.setitimer(signal.ITIMER_REAL, rest, interval)


def _in_thread(work: Callable[[], None], seconds: float) -> None:
    """Where there is no alarm: Windows, and threads other than the main one."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not thread.is_alive():
        return
    for _ in range(20):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeIsUp)
        )
        thread.join(_AGAIN)
        if not thread.is_alive():
            break
    raise TimeIsUp
