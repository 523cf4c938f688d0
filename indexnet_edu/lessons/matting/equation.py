"""The matting equation solved with what is known: colours, two backgrounds, the nearest pixels.

``image = alpha · foreground + (1 − alpha) · background``, in each channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ...tasks.matting.metrics import with_known
from ...tasks.matting.trimap import BACKGROUND, FOREGROUND, UNKNOWN

__all__ = [
    "alpha_from_colours", "alpha_from_two_backgrounds", "foreground_for", "nearest_colours",
    "trimap_of_mask",
]  # fmt: skip

Array = npt.NDArray[Any]


def foreground_for(image: Tensor, background: Tensor, alpha: float) -> Tensor:
    """The foreground colour that explains an image, were its background and alpha these."""
    return (image - (1 - alpha) * background) / alpha


def alpha_from_colours(image: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    """Alpha where both colours are known, by least squares over the channels.

    Args:
        image, foreground, background: ``(N, C, H, W)``.

    Returns:
        ``(N, 1, H, W)`` in [0, 1]; one half where the two colours are the same, and nothing can be
        told.
    """
    between = foreground - background
    length = between.square().sum(dim=1, keepdim=True)
    along = ((image - background) * between).sum(dim=1, keepdim=True)
    alpha = along / torch.where(length > 0, length, 1)
    return torch.where(length > 0, alpha, 0.5).clamp(0, 1)


def alpha_from_two_backgrounds(
    image_1: Tensor, image_2: Tensor, background_1: Tensor, background_2: Tensor
) -> Tensor:
    """Alpha of one object before two known backgrounds (Smith and Blinn, SIGGRAPH 1996).

    What changes from one image to the other is background that shines through.

    Args:
        image_1, image_2, background_1, background_2: ``(N, C, H, W)``; the backgrounds differ in
            every pixel.

    Returns:
        ``(N, 1, H, W)`` in [0, 1].
    """
    change = background_1 - background_2
    seen = ((image_1 - image_2) * change).sum(dim=1, keepdim=True)
    return (1 - seen / change.square().sum(dim=1, keepdim=True)).clamp(0, 1)


def trimap_of_mask(mask: Tensor, inwards: int, outwards: int) -> Tensor:
    """A trimap from a rough mask, by dilation with squares.

    The package measures the distance instead
    (:func:`~indexnet_edu.tasks.matting.trimap.widened`); here a maximum over a window does it.

    Args:
        mask: ``(N, 1, H, W)``, 1 inside the object and 0 outside.
        inwards, outwards: how many pixels from the border are unknown on either side.

    Returns:
        ``(N, 1, H, W)`` of 0, 128 and 255.
    """

    def dilated(x: Tensor, reach: int) -> Tensor:
        return F.max_pool2d(x, 2 * reach + 1, stride=1, padding=reach)

    surely = 1 - dilated(1 - mask, inwards)  # far enough from all background
    perhaps = dilated(mask, outwards)
    return torch.where(surely > 0.5, FOREGROUND, torch.where(perhaps > 0.5, UNKNOWN, 0)).to(mask)


def nearest_colours(image: Array, trimap: Array) -> Array:
    """Alpha by the matting equation, with colours borrowed from the nearest known pixels.

    The simplest of the methods that look at colours alone. It takes the colour of the nearest sure
    foreground for the foreground, that of the nearest sure background for the background.

    Args:
        image: ``(H, W, 3)`` uint8.
        trimap: ``(H, W)`` of 0, 128 and 255.

    Returns:
        ``(H, W)`` float32 in [0, 1]; one half in the unknown region where the trimap has no sure
        foreground or no sure background.
    """
    if not ((trimap == FOREGROUND).any() and (trimap == BACKGROUND).any()):
        return with_known(np.full(trimap.shape, 0.5, np.float32), trimap)
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    front, behind = (_borrowed(image, trimap == level) for level in (FOREGROUND, BACKGROUND))
    alpha = alpha_from_colours(planes, front, behind)
    return with_known(alpha[0, 0].numpy(), trimap)


def _borrowed(image: Array, known: Array) -> Tensor:
    """Every pixel's colour ``(1, 3, H, W)``, taken from the nearest known pixel."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    # A single pixel is noisy: the mean of the known ones around it is borrowed.
    share = known[..., None].astype(np.float32)
    total = np.maximum(gaussian_filter(share, (2, 2, 0)), 1e-6)
    smooth = gaussian_filter(image / np.float32(255) * share, (2, 2, 0)) / total
    rows, columns = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return torch.from_numpy(smooth[rows, columns]).permute(2, 0, 1)[None]
