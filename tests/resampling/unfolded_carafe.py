"""CARAFE as it is usually written in plain PyTorch: unfold, then a weighted sum over the taps.

The oracle of CARAFE's tests, and what ``benchmarks/operators.py`` compares with.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from indexnet_edu.resampling.carafe import Carafe

__all__ = ["unfolded_carafe"]


def unfolded_carafe(carafe: Carafe, d: Tensor) -> Tensor:
    """``carafe(d)``, (N, C, h, w) → (N, C, 2h, 2w)."""
    size = carafe.kernel_size
    n, c, h, w = d.shape
    kernels = F.pixel_shuffle(carafe.encode(carafe.compress(d)), 2).softmax(dim=1)
    windows = F.unfold(d, size, padding=size // 2).view(n, c * size**2, h, w)
    windows = F.interpolate(windows, scale_factor=2, mode="nearest").view(n, c, size**2, 2 * h, -1)
    return torch.einsum("nkhw,nckhw->nchw", kernels, windows)
