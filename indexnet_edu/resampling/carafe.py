"""CARAFE (Wang et al., ICCV 2019), the data-dependent but blind rival that the paper compares."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .protocol import Guide, Upsampling

__all__ = ["Carafe"]


class Carafe(Upsampling):
    """Content-aware reassembly: each output is a weighted sum of a 5×5 neighbourhood of its source.

    As the paper uses it (Sec. 5.2): the kernels come from the *decoder's* features, so nothing
    crosses from the encoder. A 1×1 convolution compresses to 64 channels, a 3×3 one predicts four
    kernels a pixel (one for each output of its 2×2 region), a softmax normalises each over its 25
    taps. 64C + 64 + 57,700 parameters.

    Args:
        kernel_size: taps a side, odd.
        compressed_channels: width in which the kernels are predicted.
    """

    def __init__(
        self,
        channels: int,
        guide_channels: int | None = None,
        *,
        kernel_size: int = 5,
        compressed_channels: int = 64,
    ) -> None:
        super().__init__(channels)
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"CARAFE's kernel_size must be odd, got {kernel_size}")
        self.kernel_size = kernel_size
        self.compress = nn.Conv2d(channels, compressed_channels, kernel_size=1)
        self.encode = nn.Conv2d(compressed_channels, 4 * kernel_size**2, kernel_size=3, padding=1)

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        n, c, h, w = d.shape
        size, taps = self.kernel_size, self.kernel_size**2
        # The channels of `encode` are in pixel-shuffle order: 4·tap + corner.
        logits = self.encode(self.compress(d)).reshape(n, taps, 4, h * w)
        kernels = logits.softmax(dim=1).permute(0, 3, 2, 1).reshape(n * h * w, 4, taps)
        # Pixels first and channels last, so that the neighbourhoods are copied in runs of C.
        margin = size // 2
        padded = F.pad(d, (margin, margin, margin, margin)).permute(0, 2, 3, 1).contiguous()
        windows = padded.unfold(1, size, 1).unfold(2, size, 1)  # (N, h, w, C, k, k)
        patches = windows.permute(0, 1, 2, 4, 5, 3).reshape(n * h * w, taps, c)
        y = torch.bmm(kernels.to(patches.dtype), patches).view(n, h, w, 2, 2, c)
        return y.permute(0, 5, 1, 3, 2, 4).reshape(n, c, 2 * h, 2 * w)

    def macs(self, d: Tensor, y: Tensor) -> int:
        """Multiply-accumulates of the reassembly for one image (the paper does not count them)."""
        return y.shape[1] * y.shape[2] * y.shape[3] * self.kernel_size**2
