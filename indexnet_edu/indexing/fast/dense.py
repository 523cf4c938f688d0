"""The linear holistic and M2O blocks and the pooling by them, in one pass over memory.

A 2×2 convolution with stride 2 is a 1×1 convolution of the regions' corners: a matrix product of
4·C columns. A block of memory holds a few rows of regions with all their channels, so that the
index is known before the block is left.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import blocks as _blocks
from .blocks import Block, empty_columns, to_columns, to_map
from .once import once
from .operators import encoder_weights, sigmoid_backward

__all__ = ["DensePool"]


def _rows(n: int, c: int, h: int, w: int) -> list[Block]:
    """Blocks of all channels and whole rows."""
    step = max(1, _blocks.BLOCK // (4 * c * w))
    everything = slice(0, c)
    return [
        Block(slice(k, k + 1), everything, slice(r, min(r + step, h)))
        for k in range(n)
        for r in range(0, h, step)
    ]


class DensePool(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (4·G, C, 2, 2), T → y (N, C, h, w), s (N, 4, G, h, w); G 1 or C."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        matrix = weight.flatten(1)  # (4·G, C·4)
        y = x.new_empty(n, c, h, w)
        columns = x.new_empty(n, 4, len(weight) // 4, h, w)
        for block in _rows(n, c, h, w):
            pooled, s = block.small(y), block.of(columns)
            corners = to_columns(block.large(x), empty_columns(pooled, False))
            logits = matrix @ _vectors(corners)
            torch.sigmoid(logits.view(s.shape), out=s)
            weights = encoder_weights(s, temperature)
            torch.sum(corners.mul_(weights), 1, out=pooled)
        ctx.save_for_backward(x, weight, columns, y)
        ctx.temperature = temperature
        ctx.set_materialize_grads(False)
        return y, columns

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, weight, columns, y = ctx.saved_tensors
        n, c, h, w = y.shape
        g_y = torch.zeros_like(y) if g_y is None else g_y
        matrix = weight.flatten(1)
        g_x, g_matrix = torch.empty_like(x), torch.zeros_like(matrix)
        depthwise = columns.shape[2] == c
        for block in _rows(n, c, h, w):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            corners = to_columns(block.large(x), empty_columns(pooled, False))
            weights = encoder_weights(s, ctx.temperature)
            if depthwise:
                slope = torch.sub(corners, pooled.unsqueeze(1)).mul_(g.unsqueeze(1))
            else:  # Σ over channels of g·(x − y), without a tensor of that size
                slope = _channel_products(g, corners) - (g * pooled).sum(1, keepdim=True)[:, None]
            slope *= weights
            if ctx.temperature != 1:
                slope /= ctx.temperature
            if g_s is not None:
                slope += block.of(g_s)
            g_logits = sigmoid_backward(slope, s, torch.empty_like(slope))
            g_logits = g_logits.reshape(len(matrix), -1)
            g_matrix.addmm_(g_logits, _vectors(corners).t())
            back = torch.mul(weights, g.unsqueeze(1), out=corners)
            _vectors(back).addmm_(matrix.t(), g_logits)
            to_map(back, block.large(g_x))
        return g_x, g_matrix.view_as(weight), None


def _vectors(corners: Tensor) -> Tensor:
    """Corners (1, 4, C, rows, w), a channel's together in memory, as (C·4, rows·w), a view."""
    return corners.transpose(1, 2).view(-1, corners.shape[3] * corners.shape[4])


def _channel_products(g: Tensor, corners: Tensor) -> Tensor:
    """Σ over channels of g (1, C, rows, w) times corners: (1, 4, 1, rows, w)."""
    return (corners * g.unsqueeze(1)).sum(2, keepdim=True)
