"""What is an answer worth? Pure: a function in, a verdict out; nothing is shown or kept."""

from __future__ import annotations

import dis
import inspect
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from .exercise import Case, Exercise
from .guard import MOST, Answer, TimeIsUp, TooMuchPrinted, guarded
from .values import (
    Parts,
    agree,
    cast,
    copied,
    differing,
    floats,
    parts,
    same,
    shape_complaint,
    wrong_kind,
)

__all__ = ["Verdict", "judge"]

_TORCH = str(Path(torch.__file__).parent)


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        status: open (not attempted), wrong or right.
        reason: what is wrong, in words; empty for a right answer.
        remarks: what to notice about an answer that is right.
        case: the call that went wrong.
        wanted, got: parts of the reference's value there and of the answer's, where it has one.
        printed: what the answer printed, cut.
    """

    exercise: Exercise
    status: Literal["open", "wrong", "right"]
    reason: str = ""
    remarks: tuple[str, ...] = ()
    case: Case | None = None
    wanted: Parts | None = None
    got: Parts | None = None
    printed: str = ""


@dataclass
class _Attempt:
    """One case: the reference's value, the answer's, or what is wrong with its way of answering."""

    case: Case
    wanted: Any
    answer: Answer
    got: Parts | None = None
    fault: str = ""


def judge(exercise: Exercise, function: Any, dtype: torch.dtype = torch.float32) -> Verdict:
    """Tries a function on every case. Never raises anything but KeyboardInterrupt.

    Args:
        function: the learner's; any callable, or something else by mistake.
        dtype: of the floating-point arguments.
    """
    if not callable(function):
        said = f"Pass the function itself, without calling it: `check({exercise.id!r}, f)`."
        if isinstance(function, Tensor):
            said += " This is the tensor that it returned."
        return Verdict(exercise, "wrong", said)
    if inspect.isclass(function):
        said = f"Pass a function or an instance: `check({exercise.id!r}, {function.__name__}())`."
        return Verdict(exercise, "wrong", said)

    attempts: list[_Attempt] = []
    deadline = time.monotonic() + exercise.seconds
    for case in exercise.cases():
        attempt = _try(exercise, function, case, dtype, deadline - time.monotonic())
        attempts.append(attempt)
        if _is_stub(attempt.answer.error) and attempt is attempts[0]:
            return Verdict(exercise, "open")
        if isinstance(attempt.answer.error, (TimeIsUp, TooMuchPrinted)):
            break
    printed = next((a.answer.printed for a in attempts if a.answer.printed), "")
    for number, attempt in enumerate(attempts):
        said = attempt.fault or _complaint(exercise, attempts, number)
        if said:
            return Verdict(
                exercise,
                "wrong",
                said,
                case=attempt.case,
                wanted=parts(attempt.wanted),
                got=attempt.got,
                printed=attempt.answer.printed or printed,
            )
    no_gradient = _gradient(exercise, function, attempts[0].case, dtype)
    if no_gradient and exercise.needs_gradient:
        return Verdict(exercise, "wrong", no_gradient, case=attempts[0].case, printed=printed)
    remarks = [no_gradient, _other_type(exercise, function, attempts, dtype)]
    return Verdict(exercise, "right", remarks=tuple(filter(None, remarks)), printed=printed)


def _try(
    exercise: Exercise,
    function: Callable[..., Any],
    case: Case,
    dtype: torch.dtype,
    seconds: float,
) -> _Attempt:
    arguments = cast(copied(case.arguments), dtype)
    with torch.no_grad():
        wanted = exercise.reference(*copied(arguments))
    given = copied(arguments)
    attempt = _Attempt(case, wanted, guarded(function, given, seconds))
    answer = attempt.answer
    if answer.error is not None:
        attempt.fault = _told(answer.error, exercise, function, given)
        return attempt
    # Before anything else, since the answer may be a view of what it was given.
    complaint = wrong_kind(answer.value, wanted)
    if not complaint:
        try:
            attempt.got = parts(answer.value)
        except Exception as error:
            complaint = f"Its values cannot be read: {_first_line(error)}"
    if not same(given, arguments):
        changed = [n for n, a, b in zip(exercise.arguments, given, arguments) if not same(a, b)]  # noqa: B905
        attempt.fault = (
            f"It changes its argument `{changed[0]}` in place, and whoever called it loses the "
            f"original. Write into a new tensor, for example `{changed[0]}.clone()`."
        )
    elif complaint:
        attempt.fault = complaint
    if attempt.got is not None:  # of one kind with what was wanted, so its parts have these names
        attempt.got = dict(zip(parts(wanted) or {}, attempt.got.values(), strict=True))
    return attempt


def _complaint(exercise: Exercise, attempts: list[_Attempt], number: int) -> str:
    """What is wrong with the values of an attempt; empty if nothing."""
    attempt = attempts[number]
    wanted = parts(attempt.wanted)
    assert attempt.got is not None and wanted is not None
    if exercise.complaint is None and agree(attempt.got, wanted, exercise.tolerance):
        return ""
    shapes = _shapes(attempt.got, wanted)
    said: str | None = None
    if exercise.complaint is not None and not shapes:
        arguments = cast(copied(attempt.case.arguments), torch.float64)
        answer = list(attempt.got.values())
        said = exercise.complaint(answer[0] if len(answer) == 1 else answer, *arguments)
        if not said:
            return ""
    recognised = _recognised(exercise, attempts, attempt)
    return recognised or shapes or said or _by_values(attempt.got, wanted, exercise, number)


def _recognised(exercise: Exercise, attempts: list[_Attempt], failed: _Attempt) -> str:
    """The first misconception that gives the answer's values, at best on every case."""
    seen = [attempt for attempt in attempts if attempt.got is not None]
    for tried in (seen, [failed]):
        for misconception in exercise.misconceptions:
            for wrong in (misconception.wrong, *misconception.also):
                if all(_explains(wrong, each, exercise) for each in tried):
                    return misconception.message
    return ""


