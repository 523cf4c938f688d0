"""Pooling and upsampling by one index for all channels, in either layout of memory.

Weights and their slopes are small here; all work is in what multiplies features, and that is done
where the features lie.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .blocks import Block, empty_features, is_channels_last, rows_of_regions
from .layouts import ChannelsFirst, ChannelsLast, Layout
from .once import once
from .operators import encoder_weights, remember_pooling, sigmoid_backward
from .saved import recall, remember

__all__ = ["HolisticPool", "HolisticUpsample"]


class HolisticPool(torch.autograd.Function):
    """x (N, C, 2h, 2w), logits (N, 4, 1, h, w) or a linear block's weight (4, C, 2, 2), T →
    y (N, C, h, w), s (N, 4, 1, h, w)."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, logits: Tensor | None, weight: Tensor | None, temperature: float
    ) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        layout = _layout(x)
        y = empty_features(x, (n, c, h, w), is_channels_last(x))
        columns = layout.empty_index(x, h, w)
        matrices = None if weight is None else layout.matrices(weight)
        for block in _blocks(y):
            regions, s = layout.regions(block.large(x)), _index(columns, block)
            if logits is not None:
                s.copy_(_index(logits, block))
            if matrices is not None:
                layout.logits(regions, matrices, out=s)
            weights = encoder_weights(s.sigmoid_(), temperature)
            weighted = regions * layout.weights(weights)
            layout.sum_corners(weighted, out=layout.small(block.small(y)))
        remember_pooling(ctx, temperature, x, weight, columns, y)
        return y, columns

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, weight, columns, y = recall(ctx)
        n, c, h, w = y.shape
        layout = _layout(x)
        g_y = torch.zeros_like(y) if g_y is None else g_y
        g_x = empty_features(x, x.shape, is_channels_last(x))
        g_logits = torch.empty_like(columns)
        matrices = None if weight is None else layout.matrices(weight)
        g_matrices = None if matrices is None else torch.zeros_like(matrices)
        for block in _blocks(y):
            regions, back = layout.regions(block.large(x)), layout.regions(block.large(g_x))
            s, slope = _index(columns, block), _index(g_logits, block)
            g = layout.copies(layout.small(block.small(g_y)))
            weights = encoder_weights(s, ctx.temperature)
            layout.sum_channels(regions * g, out=slope)
            # Σ over channels of g·(x − y)
            slope -= (block.small(g_y) * block.small(y)).sum(1, keepdim=True)
            slope *= weights
            if ctx.temperature != 1:
                slope /= ctx.temperature
            if g_s is not None:
                slope += _index(g_s, block)
            sigmoid_backward(slope, s, out=slope)
            torch.mul(g, layout.weights(weights), out=back)
            if matrices is not None and g_matrices is not None:
                layout.logits_backward(slope, regions, matrices, back, g_matrices)
        if g_matrices is None:
            return g_x, g_logits, None, None
        return g_x, None, layout.weight(g_matrices), None


class HolisticUpsample(torch.autograd.Function):
    """d (N, C, h, w), s (N, 4, 1, h, w) → (N, C, 2h, 2w)."""

    @staticmethod
    def forward(ctx: Any, d: Tensor, columns: Tensor) -> Tensor:
        n, c, h, w = d.shape
        layout = _layout(d)
        u = empty_features(d, (n, c, 2 * h, 2 * w), is_channels_last(d))
        for block in _blocks(d):
            values = layout.copies(layout.small(block.small(d)))
            weights = layout.weights(_index(columns, block))
            torch.mul(values, weights, out=layout.regions(block.large(u)))
        remember(ctx, d, columns)
        return u

    @staticmethod
    @once
    def backward(ctx: Any, g_u: Tensor) -> tuple[Any, ...]:
        d, columns = recall(ctx)
        n, c, h, w = d.shape
        layout = _layout(d)
        g_d = empty_features(d, d.shape, is_channels_last(d))
        g_s = layout.empty_index(d, h, w)
        for block in _blocks(d):
            regions = layout.regions(block.large(g_u))
            scratch = regions * layout.copies(layout.small(block.small(d)))
            layout.sum_channels(scratch, out=_index(g_s, block))
            torch.mul(regions, layout.weights(_index(columns, block)), out=scratch)
            layout.sum_corners(scratch, out=layout.small(block.small(g_d)))
        return g_d, g_s


def _layout(features: Tensor) -> Layout:
    return ChannelsLast() if is_channels_last(features) else ChannelsFirst()


def _blocks(small: Tensor) -> list[Block]:
    # Larger than elsewhere, since there is hardly more than the features and one scratch.
    n, c, h, w = small.shape
    return rows_of_regions(n, c, h, w, size=2)


def _index(columns: Tensor, block: Block) -> Tensor:
    """A block's part of (N, 4, 1, h, w) as (n, 4, rows, w), a view."""
    return block.of(columns)[:, :, 0]
