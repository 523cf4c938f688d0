"""What every way back here needs: saved tensors that lie as they lay, and one derivative only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["once", "recall", "remember"]


def remember(ctx: Any, *tensors: Tensor) -> None:
    """Saves tensors for :func:`recall`."""
    ctx.save_for_backward(*tensors)
    ctx.strides = [tensor.stride() for tensor in tensors]


def recall(ctx: Any) -> list[Tensor]:
    """The saved tensors, lying as they lay.

    A hook on saved tensors (offloading, compression) may give them back in another layout, and the
    way back reads its layout off them.
    """
    return [
        tensor if tensor.stride() == strides else _laid_out(tensor, strides)
        for tensor, strides in zip(ctx.saved_tensors, ctx.strides, strict=True)
    ]


def _laid_out(tensor: Tensor, strides: tuple[int, ...]) -> Tensor:
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype).copy_(tensor)


def once(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses ``create_graph=True``.

    PyTorch's ``once_differentiable`` looks at the incoming gradients only; what depends on the
    saved tensors would silently be missing from a second derivative.
    """

    @functools.wraps(backward)
    def guarded(ctx: Any, *gradients: Any) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the fast operators differentiate once; for second derivatives build the pair with "
                'implementation="clear"'
            )
        return backward(ctx, *gradients)

    return guarded
