"""What a function keeps for its way back, and how it lay in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["recall", "remember"]


def remember(ctx: Any, *tensors: Tensor | None) -> None:
    """Saves tensors for :func:`recall`."""
    ctx.save_for_backward(*tensors)
    ctx.strides = [None if tensor is None else tensor.stride() for tensor in tensors]


def recall(ctx: Any) -> list[Any]:
    """The saved tensors, lying as they lay.

    A hook on saved tensors (offloading, compression) may give them back in another layout, and the
    way back reads its layout off them.
    """
    return [
        tensor if tensor is None or tensor.stride() == strides else _laid_out(tensor, strides)
        for tensor, strides in zip(ctx.saved_tensors, ctx.strides, strict=True)
    ]


def _laid_out(tensor: Tensor, strides: tuple[int, ...]) -> Tensor:
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype).copy_(tensor)
