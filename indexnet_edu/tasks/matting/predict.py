"""A trained network on an image and a trimap of any size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .compose import network_input
from .metrics import with_known

__all__ = ["MULTIPLE", "estimate_alpha"]

#: Five halvings: sides are enlarged to the next multiple.
MULTIPLE = 32


@torch.no_grad()
def estimate_alpha(
    model: nn.Module,
    image: npt.NDArray[np.uint8],
    trimap: npt.NDArray[np.uint8],
    multiple: int = MULTIPLE,
) -> npt.NDArray[np.float32]:
    """The alpha of an image, as the paper's code tests (Sec. 6.1).

    The image is enlarged to the next multiple of 32 (bicubic; the trimap by nearest neighbour), the
    matte brought back to its size (bicubic; ours) and clipped, and what the trimap knows is put in.
    The whole image is computed at once, since ASPP looks at all of it.

    Args:
        model: in evaluation mode, on any device.
        image: ``(H, W, 3)`` RGB.
        trimap: ``(H, W)`` of 0, 128 and 255.

    Returns:
        ``(H, W)`` in [0, 1].

    Raises:
        ValueError: sizes that differ, or an image that is not uint8.
    """
    if image.dtype != np.uint8:
        raise ValueError(f"the image must be uint8, of 255, got {image.dtype}")
    if image.shape != (*trimap.shape, 3):
        raise ValueError(f"image {image.shape} and trimap {trimap.shape} do not fit")
    device = next(model.parameters()).device
    size = [-(-side // multiple) * multiple for side in trimap.shape]
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    x = network_input(_resized(planes, size)[0].clamp(0, 1), _nearest(trimap, size))
    alpha = _resized(model(x[None].to(device)).float().cpu(), trimap.shape)
    return with_known(alpha[0, 0].numpy(), trimap)


def _resized(planes: Tensor, size: list[int] | tuple[int, ...]) -> Tensor:
    if tuple(planes.shape[-2:]) == tuple(size):
        return planes
    return F.interpolate(planes, list(size), mode="bicubic", align_corners=False)


def _nearest(trimap: npt.NDArray[np.uint8], size: list[int]) -> npt.NDArray[np.uint8]:
    planes = torch.from_numpy(np.ascontiguousarray(trimap))[None, None]
    return F.interpolate(planes, size, mode="nearest-exact")[0, 0].numpy()
