"""Train the pairs of the upsampler microscope that have weights, on photographs it never shows.

``python -m indexnet_edu.lessons.fit_microscope`` reads BSD400 and BSD68 from the data folder and
writes ``data/weights/microscope``: some minutes on one CPU thread.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..datasets import get_dataset
from ..engine.device import describe_device
from ..engine.run import environment_of
from ..errors import UserError
from ..files import sha256
from ..records.weights import WEIGHTS, save_set
from ..resampling.carafe import Carafe
from ..tasks.denoising.photographs import read_photographs
from ..viz.widgets.one_level import LEARNED, PAIRS, WEIGHT_SET, OneLevel

__all__ = ["Settings", "fit", "pooled_psnr", "write"]


@dataclass(frozen=True)
class Settings:
    """Adam on the mean square error; the learning rate falls to 0 along a half cosine."""

    steps: int = 2000
    batch: int = 4
    crop: int = 32
    lr: float = 0.02
    lr_carafe: float = 0.002  # at more, its softmax settles on one tap: nearest, and stays there
    seed: int = 0


def read_zip(path: Path) -> list[Tensor]:
    """The grey PNGs of a zip file by name, each (1, 1, H, W) in [0, 1]."""
    return [torch.from_numpy(image)[None, None].float() / 255 for image in read_photographs(path)]


def _crops(images: list[Tensor], settings: Settings, generator: torch.Generator) -> Tensor:
    crops, size = [], settings.crop
    for _ in range(settings.batch):
        image = images[int(torch.randint(len(images), (), generator=generator))]
        i, j = (
            int(torch.randint(side - size + 1, (), generator=generator)) for side in image.shape[2:]
        )
        crops.append(image[..., i : i + size, j : j + size])
    return torch.cat(crops)


def fit(name: str, images: list[Tensor], settings: Settings) -> OneLevel:
    """A pair that returns its input as well as it can, in evaluation mode, rounded to float16.

    Batch normalisation keeps its statistics from the middle of training on: on one channel it would
    take the brightness of every batch away, which nothing behind could give back.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        pair = OneLevel(name)
    up_lr = settings.lr_carafe if isinstance(pair.up, Carafe) else settings.lr
    groups: list[dict[str, Any]] = [
        {"params": list(part.parameters()), "lr": lr}
        for part, lr in ((pair.down, settings.lr), (pair.up, up_lr))
    ]
    optimiser = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    for step in range(settings.steps):
        if step == settings.steps // 2:
            pair.eval()
        x = _crops(images, settings, generator)
        loss = F.mse_loss(pair(x), x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return pair.half().float().eval()  # what is measured is what will be kept


@torch.no_grad()
def pooled_psnr(pair: OneLevel, images: list[Tensor]) -> float | None:
    """−20·log10(RMSE) in dB over all pixels of all images, output clipped; None where exact."""
    errors = [(pair(x).clamp(0, 1) - x).square() for x in images]
    square = sum(float(e.sum()) for e in errors) / sum(e.numel() for e in errors)
    return -10 * float(np.log10(square)) if square else None


def write(
    folder: Path,
    training: list[Tensor],
    test: list[Tensor],
    data: dict[str, Any],
    settings: Settings,
) -> None:
    """Trains every pair that has weights, measures all pairs, and writes the set.

    Args:
        folder: of the set.
        training, test: images, each (1, 1, H, W).
        data: their names and checksums, for the record.
    """
    tensors: dict[str, Tensor] = {}
    quality = {}
    start = time.perf_counter()
    for name in PAIRS:
        pair = fit(name, training, settings) if name in LEARNED else OneLevel(name).eval()
        quality[name] = pooled_psnr(pair, test)
        tensors |= {f"{name}.{key}": value for key, value in pair.state_dict().items()}
        shown = "exact" if quality[name] is None else f"{quality[name]:.2f} dB"
        print(f"{name}: {pair.count_weights():,} weights, {shown}")
    record = {
        "task": "one halving of a grey picture and back, one channel",
        "data": data,
        "recipe": {**asdict(settings), "loss": "mean square error", "optimiser": "Adam"},
        "metrics": {"psnr": quality, "seconds": time.perf_counter() - start},
        "environment": environment_of(describe_device(torch.device("cpu"))),
        "kept": f"all weights of {len(LEARNED)} pairs",
    }
    save_set(folder, {"pairs": tensors}, record)


def main() -> None:
    torch.set_num_threads(1)
    # Weights of CARAFE's softmax become so small that a CPU takes twenty times as long over them.
    torch.set_flush_denormal(True)
    try:
        source = get_dataset("denoising").require()
    except UserError as error:
        sys.exit(str(error))
    train, test = source / "bsd400.zip", source / "bsd68.zip"
    data = {
        "name": "BSD400 (400 grey photographs); tested on the 68 of BSD68",
        "checksum": {path.name: sha256(path) for path in (train, test)},
    }
    write(WEIGHTS / WEIGHT_SET, read_zip(train), read_zip(test), data, Settings())


if __name__ == "__main__":
    main()
