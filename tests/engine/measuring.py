"""What several processes find together: metrics of few images, and the losses of a training with
masks.

``torchrun … -m tests.engine.measuring FILE`` writes it as JSON; :func:`found` is the same without
others.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from indexnet_edu.engine import ALL, Batch, Mean, Recipe, Task
from indexnet_edu.engine.device import accelerator
from indexnet_edu.engine.feed import feed
from indexnet_edu.engine.fit import Trainer, evaluate
from indexnet_edu.engine.plan import Plan
from indexnet_edu.tasks import TASKS
from indexnet_edu.tasks.denoising.data import NoisyImages
from tests.engine.toy import built_by, plain_model, toy_task

IMAGES = range(1, 6)


class _Images(NoisyImages):
    """Random pictures with noise, one a batch."""

    @classmethod
    def some(cls, count: int) -> "_Images":
        pixels = torch.randint(256, (count, 16, 16), generator=torch.Generator().manual_seed(0))
        return cls.of([image.byte().numpy() for image in pixels], 25)


class _Mattes:
    """As many squares of noise with a trimap, one a batch."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        (number,) = indices[share].tolist()
        generator = torch.Generator().manual_seed(number)
        image, alpha = (torch.rand(1, n, 32, 32, generator=generator) for n in (3, 1))
        trimap = torch.full_like(alpha, 128 / 255)
        trimap[..., :4], trimap[..., -4:] = 0, 1
        unknown = (trimap > 0) & (trimap < 1)
        return Batch(torch.cat([image, trimap], 1), alpha, unknown, {"image": image})


class _ItsTrimap(nn.Module):
    """A matte that is the trimap."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x[:, 3:]


class Masked:
    """Examples of which only some values count."""

    def __len__(self) -> int:
        return 37

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(len(self), 8, generator=generator)[indices]
        # The first examples count most, so that shares of a batch differ in what they count.
        valid = (torch.arange(8) * 5 < 40 - indices[:, None]) & (indices[:, None] % 3 != 1)
        return Batch(x, torch.where(valid, 2 * x, 1000), valid)[share]

    def to(self, device: torch.device) -> "Masked":
        return self


def masked_error(output: Tensor, batch: Batch) -> Mean:
    return Mean.over((output - batch.target).square(), batch.valid)


def _losses(task: Task, overrides: dict[str, Any]) -> list[float]:
    """Of eight steps, and in the end the sizes of all weights."""
    here, plan = accelerator(), Plan.of(task, "plain", "smoke", overrides=overrides)
    model = plan.build(here.device)
    trainer = Trainer(model, plan, here)
    batches = feed(
        Masked(), plan.recipe, range(8), here.device, here.process_index, here.num_processes
    )
    losses = [
        float(here.reduce(trainer.step(batch, plan.recipe.lr, counts), "mean"))
        for batch, counts in batches
    ]
    return losses + [float(weight.detach().norm()) for weight in model.parameters()]


def found() -> dict[str, Any]:
    """Metrics by task and number of images, and losses by batch size."""
    here, metrics = accelerator(), dict[str, Any]()
    for name, task in TASKS.items():
        recipe = Recipe(eval_batch_size=1, data="embedded")
        for count in IMAGES:
            model, test = nn.Identity(), _Images.some(count)
            if name == "matting":  # its metrics need a trimap
                model, test = _ItsTrimap(), _Mattes(count)
            metrics[f"{name} {count}"] = evaluate(model, task, test, recipe, here)
    task = dataclasses.replace(built_by(toy_task(), plain_model), loss=masked_error)
    losses = {
        # Three examples are fewer than four processes.
        str(size): _losses(
            task, {"batch_size": size, "optimizer": "sgd", "lr": 0.05, "max_grad_norm": 1.0}
        )
        for size in (3, 10)
    }
    return {"processes": here.num_processes, "metrics": metrics, "losses": losses}


if __name__ == "__main__":
    result = found()
    if accelerator().is_main_process:
        Path(sys.argv[1]).write_text(json.dumps(result))
