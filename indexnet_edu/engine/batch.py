"""What passes between data, loop and loss: batches, splits, and means that know their count."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["ALL", "Batch", "Mean", "Metrics", "Split", "TaskData"]

#: The share of a batch that one process alone takes.
ALL = slice(None)


@dataclass(frozen=True)
class Batch:
    """Examples of one step, first dimension N in every tensor.

    Attributes:
        x: what the network takes.
        target: what it should give.
        valid: where the target counts, bool, in the target's shape; None for everywhere.
        more: what a loss or a metric needs besides, by name.
    """

    x: Tensor
    target: Tensor
    valid: Tensor | None = None
    more: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, share: slice) -> Batch:
        """Some of the examples."""
        return self._each(lambda tensor: tensor[share])

    def to(self, device: torch.device) -> Batch:
        """The same examples on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def with_memory(self, memory_format: torch.memory_format) -> Batch:
        """The same examples, ``x`` in another layout of memory."""
        return dataclasses.replace(self, x=self.x.contiguous(memory_format=memory_format))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return Batch(
            change(self.x),
            change(self.target),
            None if self.valid is None else change(self.valid),
            {name: change(tensor) for name, tensor in self.more.items()},
        )


@dataclass(frozen=True)
class Mean:
    """A mean that knows over how much it is taken.

    Shares of a batch differ in what they count (masks, ignored labels), so their means may not be
    averaged; totals and counts may be added.
    """

    total: Tensor
    count: Tensor | int

    @property
    def value(self) -> Tensor:
        """0 where nothing counts."""
        count = self.count
        return self.total / (count.clamp(min=1) if isinstance(count, Tensor) else max(count, 1))

    @classmethod
    def over(cls, values: Tensor, valid: Tensor | None = None) -> Mean:
        """Of all values, or of those that are valid.

        A value that does not count may be infinite, but not its derivative, which the chain rule
        multiplies by zero: where a target is unknown, fill in a number before the loss.
        """
        if valid is None:
            return cls(values.sum(), values.numel())
        # Not a product with the mask, in which an infinite value would count.
        return cls(torch.where(valid, values, 0).sum(), valid.expand_as(values).sum())


class Split(Protocol):
    """Training or test examples, in memory or on a disk."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        """The examples of a step, or one process's share of them.

        Args:
            indices: of all examples of the step.
            seed: where all randomness (crops, noise) comes from. An example must come out the same
                whatever share is asked for: what lies in memory draws for all and cuts, what lies
                on a disk draws by example and reads its share only.
            share: which of ``indices``.
        """
        ...

    def to(self, device: torch.device) -> Split:
        """The same examples on a device; what is read from a disk stays as it is, since batches
        are moved when they are made."""
        ...


@dataclass(frozen=True)
class TaskData:
    """The data of a recipe. ``name`` stands on every table and figure made from it.

    ``test`` may be several sets by name; each is measured for itself, and its metrics begin with
    that name: ``bsd68_psnr``.
    """

    name: str
    checksum: str
    train: Split
    test: Split | Mapping[str, Split]

    def to(self, device: torch.device) -> TaskData:
        """The same data on a device."""
        if isinstance(self.test, Mapping):
            test: Any = {name: split.to(device) for name, split in self.test.items()}
        else:
            test = self.test.to(device)
        return dataclasses.replace(self, train=self.train.to(device), test=test)


class Metrics(Protocol):
    """Gathers predictions over a test set.

    Several processes each see some of the batches, perhaps none; ``compute`` is called in all of
    them and puts their sums together.
    """

    def update(self, prediction: Any, target: Tensor, valid: Tensor | None = None) -> None: ...

    def compute(self) -> dict[str, float]: ...
