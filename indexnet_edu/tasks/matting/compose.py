"""Examples: a foreground put before a background, cropped, mirrored, with a trimap (Sec. 6.1.1).

The order is ours where the paper's code has another: parts are cropped and resized first and
composed then, and the trimap is made at the size that the network sees. So an example's image is
exactly its alpha · foreground + (1 − alpha) · background, and no known pixel is mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ...backbones.weights import IMAGENET_MEAN, IMAGENET_STD
from .foregrounds import Foreground
from .trimap import LARGEST_DILATION, UNKNOWN, trimap_from_alpha

__all__ = [
    "CROP_SCALES",
    "composite",
    "cropped_example",
    "example_of",
    "network_input",
    "whole_example",
]

#: An RGB picture (H, W, 3).
Picture = npt.NDArray[np.uint8]

#: Crops are so many times as large as what the network sees: 320, 480 and 640 pixels for 320.
CROP_SCALES = (1.0, 1.5, 2.0)


def composite(alpha: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    """alpha · foreground + (1 − alpha) · background; alpha ``(…, 1, H, W)``, colours ``(…, 3, H,
    W)``."""
    return alpha * foreground + (1 - alpha) * background


def network_input(image: Tensor, trimap: npt.NDArray[np.uint8]) -> Tensor:
    """What a network reads: RGB standardised by ImageNet's statistics, and trimap / 255.

    Args:
        image: ``(3, H, W)`` in [0, 1].
        trimap: ``(H, W)`` of 0, 128 and 255.

    Returns:
        ``(4, H, W)``.
    """
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    fourth = torch.from_numpy(trimap).float()[None] / 255  # (H, W) → (1, H, W)
    return torch.cat([(image - mean) / std, fourth])


def example_of(
    alpha: Tensor, foreground: Tensor, background: Tensor, trimap: npt.NDArray[np.uint8]
) -> dict[str, Tensor]:
    """An example from its parts.

    Args:
        alpha, foreground, background: ``(1, H, W)`` and twice ``(3, H, W)``, in [0, 1].

    Returns:
        ``x`` ``(4, H, W)``, ``alpha`` ``(1, H, W)``, ``unknown`` ``(1, H, W)`` bool, ``image``,
        ``foreground`` and ``background`` ``(3, H, W)`` in [0, 1].
    """
    image = composite(alpha, foreground, background)
    return {
        "x": network_input(image, trimap),
        "alpha": alpha,
        "unknown": torch.from_numpy(trimap == UNKNOWN)[None],
        "image": image,
        "foreground": foreground,
        "background": background,
    }


def cropped_example(
    foreground: Foreground,
    background: Picture,
    crop: int,
    rng: np.random.Generator,
    *,
    scales: Sequence[float] = CROP_SCALES,
    largest_dilation: int = LARGEST_DILATION,
) -> dict[str, Tensor]:
    """An example to train on, see :func:`example_of`: everything in it comes from ``rng``.

    A square around a random mixed pixel of the foreground, moved into the picture where it would
    leave it, and as much of the background from anywhere; both resized to ``crop``, mirrored every
    other time, with a trimap dilated by 1 to ``largest_dilation`` pixels.

    Args:
        crop: pixels a side that the network sees.
        scales: of which one is drawn: the square has so many times ``crop`` pixels, at most as many
            as the foreground is high and wide.
    """
    height, width = foreground.alpha.shape
    side = min(round(crop * float(rng.choice(scales))), height, width)
    window = _around_a_mixed_pixel(foreground.alpha, side, rng)
    behind = _anywhere(background, side, rng)
    alpha = _resized(foreground.alpha[window][..., None], (crop, crop))
    parts = [alpha, *(_resized(p, (crop, crop)) for p in (foreground.colour[window], behind))]
    if rng.random() < 0.5:
        parts = [part.flip(-1) for part in parts]
    dilation = int(rng.integers(1, largest_dilation + 1))
    trimap = trimap_from_alpha(parts[0][0].numpy(), dilation)
    return example_of(parts[0], parts[1], parts[2], trimap)


def whole_example(foreground: Foreground, background: Picture, dilation: int) -> dict[str, Tensor]:
    """A whole foreground before the middle of a background, which is resized to cover it."""
    height, width = foreground.alpha.shape
    rows, columns = background.shape[:2]
    covering = max(height / rows, width / columns)
    size = max(height, round(covering * rows)), max(width, round(covering * columns))
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    behind = _resized(background, size)[:, top : top + height, left : left + width]
    trimap = trimap_from_alpha(foreground.alpha, dilation)
    return example_of(
        _resized(foreground.alpha[..., None], (height, width)),
        _resized(foreground.colour, (height, width)),
        behind,
        trimap,
    )


def _around_a_mixed_pixel(
    alpha: npt.NDArray[np.uint8], side: int, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Rows and columns; anywhere where nothing is mixed."""
    mixed = np.flatnonzero((alpha > 0) & (alpha < 255))
    chosen = rng.choice(mixed) if len(mixed) else rng.integers(alpha.size)
    centre = np.unravel_index(chosen, alpha.shape)
    starts = [
        int(np.clip(c - side // 2, 0, length - side))
        for c, length in zip(centre, alpha.shape, strict=True)
    ]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)


def _anywhere(picture: Picture, side: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """A square of a picture, ``(s, s, 3)``; the whole short side where that is smaller."""
    side = min(side, *picture.shape[:2])
    top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def _resized(picture: npt.NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
    """``(h, w, C)`` uint8 → ``(C, H, W)`` in [0, 1], smoothed where it shrinks, of 8 bits.

    Rounding makes a whole 0 and 1 of what weights that sum to nearly 1 leave.
    """
    planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
    if planes.shape[-2:] != size:
        planes = F.interpolate(planes, size, mode="bilinear", antialias=True).round()
    return planes[0].clamp(0, 255) / 255
