"""Exercises of notebook 05: Fashion-MNIST reconstruction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from ..resampling import create_resampler
from .exercise import Case, Exercise, Misconception

__all__ = ["EXERCISES"]


# --- 5.1 What crosses ----------------------------------------------------------------------------

_PAIRS = {
    "one map": ("indexnet", {"family": "holistic", "mode": "linear"}),
    "a map a channel": ("indexnet", {"family": "m2o", "mode": "linear"}),
    "positions of maxima": ("maxpool_maxunpool", {}),
    "nothing": ("avgpool_nearest", {}),
}


def _crossing(guide: str, channels: Sequence[int], size: int) -> int:
    return _measured(guide, tuple(channels), size)


@cache
def _measured(guide: str, channels: tuple[int, ...], size: int) -> int:
    """Counted on the guides of real modules."""
    name, options = _PAIRS[guide]
    total = 0
    with torch.device("meta"), torch.no_grad():
        down = create_resampler(name, **options).downsampling(channels).eval()
        for stage, width in enumerate(channels):
            handed = down(torch.empty(1, width, size, size), stage)[1]
            crosses = getattr(handed, "decoder", handed)
            total += 0 if crosses is None else crosses.numel()
            size //= 2
    return total


def _counted(
    guide: str,
    channels: Sequence[int],
    size: int,
    *,
    maps: int = 1,
    shrink: int = 2,
    shared: bool = True,
    pooled: bool = False,
    all_pixels: bool = False,
) -> int:
    """The count, with what people overlook as arguments."""
    total = 0
    for width in channels:
        pixels = (size // 2) ** 2 if pooled else size**2
        if guide == "one map":
            total += maps * pixels * (1 if shared else width)
        elif guide == "a map a channel":
            total += maps * pixels * width
        elif guide == "positions of maxima":
            total += width * (size**2 if all_pixels else (size // 2) ** 2)
        size //= shrink
    return total


def _variant(**changes: int | bool) -> Callable[..., int]:
    return lambda guide, channels, size: _counted(guide, channels, size, **changes)  # type: ignore[arg-type]


CROSSING = Exercise(
    "5.1",
    "What crosses",
    ("guide", "channels", "size"),
    lambda: [
        Case(f"{guide}, {about}", (guide, channels, size))
        for channels, size, about in (
            ((32, 64, 128), 32, "in this network"),
            ([16, 24], 64, "two stages of a wider image"),
            ((5,), 8, "a single stage"),
            ((3, 1, 2, 7), 48, "four stages"),
        )
        for guide in _PAIRS
    ],
    _crossing,
    (
        Misconception(
            "You count both index maps. The encoder's has done its work once the features are "
            "pooled; only the decoder's crosses.",
            _variant(maps=2),
        ),
        Misconception(
            "Every stage is counted at the size of the image. Each downsampling halves height and "
            "width for the next stage.",
            _variant(shrink=1),
        ),
        Misconception(
            "A holistic map is one for all channels: their number plays no part.",
            _variant(shared=False),
        ),
        Misconception(
            "An index map is as large as the features *before* pooling: an index for every pixel, "
            "not for every region.",
            _variant(pooled=True),
        ),
        Misconception(
            "Max pooling hands over one position for each maximum, and a region of four pixels has "
            "one.",
            _variant(all_pixels=True),
        ),
        Misconception(
            "You count the first stage only. Each stage hands over a guide of its own.",
            lambda guide, channels, size: _counted(guide, channels[:1], size),
        ),
    ),
    tolerance=1e-6,
)


# --- 5.2 From many PSNRs to one ------------------------------------------------------------------


def _pooled(psnrs: Tensor) -> Tensor:
    return -10 * (10 ** (-psnrs / 10)).mean().log10()


POOLED = Exercise(
    "5.2",
    "From many PSNRs to one",
    ("psnrs",),
    lambda: [
        Case("a bad image and a good one", (torch.tensor([20.0, 40.0]),)),
        Case("three images", (torch.tensor([25.0, 27.0, 35.0]),)),
        Case("one image", (torch.tensor([28.0]),)),
        Case("five images, one worse than nothing", (torch.tensor([31.5, 8, -2.25, 0, 12]),)),
        Case("four equal ones", (torch.full((4,), 30.5),)),
    ],
    _pooled,
    (
        Misconception(
            "This is the mean of the decibels. Decibels are logarithms, and the mean of logarithms "
            "is not the logarithm of the mean: go back to the errors first.",
            lambda psnrs: psnrs.mean(),
        ),
        Misconception(
            "You average the images' RMSEs. Pooling averages *squared* errors over all pixels and "
            "takes the root once.",
            lambda psnrs: -20 * (10 ** (-psnrs / 20)).mean().log10(),
        ),
        Misconception(
            "The sign in the exponent is missing: more decibels are a *smaller* error.",
            lambda psnrs: 10 * (10 ** (psnrs / 10)).mean().log10(),
        ),
        Misconception(
            "You add the squared errors of the images. With as many pixels in each, their mean is "
            "the mean over all pixels.",
            lambda psnrs: -10 * (10 ** (-psnrs / 10)).sum().log10(),
        ),
        Misconception(
            "Decibels have base 10: undo the logarithm with a power of 10, not of e.",
            lambda psnrs: -10 * (-psnrs / 10).exp().mean().log10(),
        ),
        Misconception(
            "This is the worst image. It dominates, but it is not alone.",
            lambda psnrs: psnrs.min(),
        ),
    ),
)

EXERCISES = (CROSSING, POOLED)
