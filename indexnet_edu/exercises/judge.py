"""What is an answer worth? Pure: a function in, a verdict out; nothing is shown or kept."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from .attempt import Attempt, attempt
from .differences import in_shape, in_values
from .exercise import Case, Exercise
from .guard import guarded
from .restore import restored
from .values import Parts, agree, floats, fresh, parts

__all__ = ["Verdict", "judge"]


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

    with restored():
        torch.set_default_device(None)  # all is small, and the cases lie on the CPU
        return _judge(exercise, function, dtype)


def _judge(exercise: Exercise, function: Callable[..., Any], dtype: torch.dtype) -> Verdict:
    attempts: list[Attempt] = []
    deadline = time.monotonic() + exercise.seconds
    for case in exercise.cases():
        attempts.append(attempt(exercise, function, case, dtype, deadline - time.monotonic()))
        if attempts[0].ended == "stub":
            return Verdict(exercise, "open")
        if attempts[-1].ended == "stopped":
            break
    printed = next((each.printed for each in attempts if each.printed), "")
    for number, failed in enumerate(attempts):
        said = failed.fault or _complaint(exercise, attempts, number)
        if said:
            return Verdict(
                exercise,
                "wrong",
                said,
                case=failed.case,
                wanted=failed.wanted,
                got=failed.got,
                printed=failed.printed or printed,
            )
    no_gradient = _gradient(exercise, function, attempts[0].case, dtype)
    if no_gradient and exercise.needs_gradient:
        return Verdict(exercise, "wrong", no_gradient, case=attempts[0].case, printed=printed)
    remarks = [no_gradient, _other_type(exercise, function, attempts[0].case, dtype)]
    return Verdict(exercise, "right", remarks=tuple(filter(None, remarks)), printed=printed)


def _complaint(exercise: Exercise, attempts: list[Attempt], number: int) -> str:
    """What is wrong with the value of an attempt; "" where it is right."""
    failed = attempts[number]
    assert failed.got is not None
    shape = in_shape(failed.got, failed.wanted)
    if exercise.complaint is None:
        if agree(failed.got, failed.wanted, exercise.tolerance):
            return ""
        said = shape or in_values(failed.got, failed.wanted, exercise.tolerance, number)
    else:
        said = shape or _open_question(exercise, failed)
    return said and (_recognised(exercise, attempts) or said)


def _open_question(exercise: Exercise, failed: Attempt) -> str:
    assert exercise.complaint is not None and failed.got is not None
    answer = list(failed.got.values())
    unknown = sum(int(each.isnan().sum()) for each in answer if isinstance(each, Tensor))
    if unknown:
        return f"{unknown} of its values are NaN."
    arguments = fresh(failed.case.arguments, torch.float64)
    return exercise.complaint(answer[0] if len(answer) == 1 else answer, *arguments) or ""


def _recognised(exercise: Exercise, attempts: list[Attempt]) -> str:
    """The first misconception that explains the answer on every case, right or wrong there.

    One that explains a single case tells most people something about them that is not true.
    """
    for misconception in exercise.misconceptions:
        for wrong in (misconception.wrong, *misconception.also):
            if all(_explains(wrong, each, exercise) for each in attempts):
                return misconception.message
    return ""


def _explains(wrong: Callable[..., Any], made: Attempt, exercise: Exercise) -> bool:
    try:
        with torch.no_grad():
            value = wrong(*fresh(made.case.arguments, torch.float64))
    except Exception:  # where it makes no sense, the answer should have failed, too
        return made.ended == "error"
    thought = parts(value)
    if thought is None or made.got is None:
        return False
    return agree(made.got, thought, exercise.tolerance)


# --- What is right and still worth a word --------------------------------------------------------


def _gradient(
    exercise: Exercise, function: Callable[..., Any], case: Case, dtype: torch.dtype
) -> str:
    """Which argument no gradient reaches, though it reaches it through the reference."""

    def reached(through: Callable[..., Any], number: int) -> bool:
        arguments = fresh(case.arguments, dtype)
        leaves = [leaf.requires_grad_() for leaf in floats(arguments[number])]

        def read(value: Any) -> bool:
            results = [t for t in floats(value) if t.requires_grad]
            if not leaves or not results:
                return False
            with torch.enable_grad():
                total = torch.stack([t.to_dense().double().sum() for t in results]).sum()
            gradients = torch.autograd.grad(total, leaves, allow_unused=True)
            return any(gradient is not None for gradient in gradients)

        answer = guarded(through, arguments, exercise.seconds, read)
        return answer.error is None and bool(answer.value)

    for number, name in enumerate(exercise.arguments[: len(case.arguments)]):
        if reached(exercise.reference, number) and not reached(function, number):
            return (
                f"No gradient flows back to `{name}`: a network with it could not learn. "
                "Stay with tensors (no `.item()`, `.detach()`, `.numpy()`, `torch.tensor(…)`)."
            )
    return ""


def _other_type(
    exercise: Exercise, function: Callable[..., Any], case: Case, dtype: torch.dtype
) -> str:
    """Whether it works for one type of numbers only."""
    if not floats(case.arguments):
        return ""
    other = torch.float64 if dtype == torch.float32 else torch.float32
    made = attempt(exercise, function, case, other, exercise.seconds)
    if made.fault or _complaint(exercise, [made], 0):
        return (
            f"It works for {str(dtype)[6:]} only. New tensors take the type of the input with "
            "`x.new_zeros(…)` or `dtype=x.dtype`."
        )
    return ""
