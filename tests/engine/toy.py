"""A task that trains in milliseconds: a linear map learnt from noisy pairs.

``torchrun … -m tests.engine.toy FOLDER`` trains it, without dropout, in several processes.
"""

import dataclasses
import sys
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from indexnet_edu.engine import Recipe, Task, TaskData, train


@dataclass(frozen=True)
class ToySplit:
    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x = self.x[indices]
        return x + 0.1 * torch.randn(x.shape, generator=generator), 2 * x

    def to(self, device: torch.device) -> "ToySplit":
        return ToySplit(self.x.to(device))


class ToyMetrics:
    """The mean absolute error, and how many examples it was measured on, over all processes."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.seen = 0

    def update(self, prediction: Tensor, target: Tensor) -> None:
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


def toy_task() -> Task:
    """37 examples in batches of 10: four steps an epoch, twelve in all."""
    recipe = Recipe(
        epochs=3, batch_size=10, lr=0.01, lr_drops=(0.5,), log_every=1, checkpoint_every=5
    )
    return Task(
        name="toy", title="Toy", table=0, variants={"plain": None, "other": None},
        profiles={"smoke": recipe, "cpu": recipe, "gpu": recipe}, load_data=toy_data,
        build_model=toy_model, loss=nn.functional.l1_loss, metrics=ToyMetrics, headline="mae",
    )  # fmt: skip


if __name__ == "__main__":
    plain = dataclasses.replace(toy_task(), build_model=plain_model)
    train(plain, "plain", "smoke", sys.argv[1], overrides={"eval_batch_size": 4}, progress=False)
