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
from .blocks import Block, empty_columns, from_rows, sum_corners, to_columns, to_map, to_rows
from .once import once
from .operators import encoder_weights, slope_to_logits

__all__ = ["HolisticPool", "ManyToOnePool"]


def _rows(n: int, c: int, h: int, w: int) -> list[Block]:
    """Blocks of all channels and whole rows."""
    step = max(1, _blocks.BLOCK // (4 * c * w))
    everything = slice(0, c)
    return [
        Block(slice(k, k + 1), everything, slice(r, min(r + step, h)))
        for k in range(n)
        for r in range(0, h, step)
    ]


class ManyToOnePool(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (4·C, C, 2, 2), T → y (N, C, h, w), s (N, 4, C, h, w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        matrix = weight.flatten(1)  # (4·C, C·4)
        y = x.new_empty(n, c, h, w)
        columns = x.new_empty(n, 4, c, h, w)
        for block in _rows(n, c, h, w):
            pooled, s = block.small(y), block.of(columns)
            corners = to_columns(block.large(x), empty_columns(pooled, False))
            logits = matrix @ _vectors(corners)
            torch.sigmoid(logits.view(s.shape), out=s)
            weights = encoder_weights(s, temperature)
            sum_corners(corners.mul_(weights), out=pooled)
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
        for block in _rows(n, c, h, w):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            corners = to_columns(block.large(x), empty_columns(pooled, False))
            weights = encoder_weights(s, ctx.temperature)
            slope = torch.sub(corners, pooled.unsqueeze(1)).mul_(g.unsqueeze(1)).mul_(weights)
            g_logits = slope_to_logits(
                slope, s, g_s, block, ctx.temperature, out=torch.empty_like(slope)
            )
            g_logits = g_logits.reshape(len(matrix), -1)
            g_matrix.addmm_(g_logits, _vectors(corners).t())
            back = torch.mul(weights, g.unsqueeze(1), out=corners)
            _vectors(back).addmm_(matrix.t(), g_logits)
            to_map(back, block.large(g_x))
        return g_x, g_matrix.view_as(weight), None


def _vectors(corners: Tensor) -> Tensor:
    """Corners (1, 4, C, rows, w), a channel's together in memory, as (C·4, rows·w), a view."""
    return corners.transpose(1, 2).view(-1, corners.shape[3] * corners.shape[4])


class HolisticPool(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (4, C, 2, 2), T → y (N, C, h, w), s (N, 4, 1, h, w).

    Works row by row of regions: v is (rows, C·4, w).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        matrix = weight.flatten(1)  # (4, C·4)
        y = x.new_empty(n, c, h, w)
        columns = x.new_empty(n, 4, 1, h, w)
        for block in _rows(n, c, h, w):
            v = to_rows(block.large(x))
            s = torch.sigmoid(torch.bmm(matrix.expand(len(v), -1, -1), v))  # (rows, 4, w)
            block.of(columns).copy_(s.transpose(0, 1)[None, :, None])
            weighted = v.view(len(v), c, 4, w).mul_(encoder_weights(s, temperature)[:, None])
            block.small(y).copy_(weighted.sum(2).transpose(0, 1)[None])
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
        for block in _rows(n, c, h, w):
            v = to_rows(block.large(x))
            corners = v.view(len(v), c, 4, w)
            g, pooled = (block.small(t)[0].transpose(0, 1) for t in (g_y, y))  # (rows, C, w)
            s = block.of(columns)[0, :, 0].transpose(0, 1)
            weights = encoder_weights(s, ctx.temperature)
            # Σ over channels of g·(x − y)
            slope = (corners * g.unsqueeze(2)).sum(1) - (g * pooled).sum(1, keepdim=True)
            slope *= weights
            if ctx.temperature != 1:
                slope /= ctx.temperature
            if g_s is not None:
                slope += block.of(g_s)[0, :, 0].transpose(0, 1)
            g_logits = torch.ops.aten.sigmoid_backward(slope, s)
            g_matrix += torch.bmm(g_logits, v.transpose(1, 2)).sum(0)
            torch.mul(weights.unsqueeze(1), g.unsqueeze(2), out=corners)
            v.baddbmm_(matrix.t().expand(len(v), -1, -1), g_logits)
            from_rows(v, block.large(g_x))
        return g_x, g_matrix.view_as(weight), None
