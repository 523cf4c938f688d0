"""A trained denoiser on an image of any size, in tiles where the whole would need much memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["MARGIN", "denoise"]

#: Pixels that a tile sees on each side of what is kept of it: no less than a pixel's result depends
#: on, and a multiple of eight, so that tiles meet the same 2×2 regions as the whole image. Around
#: three halvings the seventeen convolutions see 57 pixels, the regions' alignment adds 7, an index
#: network's 4×4 kernels 14 on both ways, a pair's strided convolution 7, and CARAFE's 5×5 windows
#: 28; at most 106 in one network.
MARGIN = 112
#: Side of what is kept of a tile. With its margins it takes 1.2 GB at the paper's width.
TILE = 512
#: Pixels per side that the networks need; a smaller image is continued by its border.
SMALLEST = 8


@torch.no_grad()
def denoise(model: nn.Module, image: np.ndarray, tile: int = TILE) -> np.ndarray:
    """A noisy image made clean, colour one channel at a time, since the network knows grey only.

    The result is that of the whole image at once, but for rounding.

    Args:
        model: in evaluation mode, on any device.
        image: ``(H, W)`` or ``(H, W, 3)``, floating-point, clean in [0, 1]; any size.
        tile: side of a tile without its margins, in pixels, a multiple of 8.

    Returns:
        Float32 of the same shape, clipped to [0, 1].

    Raises:
        ValueError: values of another range, such as 0 to 255, or no floating-point numbers.
    """
    if not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"the image must be floating-point in [0, 1], got {image.dtype}")
    # Noise of σ = 50 leaves [0, 1] by 1 in a thousand million pixels.
    if image.size and not (image.min() > -4 and image.max() < 5):
        raise ValueError(
            f"the image must lie in [0, 1] but for noise, got {image.min():g} to {image.max():g}"
        )
    device = next(model.parameters()).device
    channels = image[..., None] if image.ndim == 2 else image  # (H, W, 1 or 3)
    cleaned = [
        _denoise_grey(model, torch.from_numpy(channel.astype(np.float32)).to(device), tile)
        for channel in np.moveaxis(channels, -1, 0)
    ]
    result = torch.stack(cleaned, dim=-1).clamp(0, 1).cpu().numpy()
    return result[..., 0] if image.ndim == 2 else result


def _denoise_grey(model: nn.Module, image: Tensor, tile: int) -> Tensor:
    """``(H, W)`` → ``(H, W)``."""
    height, width = image.shape
    if min(height, width) < SMALLEST:
        missing = (0, max(0, SMALLEST - width), 0, max(0, SMALLEST - height))
        grown = F.pad(image[None, None], missing, mode="replicate")[0, 0]
        return _denoise_grey(model, grown, tile)[:height, :width]
    result = torch.empty_like(image)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = min(top, MARGIN), min(left, MARGIN)
            seen = image[
                top - above : top + tile + MARGIN,
                left - before : left + tile + MARGIN,
            ]
            clean = model(seen[None, None])[0, 0]
            result[top : top + tile, left : left + tile] = clean[
                above : above + tile, before : before + tile
            ]
    return result
