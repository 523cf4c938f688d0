"""Indexed pooling and upsampling in one pass over memory.

The clear ones are in :mod:`indexnet_edu.indexing.operators`. Here normalisation, multiplication and
the sum over a region are one function, computed block by block. It keeps the features and the
decoder's columns s for the way back and recomputes the rest. With w = softmax(s/T) over a region
and y = Σ w·x, the softmax's derivative is short:

    ∂y/∂s_p = w_p · (x_p − y) / T
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .blocks import (
    Block,
    blocks,
    corner,
    empty_columns,
    empty_features,
    is_channels_last,
    sum_corners,
    to_columns,
    to_map,
)
from .once import once

__all__ = ["LinearPool", "Pool", "Upsample", "encoder_weights", "slope_to_logits"]


def encoder_weights(columns: Tensor, temperature: float) -> Tensor:
    """softmax(columns / T) over each region, for columns within [0, 1]."""
    if temperature < 0.05:  # exp(1/T) could overflow
        return torch.softmax(columns / temperature, dim=1)
    weights = torch.exp(columns if temperature == 1 else columns / temperature)
    return weights.mul_(sum_corners(weights).reciprocal_().unsqueeze(1))


def sigmoid_backward(g: Tensor, s: Tensor, out: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward.grad_input(g, s, grad_input=out)


class Pool(torch.autograd.Function):
    """x (N, C, 2h, 2w), logits (N, 4, G, h, w), T → y (N, C, h, w), s = sigmoid(logits)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        y = empty_features(x, (n, c, h, w), last)
        depthwise = logits.shape[2] == c
        if not depthwise:
            columns = torch.sigmoid(logits)
        elif logits.stride(1) == 1:  # corners side by side, as a grouped convolution leaves them
            columns = empty_columns(y, last)
        else:
            columns = torch.empty_like(logits)
        for block in blocks(n, c, h, w, last):
            s, pooled = block.of(columns), block.small(y)
            if depthwise:
                torch.sigmoid(block.of(logits), out=s)
            corners = to_columns(block.large(x), _scratch(s, pooled, last))
            sum_corners(corners.mul_(encoder_weights(s, temperature)), out=pooled)
        ctx.save_for_backward(x, columns, y)
        ctx.temperature = temperature
        ctx.set_materialize_grads(False)
        return y, columns

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, columns, y = ctx.saved_tensors
        n, c, h, w = y.shape
        last = is_channels_last(x)
        g_y = torch.zeros_like(y) if g_y is None else g_y
        depthwise = columns.shape[2] == c
        g_x = torch.empty_like(x)
        g_logits = torch.empty_like(columns) if depthwise else torch.zeros_like(columns)
        for block in blocks(n, c, h, w, last):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            weights = encoder_weights(s, ctx.temperature)
            slope = to_columns(block.large(x), _scratch(s, pooled, last))
            slope -= pooled.unsqueeze(1)  # x − y
            if depthwise:
                weights *= g.unsqueeze(1)
                to_map(weights, block.large(g_x))
                slope *= weights
                slope_to_logits(slope, s, g_s, block, ctx.temperature, out=block.of(g_logits))
            else:
                to_map(g.unsqueeze(1) * weights, block.large(g_x))
                slope *= g.unsqueeze(1)
                block.of(g_logits).add_(slope.sum(2, keepdim=True).mul_(weights))
        if not depthwise:
            whole = Block(slice(0, n), slice(0, c), slice(0, h))
            slope_to_logits(g_logits, columns, g_s, whole, ctx.temperature, out=g_logits)
        return g_x, g_logits, None


def _scratch(s: Tensor, pooled: Tensor, last: bool) -> Tensor:
    """Columns for a block of features, in the memory order of the index where it is as wide."""
    return torch.empty_like(s) if s.shape[2] == pooled.shape[1] else empty_columns(pooled, last)


def slope_to_logits(
    slope: Tensor, s: Tensor, g_s: Tensor | None, block: Block, temperature: float, out: Tensor
) -> Tensor:
    """From T·∂/∂s by the pooled features, and ∂/∂s by all that used s, to ∂/∂logits."""
    if temperature != 1:
        slope /= temperature
    if g_s is not None:
        slope += block.of(g_s)
    return sigmoid_backward(slope, s, out)


