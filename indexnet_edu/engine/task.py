"""What the engine trains: a task is data, model, loss, metrics and profiles under one name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UsageError
from ..resampling import Resampler, named_resampler
from .recipe import Recipe

__all__ = ["Metrics", "Split", "Task", "TaskData"]


class Split(Protocol):
    """Training or test examples, held in memory so that a device never waits for a file."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Input and target of the examples; all randomness (crops, noise) comes from
        ``generator``."""
        ...

    def to(self, device: torch.device) -> Split:
        """The same examples on a device."""
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
    """Gathers predictions over a test set."""

    def update(self, prediction: Tensor, target: Tensor) -> None: ...

    def compute(self) -> dict[str, float]: ...


@dataclass(frozen=True)
class Task:
    """One experiment of the paper.

    Attributes:
        name: what the command line calls it.
        title: what people call it.
        table: the paper's table.
        variants: the table's rows by name; None is a network without resampling.
        profiles: recipes by name, always ``smoke``, ``cpu`` and ``gpu``.
        load_data, build_model, loss, metrics: the parts, as functions.
        headline: the metric that a one-line summary shows, of the first test set where there are
            several.
        paper_data: the paper's data set, as ``TaskData.name`` begins up to its colon.
        paper_counts: how many examples that is, by field of the recipe: asking for so many is
            asking for all.
        baselines: what methods that learn nothing give on the test images of data and recipe: name
            → metrics, named as a run names them; None where there are none.
        predict: what a trained network makes of an image of one's own, float32 in [0, 1], grey
            ``(H, W)`` or colour ``(H, W, 3)``; None where that makes no sense.
    """

    name: str
    title: str
    table: int
    variants: Mapping[str, Resampler | None]
    profiles: Mapping[str, Recipe]
    load_data: Callable[[Any], TaskData]
    build_model: Callable[[Any, Any], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    metrics: Callable[[], Metrics]
    headline: str
    paper_data: str = ""
    paper_counts: Mapping[str, int] = field(default_factory=dict)
    baselines: Callable[[TaskData, Any], dict[str, dict[str, float]]] | None = None
    predict: Callable[[nn.Module, np.ndarray], np.ndarray] | None = None

    def variant(self, name: str) -> Resampler | None:
        """A row of the table by name, or any other pair as :func:`named_resampler` takes it.

        Raises:
            UsageError: neither; it lists the valid names.
        """
        if name in self.variants:
            return self.variants[name]
        try:
            return named_resampler(name)
        except ValueError:
            raise UsageError(
                f"{self.name} has no variant {name!r}; choose one of its rows "
                f"({', '.join(self.variants)}), a name that `indexnet-edu resamplers` lists, or "
                "FAMILY-MODE, for example m2o-linear"
            ) from None

    def main_figure(self, metrics: Mapping[str, float]) -> float:
        """The headline of a run's metrics."""
        keys = (key for key in metrics if key == self.headline or key.endswith(f"_{self.headline}"))
        return metrics[next(keys)]

    def profile(self, name: str) -> Any:
        """A recipe by name; UsageError lists the valid names."""
        if name not in self.profiles:
            choices = ", ".join(self.profiles)
            raise UsageError(f"there is no profile {name!r}; choose from {choices}")
        return self.profiles[name]