def _explains(wrong: Callable[..., Any], attempt: _Attempt, exercise: Exercise) -> bool:
    try:
        with torch.no_grad():
            value = parts(wrong(*cast(copied(attempt.case.arguments), torch.float64)))
    except Exception:  # a misconception need not make sense for every input
        return False
    if value is None or attempt.got is None:
        return False
    return agree(attempt.got, value, exercise.tolerance)


def _shapes(got: Parts, wanted: Parts) -> str:
    for (name, mine), right in zip(got.items(), wanted.values(), strict=True):
        if isinstance(mine, str) or isinstance(right, str):
            continue
        one_number = mine.numel() == 1 and right.ndim == 0
        if mine.shape != right.shape and not one_number:
            return f"{_name(name)}{shape_complaint(mine, right)}"
    return ""


def _by_values(got: Parts, wanted: Parts, exercise: Exercise, number: int) -> str:
    """What the numbers themselves tell, where no misconception explains them."""
    for (name, mine), right in zip(got.items(), wanted.values(), strict=True):
        if agree({"": mine}, {"": right}, exercise.tolerance):
            continue
        where = _name(name)
        if isinstance(mine, str):
            return f"{where}It is {mine!r}, not what was asked for."
        mine = mine.reshape(right.shape)
        if right.numel() == 1:
            return f"{where}It should be {right.item():.6g}; yours is {mine.item():.6g}."
        if not mine.isfinite().all():
            count = int((~mine.isfinite()).sum())
            return f"{where}{count} of its {mine.numel()} values are NaN or infinite."
        ratio = _ratio(mine, right)
        if ratio:
            return f"{where}Every value is {ratio:.4g} times what it should be: a factor is amiss."
        if mine.ndim >= 2 and mine.shape[-1] == mine.shape[-2]:
            if agree({"": mine.mT}, {"": right}, exercise.tolerance):
                return f"{where}Rows and columns are exchanged: the answer is transposed."
        if number:
            others = "the first input" if number == 1 else f"the first {number} inputs"
            return f"{where}It is right for {others}, but not for this one."
        count = int(differing(mine, right, exercise.tolerance).sum())
        return f"{where}{count} of {right.numel()} values differ; they are framed below."
    return "It has not as many parts as it should."