class LinearPool(torch.autograd.Function):
    """The linear O2O block and the pooling by it, in one: x, weight, T → y, s.

    The logits of a region are a 4×4 matrix times the four values of the region, in every channel.

    Shape: x ``(N, C, 2h, 2w)``, weight (1 or C, 4, 4) → ``(N, C, h, w)``, ``(N, 4, C, h, w)``. In
    channels-last memory the weight must be shared by all channels, (1, 4, 4).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        y = empty_features(x, (n, c, h, w), last)
        columns = empty_columns(y, last)
        for block in blocks(n, c, h, w, last):
            s, pooled = block.of(columns), block.small(y)
            corners = to_columns(block.large(x), empty_columns(pooled, last))
            logits = torch.empty_like(corners)
            matrices = _matrices(corners, last)
            torch.bmm(_for_block(weight, block, matrices), matrices, out=_matrices(logits, last))
            torch.sigmoid(logits, out=s)
            sum_corners(corners.mul_(encoder_weights(s, temperature)), out=pooled)
        ctx.save_for_backward(x, weight, columns, y)
        ctx.temperature = temperature
        ctx.set_materialize_grads(False)
        return y, columns

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, weight, columns, y = ctx.saved_tensors
        n, c, h, w = y.shape
        last = is_channels_last(x)
        g_y = torch.zeros_like(y) if g_y is None else g_y
        g_x, g_weight = torch.empty_like(x), torch.zeros_like(weight)
        for block in blocks(n, c, h, w, last):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            weights = encoder_weights(s, ctx.temperature).mul_(g.unsqueeze(1))
            corners = to_columns(block.large(x), empty_columns(pooled, last))
            g_logits = torch.sub(corners, pooled.unsqueeze(1)).mul_(weights)
            slope_to_logits(g_logits, s, g_s, block, ctx.temperature, out=g_logits)
            slopes = _matrices(g_logits, last)
            g_weight_of_block = torch.bmm(slopes, _matrices(corners, last).transpose(1, 2))
            if len(weight) == 1:
                g_weight += g_weight_of_block.sum(0, keepdim=True)
            else:
                g_weight[block.channels] += g_weight_of_block.unflatten(0, (len(g), -1)).sum(0)
            back = _for_block(weight, block, slopes).transpose(1, 2)
            _matrices(weights, last).baddbmm_(back, slopes)
            to_map(weights, block.large(g_x))
        return g_x, g_weight, None


def _matrices(columns: Tensor, last: bool) -> Tensor:
    """Columns as matrices of four rows: one a channel, or in channels-last memory one an image."""
    return (
        columns.permute(0, 1, 3, 4, 2).flatten(2)
        if last
        else columns.transpose(1, 2).flatten(3).flatten(0, 1)
    )


def _for_block(weight: Tensor, block: Block, matrices: Tensor) -> Tensor:
    """The weight of each of a block's matrices."""
    if len(weight) == 1:
        return weight.expand(len(matrices), -1, -1)
    weight = weight[block.channels]
    return weight.repeat(len(matrices) // len(weight), 1, 1)


class Upsample(torch.autograd.Function):
    """d (N, C, h, w), s (N, 4, G, h, w) → (N, C, 2h, 2w)."""

    @staticmethod
    def forward(ctx: Any, d: Tensor, columns: Tensor) -> Tensor:
        n, c, h, w = d.shape
        last = is_channels_last(d)
        u = empty_features(d, (n, c, 2 * h, 2 * w), last)
        for block in blocks(n, c, h, w, last):
            values, s, large = block.small(d), block.of(columns), block.large(u)
            if last:
                for position in range(4):
                    torch.mul(values, s[:, position], out=corner(large, position))
            else:
                to_map(values.unsqueeze(1) * s, large)
        ctx.save_for_backward(d, columns)
        return u

    @staticmethod
    @once
    def backward(ctx: Any, g_u: Tensor) -> tuple[Any, ...]:
        d, columns = ctx.saved_tensors
        n, c, h, w = d.shape
        last = is_channels_last(d)
        depthwise = columns.shape[2] == c
        g_d = torch.empty_like(d)
        g_s = torch.empty_like(columns) if depthwise else torch.zeros_like(columns)
        for block in blocks(n, c, h, w, last):
            s, values = block.of(columns), block.small(d)
            g = to_columns(block.large(g_u), _scratch(s, values, last))
            if depthwise:
                torch.mul(g, values.unsqueeze(1), out=block.of(g_s))
            else:
                block.of(g_s).add_((g * values.unsqueeze(1)).sum(2, keepdim=True))
            sum_corners(g.mul_(s), out=block.small(g_d))
        return g_d, g_s
