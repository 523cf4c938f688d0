"""Guided by positions of maxima: max unpooling (SegNet), and the paper's holistic max index."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..indexing import IndexGuide, indexed_pool2d
from .protocol import Downsampling, Guide, Upsampling

__all__ = ["HolisticMaxPooling", "MaxPooling", "MaxUnpooling"]


def max_unpool(values: Tensor, positions: Tensor) -> Tensor:
    """2×2 max unpooling, ``(N, C, h, w)`` twice → ``(N, C, 2h, 2w)``.

    PyTorch counts ``max_unpool2d`` among its operators that may not repeat, because positions could
    coincide. Those of 2×2 regions never do, so where determinism is asked for they are scattered.
    """
    if not torch.are_deterministic_algorithms_enabled():
        return F.max_unpool2d(values, positions, [2, 2])
    n, c, h, w = values.shape
    flat = values.new_zeros(n, c, 4 * h * w)
    flat = flat.scatter(2, positions.flatten(2), values.flatten(2))  # (N, C, 4hw)
    return flat.view(n, c, 2 * h, 2 * w)


class MaxPooling(Downsampling):
    """2×2 max pooling; the guide holds the flat position of each maximum, the first in a tie."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels)
        self.guide_channels = list(channels)

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        return F.max_pool2d(x, 2, return_indices=True)


class MaxUnpooling(Upsampling):
    """Puts each value where the maximum was; all else is zero."""

    def __init__(self, channels: int, guide_channels: int | None = None) -> None:
        super().__init__(channels)
        if guide_channels != channels:
            raise ValueError(
                f"max unpooling of {channels} channels needs a guide as wide, "
                f"got guide_channels={guide_channels}"
            )

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        if not isinstance(guide, Tensor):
            raise ValueError("max unpooling needs the guide that max pooling returned")
        if guide.shape != d.shape:
            # Positions are flat, so a guide of another size would be silently wrong.
            raise ValueError(
                f"max unpooling: guide {tuple(guide.shape)} does not fit features {tuple(d.shape)}"
            )
        return max_unpool(d, guide)


class HolisticMaxPooling(Downsampling):
    """HMI, Table 5's baseline: all channels are pooled where their common maximum is (Sec. 6.1.2).

    The maximum over the channels gives one map; the position of its maximum in each 2×2 region is a
    one-hot index for all channels. The index comes from an argmax, so that a tie marks one place
    and not several. The paper does not say what skip connections carry here; ours carry ``x``.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels)
        self.guide_channels = [1] * len(self.channels)

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        squeezed = x.detach().amax(dim=1, keepdim=True)  # (N, C, H, W) → (N, 1, H, W)
        maxima, positions = F.max_pool2d(squeezed, 2, return_indices=True)
        one_hot = max_unpool(torch.ones_like(maxima), positions)
        return indexed_pool2d(x, one_hot), IndexGuide(one_hot, one_hot)