def _ratio(mine: Tensor, right: Tensor) -> float:
    """By what factor all values differ, 0 where it is not one factor."""
    zero = right.abs() < 1e-6
    if mine.numel() < 2 or zero.all() or (mine[zero].abs() > 1e-6).any():
        return 0.0
    ratios = mine[~zero] / right[~zero]
    return ratios[0].item() if torch.allclose(ratios, ratios[0], rtol=1e-3) else 0.0


def _name(part: str) -> str:
    return f"`{part}`: " if part else ""


# --- Errors --------------------------------------------------------------------------------------


def _is_stub(error: BaseException | None) -> bool:
    """Whether the answer itself says that it is not written: PyTorch raises this type, too."""
    if not isinstance(error, NotImplementedError) or error.__traceback__ is None:
        return False
    frame, last = list(traceback.walk_tb(error.__traceback__))[-1][0], error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    raised = dis.opname[frame.f_code.co_code[last.tb_lasti]] == "RAISE_VARARGS"
    return raised and not frame.f_code.co_filename.startswith(_TORCH)


def _told(
    error: BaseException, exercise: Exercise, function: Callable[..., Any], given: tuple[Any, ...]
) -> str:
    if isinstance(error, TimeIsUp):
        return (
            f"It did not end within {exercise.seconds:g} seconds and was stopped. "
            "Look for a loop whose condition never changes."
        )
    if isinstance(error, TooMuchPrinted):
        return f"It prints without end ({MOST:,} characters) and was stopped."
    try:
        inspect.signature(function).bind(*given)
    except TypeError:
        own = inspect.signature(function)
        return f"It is called as `{exercise.call}`, but its arguments are `{own}`."
    except ValueError:
        pass  # no signature to be had
    said = f"It raised {type(error).__name__}: {_first_line(error)}"
    line = _line_of(error, function)
    return f"{said} ({line})" if line else said


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:300] if text else "without a message"


def _line_of(error: BaseException, function: Callable[..., Any]) -> str:
    """The line of the learner's own code that was running."""
    forward = getattr(function, "forward", function)
    code = getattr(inspect.unwrap(forward), "__code__", None)
    lines = traceback.extract_tb(error.__traceback__)
    own = [f for f in lines if code is not None and f.filename == code.co_filename]
    if not own or not own[-1].line:
        return ""
    return f"in `{own[-1].line}`"


# --- What is right and still worth a word --------------------------------------------------------


def _gradient(
    exercise: Exercise, function: Callable[..., Any], case: Case, dtype: torch.dtype
) -> str:
    """Which argument no gradient reaches, though it reaches it through the reference."""

    def reached(through: Callable[..., Any], number: int) -> bool:
        arguments = cast(copied(case.arguments), dtype)
        leaves = [leaf.requires_grad_() for leaf in floats(arguments[number])]
        results = [t for t in floats(through(*arguments)) if t.requires_grad]
        if not leaves or not results:
            return False
        total = torch.stack([t.to_dense().double().sum() for t in results]).sum()
        gradients = torch.autograd.grad(total, leaves, allow_unused=True)
        return any(gradient is not None for gradient in gradients)

    for number, name in enumerate(exercise.arguments[: len(case.arguments)]):
        right, mine = (
            guarded(reached, (each, number), exercise.seconds).value
            for each in (exercise.reference, function)
        )
        if right and not mine:
            return (
                f"No gradient flows back to `{name}`: a network with it could not learn. "
                "Stay with tensors (no `.item()`, `.detach()`, `.numpy()`, `torch.tensor(…)`)."
            )
    return ""


def _other_type(
    exercise: Exercise,
    function: Callable[..., Any],
    attempts: list[_Attempt],
    dtype: torch.dtype,
) -> str:
    """Whether it works for one type of numbers only."""
    case = attempts[0].case
    if not floats(case.arguments):
        return ""
    other = torch.float64 if dtype == torch.float32 else torch.float32
    attempt = _try(exercise, function, case, other, exercise.seconds)
    if attempt.fault or _complaint(exercise, [attempt], 0):
        return (
            f"It works for {str(dtype)[6:]} only. New tensors take the type of the input with "
            "`x.new_zeros(…)` or `dtype=x.dtype`."
        )
    return ""
