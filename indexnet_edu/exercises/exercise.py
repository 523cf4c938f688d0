"""What an exercise is: cases, a reference, and the wrong answers that people give.

An exercise is data. Those of notebook NN lie in ``notebook_NN.py`` as ``EXERCISES``;
:func:`find_exercise` looks them up by id.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "Case",
    "Exercise",
    "Misconception",
    "distinct",
    "find_exercise",
    "list_exercises",
    "signed",
]


@dataclass(frozen=True)
class Case:
    """One call that is tried.

    Attributes:
        about: what is special about it, in a few words: "two images, three channels".
        arguments: positional arguments; every call gets fresh copies of the tensors, and what is
            :class:`~.values.Made` is made anew.
    """

    about: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Misconception:
    """A plausible wrong answer, told by its values: whoever returns these probably thought this.

    Attributes:
        message: what went wrong and where to look, without giving the solution away; code between
            backticks.
        wrong: takes the same arguments as the reference. May raise where it makes no sense.
        also: other ways to the same mistake, whose values differ.
    """

    message: str
    wrong: Callable[..., Any]
    also: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True)
class Exercise:
    """A function to write, and how an answer is judged.

    Attributes:
        id: number of the notebook, dot, number in it: "1.3".
        title: a few words for the card.
        arguments: names of the arguments, as in the stub.
        cases: makes the cases. The first should be small enough to draw; together they vary all
            that the statement leaves free (images, channels, sizes, signs, ties …), so that an
            answer for one kind of input only is wrong, and tell the misconceptions apart.
        reference: right on every case. It returns a tensor, a number, a string, or a tuple of
            these (a NamedTuple names the parts).
        misconceptions: looked at in this order. One is told only where it explains every case.
        complaint: for open questions with many right answers: called as ``complaint(answer,
            *arguments)``, it says what is wrong, or returns None. The reference is then one right
            answer among many, whose types and shapes the answer must have.
        needs_gradient: whether an answer through which no gradient flows is wrong, where it flows
            through the reference; otherwise that is a remark.
        tolerance: absolute, and relative to the reference's values.
        seconds: for all cases together; then the answer is interrupted.
    """

    id: str
    title: str
    arguments: tuple[str, ...]
    cases: Callable[[], Sequence[Case]]
    reference: Callable[..., Any]
    misconceptions: tuple[Misconception, ...] = ()
    complaint: Callable[..., str | None] | None = None
    needs_gradient: bool = False
    tolerance: float = field(default=1e-4, kw_only=True)
    seconds: float = field(default=10.0, kw_only=True)

    @property
    def call(self) -> str:
        """How it is called: "f(d, index_map)"."""
        return f"f({', '.join(self.arguments)})"


def distinct(*shape: int, seed: int = 0, lowest: int = 1) -> Tensor:
    """Whole numbers from ``lowest`` up, each once, shuffled: float32 that is easy to read."""
    generator = torch.Generator().manual_seed(seed)
    count = torch.Size(shape).numel()
    return (torch.randperm(count, generator=generator) + lowest).reshape(shape).float()


def signed(*shape: int, seed: int = 0) -> Tensor:
    """Tenths of both signs, each once and none of them 0, shuffled."""
    whole = distinct(*shape, seed=seed) - torch.Size(shape).numel() // 2
    return torch.where(whole > 0, whole, whole - 1) / 10


@cache
def list_exercises() -> dict[str, Exercise]:
    """All exercises by id, in the order of the notebooks."""
    package = import_module(__package__ or "")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [import_module(f"{__package__}.{n}") for n in names if n.startswith("notebook_")]
    return {exercise.id: exercise for module in modules for exercise in module.EXERCISES}


def find_exercise(exercise_id: str) -> Exercise:
    """The exercise with this id.

    Raises:
        ValueError: there is none; the message lists those that there are.
    """
    exercises = list_exercises()
    if exercise_id not in exercises:
        raise ValueError(f"there is no exercise {exercise_id!r}; there are {', '.join(exercises)}")
    return exercises[exercise_id]
