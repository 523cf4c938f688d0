"""A recipe: every number that decides how a network is trained and tested."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ..errors import UsageError

__all__ = ["Recipe", "override"]

R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """The settings of one training. A task adds fields by subclassing; a profile is one instance.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        lr: the initial learning rate.
        schedule: how it falls: by ``lr_drops``, or "poly", as (1 - step / steps)^0.9.
        lr_drops: where it is divided by ten, as fractions of all steps, so that a shortened
            schedule keeps the shape of the paper's.
        optimizer: "adam", or "sgd", which has a ``momentum``.
        weight_decay: the L2 penalty's factor, on all parameters.
        train_images, test_images: how many of the data's first images are used; None for all.
        data: a data set of the task by name; "real" for its first, "embedded" for the one that
            travels with the package, "auto" for the first that is at hand.
        seed: of initial weights, data order and noise.
        precision: "bfloat16" trains under autocast; weights stay float32.
        channels_last: memory format of features.
        max_grad_norm: gradients are clipped to this norm; None for never.
        norm_frozen_from: from this fraction of all steps on, batch normalisation uses its running
            statistics and leaves them as they are, as in a test; 0 for always, None for never.
        workers: threads that make the next batches while a step runs; 0 makes each when it is due,
            which is best for data in memory.
        eval_batch_size: images a step in evaluation.
        log_every: steps between two points of the loss curve.
        evaluate_every: steps between two measurements on the test images, which join the curve;
            None measures once, at the end.
        checkpoint_every: steps between two checkpoints.
        compile: a mode of ``torch.compile``; "reduce-overhead" uses CUDA graphs, which pay where a
            step is short. It needs a C++ compiler.
        deterministic: only operators that repeat bit for bit, also on a GPU; slower there.
    """

    epochs: int = 1
    batch_size: int = 100
    lr: float = 1e-3
    schedule: Literal["drops", "poly"] = "drops"
    lr_drops: tuple[float, ...] = ()
    optimizer: Literal["adam", "sgd"] = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    train_images: int | None = None
    test_images: int | None = None
    data: str = "auto"
    seed: int = 0
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    max_grad_norm: float | None = None
    norm_frozen_from: float | None = None
    workers: int = 0
    eval_batch_size: int = 200
    log_every: int = 10
    evaluate_every: int | None = None
    checkpoint_every: int = 200
    compile: Literal["none", "default", "reduce-overhead", "max-autotune"] = "none"
    deterministic: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{name} must be a finite number, got {value}")
            if isinstance(value, int) and name != "seed" and value >= 2**31:
                raise UsageError(f"{name} must be below 2³¹, got {value}")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed must be 0 to 2⁶³ - 1, got {self.seed}")
        if not 0 <= self.momentum < 1:
            raise UsageError(f"momentum must be from 0 to below 1, got {self.momentum}")
        for name in ("weight_decay", "workers"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("epochs", "batch_size", "eval_batch_size", "log_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("lr", "train_images", "test_images", "max_grad_norm", "evaluate_every"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, got {value}")
        if not all(0 < f < 1 for f in self.lr_drops):
            raise UsageError(
                f"lr_drops are fractions of the schedule between 0 and 1, got {self.lr_drops}"
            )
        if self.norm_frozen_from is not None and not 0 <= self.norm_frozen_from < 1:
            raise UsageError(
                "norm_frozen_from is a fraction of the schedule from 0 to below 1, got "
                f"{self.norm_frozen_from}"
            )
        for name, hint in typing.get_type_hints(type(self)).items():
            if typing.get_origin(hint) is Literal and getattr(self, name) not in typing.get_args(
                hint
            ):
                choices = ", ".join(map(str, typing.get_args(hint)))
                raise UsageError(f"{name} must be one of {choices}, got {getattr(self, name)!r}")

    def steps_per_epoch(self, examples: int) -> int:
        """Steps of one pass over so many examples; the last batch may be smaller."""
        return -(-examples // self.batch_size)

    def lr_at(self, step: int, total_steps: int) -> float:
        """Learning rate of a step (0-based) of a schedule of ``total_steps``."""
        if self.schedule == "poly":
            return self.lr * (1 - step / total_steps) ** 0.9
        passed = sum(step >= round(fraction * total_steps) for fraction in self.lr_drops)
        return self.lr * 0.1**passed

    def norm_is_frozen(self, step: int, total_steps: int) -> bool:
        """Whether batch normalisation is frozen in a step (0-based) of so many."""
        begin = self.norm_frozen_from
        return begin is not None and step >= round(begin * total_steps)


def _parse(text: str, hint: Any) -> Any:
    """A command line's text as a value of an annotated type; ValueError if it is none."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if text.lower() == "none":
            return None
        return _parse(text, next(a for a in arguments if a is not type(None)))
    if origin is tuple:
        return tuple(_parse(part, arguments[0]) for part in text.split(",") if part)
    if origin is Literal:
        return text
    if hint is bool:
        return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
    return hint(text)


def override(recipe: R, changes: Mapping[str, Any]) -> R:
    """The recipe with some fields changed; text is read as the field's type.

    Raises:
        UsageError: an unknown field (the known ones are listed) or a value that is not of its type.
    """
    hints = typing.get_type_hints(type(recipe))
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in hints:
            raise UsageError(f"there is no setting {name!r}; choose from {', '.join(hints)}")
        try:
            values[name] = _parse(value, hints[name]) if isinstance(value, str) else value
        except (ValueError, KeyError):
            expected = getattr(hints[name], "__name__", str(hints[name]))
            raise UsageError(f"{name} takes {expected}, got {value!r}") from None
    return dataclasses.replace(recipe, **values)
