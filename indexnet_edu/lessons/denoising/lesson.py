"""What notebook 07 trains, counts and shows: four rows of Table 7 beside methods that learn
nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...complexity import count, measure
from ...engine import TaskData
from ...tasks.denoising import DENOISING
from ...tasks.denoising.classics import CLASSICS
from ...tasks.denoising.recipe import DenoisingRecipe
from .. import rows
from ..crossing import crossing_map, numbers_beside, trace
from ..own_photograph import read_beside

__all__ = [
    "COSTS", "LIVE", "costs_of", "denoised", "liveliest", "noisy_photograph", "numbers_a_pixel",
]  # fmt: skip

#: Full resolution, max unpooling, and a light and a plain IndexNet.
LIVE = ("dncnn", "dncnn_segnet", "o2o_shared_stagewise-nonlinear_context", "m2o-linear")

#: The currencies of :func:`costs_of`; all for one image of 128×128 pixels.
COSTS = (
    "multiply–accumulates (MACs)",
    "time of a pass on this machine / ms",
    "peak memory of a pass / MB",
)


def _model(name: str, width: float) -> nn.Module:
    recipe = DenoisingRecipe(width=width)
    return DENOISING.build_model(DENOISING.variant(name), recipe).eval()


def costs_of(names: Iterable[str], width: float) -> dict[str, dict[str, float]]:
    """Currency of ``COSTS`` → row → what it costs at a share of the paper's channels."""
    x = torch.zeros(1, 1, 128, 128)
    found: dict[str, dict[str, float]] = {key: {} for key in COSTS}
    with torch.no_grad():
        for name in names:
            model = _model(name, width)
            measured = measure(model, x)
            spent = (count(model, x).macs, 1e3 * measured.seconds, measured.peak_bytes / 1e6)
            for key, value in zip(COSTS, spent, strict=True):
                found[key][name] = value
    return found


def numbers_a_pixel(name: str, width: float) -> tuple[float, float]:
    """How many numbers a pixel of the image pass the bottleneck, and how many pass beside it.

    Args:
        name: a row of Table 7 that downsamples.
        width: share of the paper's channels.
    """
    side = 64
    with torch.device("meta"):  # shapes are all that is asked for
        layers = trace(_model(name, width), torch.zeros(1, 1, side, side))
    narrow = min(math.prod(layer.shape) for layer in layers if layer.name == "D")
    # Max pooling hands over positions that CARAFE does not look at.
    beside = numbers_beside(layers) if DENOISING.variant(name).guided else 0
    return narrow / side**2, beside / side**2


@torch.no_grad()
def denoised(
    models: Mapping[str, nn.Module], data: TaskData, recipe: DenoisingRecipe
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What everybody makes of the first test image, and the PSNR of each in dB.

    Returns:
        Name → image ``(1, 1, H, W)``: the clean one, the noisy one, those of the classics and of
        the networks; and name → PSNR for all but the first.
    """
    split: Any = next(iter(data.test.values()))  # type: ignore[union-attr]  # several sets
    noisy, clean = split.noisy[0], split.clean[0]
    images = {"clean": clean}
    for name, denoiser in CLASSICS.items():
        result = denoiser(noisy[0, 0].numpy(), recipe.sigma / 255)
        images[name] = torch.from_numpy(result)[None, None].float().clamp(0, 1)
    images |= rows.outputs_of(models, noisy)
    psnr = {
        name: -10 * math.log10((image - clean).square().mean().item())
        for name, image in images.items()
        if name != "clean"
    }
    return images, psnr


def liveliest(guides: Iterable[Any], place: int = 0) -> list[Tensor]:
    """Of each stage's index map the channel that varies most, or second most (``place`` 1).

    Args:
        guides: of one image, as :func:`~indexnet_edu.lessons.crossing.guides_of` gives them.

    Returns:
        ``(H, W)`` a stage.
    """
    chosen = []
    for guide in guides:
        index_map = crossing_map(guide)
        if index_map is None:
            raise ValueError("a blind network has no index map")
        spread = index_map[0].flatten(1).std(dim=1)  # (G, H, W) → (G,)
        chosen.append(index_map[0, spread.argsort(descending=True)[min(place, len(spread) - 1)]])
    return chosen


def noisy_photograph(path: str | Path | None, sigma: int, seed: int) -> tuple[np.ndarray, str]:
    """A photograph to denoise: the learner's own as it is, or a colour sample with noise added.

    Args:
        path: of an image file; None for the sample.
        sigma: of the sample's noise, in grey levels.

    Returns:
        ``(H, W)`` or ``(H, W, 3)`` float32 in [0, 1], and where it came from.

    Raises:
        UserError: no such file, or no image.
    """
    if path is not None:
        return read_beside(path)
    import skimage.data

    image = skimage.data.astronaut().astype(np.float32) / 255
    noise = np.random.default_rng(seed).standard_normal(image.shape, dtype=np.float32)
    return np.clip(image + sigma / 255 * noise, 0, 1), f"a sample with noise of σ = {sigma} added"
