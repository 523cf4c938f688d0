"""CARAFE (Wang et al., ICCV 2019), the data-dependent but blind rival that the paper compares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..indexing.fast import applies
from ..indexing.fast.backward import once
from .protocol import Guide, Upsampling

__all__ = ["Carafe", "reassemble"]

#: Numbers in the neighbourhoods of a block of pixels, a megabyte of float32.
BLOCK = 2**18


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
        n, _, h, w = d.shape
        # The channels of `encode` are in pixel-shuffle order: 4·tap + corner.
        logits = self.encode(self.compress(d)).reshape(n, self.kernel_size**2, 4, h, w)
        kernels = logits.softmax(dim=1)
        return reassemble(d, kernels.to(d.dtype), self.kernel_size)

    def macs(self, d: Tensor, y: Tensor) -> int:
        """Multiply-accumulates of the reassembly for one image (the paper does not count them)."""
        return y.shape[1] * y.shape[2] * y.shape[3] * self.kernel_size**2


def reassemble(d: Tensor, kernels: Tensor, size: int) -> Tensor:
    """Each output is the sum of its source's size×size neighbourhood, weighted by its kernel.

    Args:
        d: features ``(N, C, h, w)``, zero outside.
        kernels: ``(N, size², 4, h, w)``, a kernel for each corner of the 2×2 outputs of a pixel.

    Returns:
        ``(N, C, 2h, 2w)``.
    """
    if applies(d, kernels):
        y: Tensor = _Reassemble.apply(d, kernels, size)
        return y
    n, c, h, w = d.shape
    windows = _windows(_padded(d, size), size)
    y = torch.matmul(_matrices(kernels), windows).view(n, h, w, 2, 2, c)
    return y.permute(0, 5, 1, 3, 2, 4).reshape(n, c, 2 * h, 2 * w)


def _padded(d: Tensor, size: int) -> Tensor:
    """(N, C, h, w) → (N, h + size − 1, w + size − 1, C) in memory."""
    # Pixels first and channels last, so that the neighbourhoods are copied in runs of C.
    margin = size // 2
    return F.pad(d, (margin, margin, margin, margin)).permute(0, 2, 3, 1).contiguous()


def _windows(padded: Tensor, size: int) -> Tensor:
    """The neighbourhood of every pixel: (n·h·w, size², C)."""
    windows = padded.unfold(1, size, 1).unfold(2, size, 1)  # (n, h, w, C, size, size)
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, size**2, padded.shape[-1])


def _matrices(kernels: Tensor) -> Tensor:
    """(n, size², 4, h, w) → (n·h·w, 4, size²)"""
    # Contiguous: `bmm` multiplies matrices of any other layout one at a time, in as many calls.
    return kernels.permute(0, 3, 4, 2, 1).flatten(0, 2).contiguous()


class _Reassemble(torch.autograd.Function):
    """The same block by block, so that the neighbourhoods, size² times as large as the features,
    are never in memory as a whole; the way back gathers them again."""

    @staticmethod
    def forward(ctx: Any, d: Tensor, kernels: Tensor, size: int) -> Tensor:
        n, c, h, w = d.shape
        padded = _padded(d, size)
        y = d.new_empty(n, h, 2, w, 2, c)
        for images, rows in _blocks(n, c, h, w, size):
            windows = _windows(padded[images, rows.start : rows.stop + size - 1], size)
            part = torch.bmm(_matrices(kernels[images, :, :, rows]), windows)
            outputs = _outputs(y, images, rows)
            outputs.copy_(part.view(outputs.shape))
        ctx.save_for_backward(d, kernels)
        ctx.size = size
        y = y.view(n, 2 * h, 2 * w, c).permute(0, 3, 1, 2)
        return y if d.stride(1) == 1 else y.contiguous()

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor) -> tuple[Any, ...]:
        d, kernels = ctx.saved_tensors
        size = ctx.size
        n, c, h, w = d.shape
        padded = _padded(d, size)
        g_padded = torch.zeros_like(padded)
        g_kernels = torch.empty_like(kernels)
        g_y = g_y.permute(0, 2, 3, 1).unflatten(2, (w, 2)).unflatten(1, (h, 2))
        for images, rows in _blocks(n, c, h, w, size):
            windows = _windows(padded[images, rows.start : rows.stop + size - 1], size)
            outputs = _outputs(g_y, images, rows)
            g = outputs.reshape(-1, 4, c)
            shape = (*outputs.shape[:3], 4, size**2)
            g_kernels[images, :, :, rows].copy_(
                torch.bmm(g, windows.transpose(1, 2)).view(shape).permute(0, 4, 3, 1, 2)
            )
            back = torch.bmm(_matrices(kernels[images, :, :, rows]).transpose(1, 2), g)
            back = back.view(*outputs.shape[:3], size, size, c)
            for i in range(size):
                for j in range(size):
                    row = slice(rows.start + i, rows.stop + i)
                    g_padded[images, row, j : j + w] += back[:, :, :, i, j]
        margin = size // 2
        g_d = g_padded[:, margin : margin + h, margin : margin + w].permute(0, 3, 1, 2)
        return torch.empty_like(d).copy_(g_d), g_kernels, None


def _outputs(y: Tensor, images: slice, rows: slice) -> Tensor:
    """A block of (N, h, 2, w, 2, C) with the 2×2 outputs of a pixel together."""
    return y[images, rows].permute(0, 1, 3, 2, 4, 5)


def _blocks(n: int, c: int, h: int, w: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Images and rows of pixels whose neighbourhoods have about ``BLOCK`` numbers."""
    step_rows = min(h, max(1, BLOCK // (size**2 * c * w)))
    step = max(1, BLOCK // (size**2 * c * w * h))
    for image in range(0, n, step):
        for row in range(0, h, step_rows):
            yield slice(image, min(image + step, n)), slice(row, min(row + step_rows, h))
