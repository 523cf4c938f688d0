"""One call of an answer: what it returned, or what is wrong with its way of answering.

Whatever runs code of the answer, reading its values included, happens within the guard.
"""

from __future__ import annotations

import dis
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

import torch

from .exercise import Case, Exercise
from .guard import MOST, Answer, TimeIsUp, TooMuchPrinted, guarded
from .values import Parts, fresh, listed, parts, same, wrong_kind

__all__ = ["Attempt", "attempt"]

_TORCH = str(Path(torch.__file__).parent)
_SHORT = 1.0  # seconds to look at the function itself


@dataclass
class Attempt:
    """What one case led to.

    Attributes:
        wanted: parts of the reference's value.
        got: parts of the answer's, under the same names; None where there are none to compare.
        fault: what is wrong with the way of answering, in words.
        ended: how: with a value, with an error, at a stub, or not by itself.
    """

    case: Case
    wanted: Parts
    got: Parts | None = None
    fault: str = ""
    ended: str = "value"  # value, error, stub, stopped
    printed: str = ""


def attempt(
    exercise: Exercise,
    function: Callable[..., Any],
    case: Case,
    dtype: torch.dtype,
    seconds: float,
) -> Attempt:
    """Calls the answer on one case.

    Args:
        dtype: of the floating-point arguments.
        seconds: that are left.
    """
    arguments, given = fresh(case.arguments, dtype), fresh(case.arguments, dtype)
    with torch.no_grad():
        wanted = exercise.reference(*fresh(case.arguments, dtype))
    made = Attempt(case, parts(wanted) or {})
    changed: list[str] = []

    def read(value: Any) -> None:
        # At once, since the answer may be a view of what it was given.
        value = listed(value, wanted)
        made.fault = wrong_kind(value, wanted) or ""
        if not made.fault:
            numbers = (parts(value) or {}).values()
            made.got = dict(zip(made.wanted, numbers, strict=True))
        for name, mine, right in zip(exercise.arguments, given, arguments, strict=False):
            changed.extend([] if same(mine, right) else [name])

    answer = guarded(function, given, seconds, read)
    made.printed = answer.printed
    if isinstance(answer.error, (TimeIsUp, TooMuchPrinted)):
        made.ended, made.fault = "stopped", _stopped(answer.error, exercise)
    elif answer.error is not None and answer.returned:
        made.fault = f"Its values cannot be read: {answer.message}"
    elif answer.error is not None:
        own = guarded(_code_of, (function,), _SHORT).value
        made.ended = "stub" if _is_stub(answer.error, own) else "error"
        made.fault = _raised(answer, exercise, function, given, own)
    elif changed:
        made.fault = (
            f"It changes its argument `{changed[0]}` in place, and whoever called it loses the "
            f"original. Write into a new tensor, for example `{changed[0]}.clone()`."
        )
    return made


def _code_of(function: Any) -> CodeType | None:
    """The code that a learner wrote for it, None where there is none."""
    while hasattr(function, "func") and not hasattr(function, "__code__"):  # functools.partial
        function = function.func
    if not hasattr(function, "__code__") and not hasattr(function, "__wrapped__"):
        function = getattr(function, "forward", type(function).__call__)
    code = getattr(inspect.unwrap(function), "__code__", None)
    theirs = isinstance(code, CodeType) and not code.co_filename.startswith(_TORCH)
    return code if theirs else None


def _is_stub(error: BaseException, own: CodeType | None) -> bool:
    """Whether the answer itself says that it is not written.

    PyTorch raises NotImplementedError as well, and so does ``input()`` in a notebook that is run
    without a reader: those are errors of an answer that was attempted.
    """
    last: TracebackType | None = error.__traceback__
    if not isinstance(error, NotImplementedError) or last is None or own is None:
        return False
    while last.tb_next is not None:
        last = last.tb_next
    code = last.tb_frame.f_code
    raised = dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
    return raised and code.co_filename == own.co_filename


def _stopped(error: BaseException, exercise: Exercise) -> str:
    if isinstance(error, TooMuchPrinted):
        return f"It prints without end ({MOST:,} characters) and was stopped."
    return (
        f"It did not end within {exercise.seconds:g} seconds and was stopped. "
        "Look for a loop whose condition never changes."
    )


def _raised(
    answer: Answer,
    exercise: Exercise,
    function: Callable[..., Any],
    given: tuple[Any, ...],
    own: CodeType | None,
) -> str:
    signature = guarded(inspect.signature, (function,), _SHORT).value
    if isinstance(signature, inspect.Signature):  # not everything has one
        try:
            signature.bind(*given)
        except TypeError:
            return f"It is called as `{exercise.call}`, but its arguments are `{signature}`."
    said = f"It raised {type(answer.error).__name__}: {answer.message}"
    line = _line_of(answer.error, own)
    return f"{said} (in `{line}`)" if line else said


def _line_of(error: BaseException | None, own: CodeType | None) -> str:
    """The line of the learner's own code that was running."""
    if error is None or own is None:
        return ""
    lines = traceback.extract_tb(error.__traceback__)
    mine = [frame.line for frame in lines if frame.filename == own.co_filename]
    return (mine[-1] or "") if mine else ""
