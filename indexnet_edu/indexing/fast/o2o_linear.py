"""The linear O2O block and the pooling by it, in one pass over memory.

The logits of a region are a 4×4 matrix times the region's four values, in every channel. Columns
lie in memory as factors of such products: a channel's corners together, or in channels-last memory
those of an image.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .backward import once, recall, remember
from .blocks import Block, blocks
from .corners import empty_features, gather, is_channels_last, to_columns, to_map
from .pooling import encoder_weights, logits_backward

__all__ = ["LinearPool"]


class LinearPool(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (1 or C, 4, 4), T → y (N, C, h, w), s = sigmoid(logits)
    (N, 4, C, h, w).

    In channels-last memory all channels must share the weight, (1, 4, 4).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, height, width = x.shape
        last = is_channels_last(x)
        y = empty_features(x, (n, c, height // 2, width // 2), last)
        s = _empty_columns(y, last)
        for block in blocks(y, last):
            pooled = block.small(y)
            corners = to_columns(block.large(x), _empty_columns(pooled, last))
            logits = _empty_columns(pooled, last)
            vectors = _matrices(corners, last)
            torch.bmm(_for_each(weight, block, vectors), vectors, out=_matrices(logits, last))
            part = torch.sigmoid(logits, out=block.of(s))
            gather(corners.unbind(1), encoder_weights(part, temperature), out=pooled)
        remember(ctx, x, weight, s)
        ctx.temperature = temperature
        ctx.set_materialize_grads(False)
        return y, s

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, weight, s = recall(ctx)
        last = is_channels_last(x)
        g_y = torch.zeros_like(s[:, 0]) if g_y is None else g_y
        g_x, g_weight = torch.empty_like(x), torch.zeros_like(weight)
        for block in blocks(g_y, last):
            part, g = block.of(s), block.small(g_y)
            corners = to_columns(block.large(x), _empty_columns(g, last))
            weights = encoder_weights(part, ctx.temperature)
            slope = torch.mul(corners, g.unsqueeze(1), out=_empty_columns(g, last))
            further = None if g_s is None else block.of(g_s)
            logits_backward(slope, weights, part, further, ctx.temperature, out=slope)
            back = torch.mul(weights, g.unsqueeze(1), out=_empty_columns(g, last))
            slopes = _matrices(slope, last)
            g_matrices = torch.bmm(slopes, _matrices(corners, last).transpose(1, 2))
            if len(weight) == 1:
                g_weight += g_matrices.sum(0, keepdim=True)
            else:  # of every image and channel, (n·c, 4, 4)
                g_weight[block.channels] += g_matrices.unflatten(0, (len(g), -1)).sum(0)
            matrices = _for_each(weight, block, slopes).transpose(1, 2)
            _matrices(back, last).baddbmm_(matrices, slopes)
            to_map(back, block.large(g_x))
        return g_x, g_weight, None


def _empty_columns(small: Tensor, last: bool) -> Tensor:
    """(n, 4, c, h, w) for a small map (n, c, h, w)."""
    n, c, h, w = small.shape
    if last:
        return small.new_empty(n, 4, h, w, c).permute(0, 1, 4, 2, 3)
    return small.new_empty(n, c, 4, h, w).transpose(1, 2)


def _matrices(columns: Tensor, last: bool) -> Tensor:
    """Such columns as (n·c, 4, h·w), or in channels-last memory (n, 4, h·w·c).

    A view, so that what is written to it arrives; a RuntimeError where there is none.
    """
    n, _, c, h, w = columns.shape
    if last:
        return columns.permute(0, 1, 3, 4, 2).view(n, 4, h * w * c)
    return columns.transpose(1, 2).view(n * c, 4, h * w)


def _for_each(weight: Tensor, block: Block, matrices: Tensor) -> Tensor:
    """The weight of each of a block's matrices."""
    if len(weight) == 1:
        return weight.expand(len(matrices), -1, -1)
    weight = weight[block.channels]
    return weight.repeat(len(matrices) // len(weight), 1, 1)
