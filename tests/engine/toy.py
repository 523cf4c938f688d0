"""A task that trains in milliseconds: a linear map learnt from noisy pairs.

``torchrun … -m tests.engine.toy FOLDER`` trains it, without dropout, in several processes.
"""

import dataclasses
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from indexnet_edu.engine import (
    ALL,
    Batch,
    Mean,
    Network,
    Recipe,
    Source,
    Task,
    TaskData,
    Variant,
    train,
)


@dataclass(frozen=True)
class ToySplit:
    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        x, generator = self.x[indices], torch.Generator().manual_seed(seed)
        return Batch(x + 0.1 * torch.randn(x.shape, generator=generator), 2 * x)[share]

    def to(self, device: torch.device) -> "ToySplit":
        return ToySplit(self.x.to(device))


class ToyMetrics:
    """The mean absolute error, and how many examples it was measured on, over all processes."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.seen = 0

    def update(self, prediction: Tensor, target: Tensor, valid: None = None) -> None:
        self.errors.append((prediction - target).abs().sum().item())
        self.seen += len(target)

    def compute(self) -> dict[str, float]:
        sums = torch.tensor([sum(self.errors), self.seen], dtype=torch.float64)
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(sums)
        error, seen = sums.tolist()
        return {"mae": error / (8 * seen), "seen": seen}


def toy_data(recipe: Recipe) -> TaskData:
    x = torch.randn(37, 8, generator=torch.Generator().manual_seed(0))
    return TaskData("toy data", "0" * 64, ToySplit(x), ToySplit(x[:13]))


def toy_model(resampler: None, recipe: Recipe) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 8))


def plain_model(resampler: None, recipe: Recipe) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))


def absolute_error(output: Tensor, batch: Batch) -> Mean:
    return Mean.over((output - batch.target).abs())


def toy_task() -> Task:
    """37 examples in batches of 10: four steps an epoch, twelve in all."""
    recipe = Recipe(
        epochs=3, batch_size=10, lr=0.01, lr_drops=(0.5,), log_every=1, checkpoint_every=5
    )
    profiles = {"smoke": recipe, "cpu": recipe, "gpu": recipe}
    return Task(
        name="toy", title="Toy", networks={"mlp": Network(toy_model, profiles)},
        variants={"plain": Variant("mlp"), "other": Variant("mlp")},
        sources={"embedded": Source(toy_data)}, tables=(), loss=absolute_error,
        metrics=ToyMetrics, headline="mae",
    )  # fmt: skip


def built_by(task: Task, build: Callable[..., nn.Module]) -> Task:
    """The task with another network."""
    networks = {
        name: dataclasses.replace(each, build=build) for name, each in task.networks.items()
    }
    return dataclasses.replace(task, networks=networks)


def fed_by(task: Task, load: Callable[[Recipe], TaskData]) -> Task:
    """The task with other data."""
    return dataclasses.replace(task, sources={"embedded": Source(load)})


if __name__ == "__main__":
    plain = built_by(toy_task(), plain_model)
    train(plain, "plain", "smoke", sys.argv[1], overrides={"eval_batch_size": 4}, progress=False)
