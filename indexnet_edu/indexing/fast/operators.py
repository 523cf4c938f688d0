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
    weighted_sum,
)
from .once import once
from .saved import recall, remember

__all__ = [
    "LinearPool",
    "Pool",
    "Upsample",
    "encoder_weights",
    "pooled_back",
    "pooled_by",
    "remember_pooling",
    "sigmoid_backward",
]


def encoder_weights(columns: Tensor, temperature: float, scale: Tensor | None = None) -> Tensor:
    """softmax(columns / T) over each region, for columns within [0, 1]; times ``scale`` (n, …).

    Lies in memory as ``columns`` do.
    """
    weights = _exponentials(columns, temperature)
    total = sum_corners(weights)
    factor = total.reciprocal_() if scale is None else torch.div(scale, total, out=total)
    return weights.mul_(factor.unsqueeze(1))


def pooled_by(columns: Tensor, corners: Tensor, temperature: float, out: Tensor) -> None:
    """Σ over a region of softmax(columns / T) times its corners."""
    weights = _exponentials(columns, temperature)
    weighted_sum(corners, weights, out=out).div_(sum_corners(weights))


def _exponentials(columns: Tensor, temperature: float) -> Tensor:
    if temperature == 1:
        return torch.exp(columns)
    scaled = columns / temperature
    if temperature < 0.05:  # exp(1/T) could overflow
        scaled -= scaled.amax(1, keepdim=True)
    return scaled.exp_()


def remember_pooling(ctx: Any, temperature: float, *tensors: Tensor | None) -> None:
    """What pooling needs on the way back; gradients that nobody sends stay None there."""
    remember(ctx, *tensors)
    ctx.temperature = temperature
    ctx.set_materialize_grads(False)


def sigmoid_backward(g: Tensor, s: Tensor, out: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward.grad_input(g, s, grad_input=out)


class Pool(torch.autograd.Function):
    """x (N, C, 2h, 2w), logits (N, 4, C, h, w), T → y (N, C, h, w), s = sigmoid(logits)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        y = empty_features(x, (n, c, h, w), last)
        # Corners side by side, as a grouped convolution leaves them, would be slow.
        side_by_side = logits.stride(1) == 1
        columns = empty_columns(y, last) if side_by_side else torch.empty_like(logits)
        for block in blocks(n, c, h, w, last):
            s = torch.sigmoid(block.of(logits), out=block.of(columns))
            corners = to_columns(block.large(x), torch.empty_like(s))
            pooled_by(s, corners, temperature, out=block.small(y))
        remember_pooling(ctx, temperature, x, columns, y)
        return y, columns

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, columns, y = recall(ctx)
        n, c, h, w = y.shape
        g_y = torch.zeros_like(y) if g_y is None else g_y
        g_x, g_logits = torch.empty_like(x), torch.empty_like(columns)
        for block in blocks(n, c, h, w, is_channels_last(x)):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            weights = encoder_weights(s, ctx.temperature, scale=g)
            to_map(weights, block.large(g_x))
            difference = to_columns(block.large(x), torch.empty_like(s)).sub_(pooled.unsqueeze(1))
            slope = slope_to_index(difference, weights, g_s, block, ctx.temperature)
            sigmoid_backward(slope, s, out=block.of(g_logits))
        return g_x, g_logits, None


def slope_to_index(
    difference: Tensor, weights: Tensor, g_s: Tensor | None, block: Block, temperature: float
) -> Tensor:
    """∂/∂s by the pooled features and by all else that used s: (x − y)·w/T + ∂/∂s.

    Overwrites ``difference``, x − y; ``weights`` are w times the gradient of y.
    """
    if g_s is not None:
        value = 1 / temperature
        return torch.addcmul(block.of(g_s), difference, weights, value=value, out=difference)
    difference *= weights
    return difference if temperature == 1 else difference.div_(temperature)


def pooled_back(
    corners: Tensor,
    s: Tensor,
    pooled: Tensor,
    g: Tensor,
    g_s: Tensor | None,
    block: Block,
    temperature: float,
) -> tuple[Tensor, Tensor]:
    """Back through pooling by s: w·g, which goes to the corners, and ∂/∂logits; keeps both."""
    weights = encoder_weights(s, temperature, scale=g)
    difference = torch.sub(corners, pooled.unsqueeze(1))
    slope = slope_to_index(difference, weights, g_s, block, temperature)
    return weights, sigmoid_backward(slope, s, out=slope)


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
            pooled_by(s, corners, temperature, out=pooled)
        remember_pooling(ctx, temperature, x, weight, columns, y)
        return y, columns

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, weight, columns, y = recall(ctx)
        n, c, h, w = y.shape
        last = is_channels_last(x)
        g_y = torch.zeros_like(y) if g_y is None else g_y
        g_x, g_weight = torch.empty_like(x), torch.zeros_like(weight)
        for block in blocks(n, c, h, w, last):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            corners = to_columns(block.large(x), empty_columns(pooled, last))
            weights, g_logits = pooled_back(corners, s, pooled, g, g_s, block, ctx.temperature)
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
    """Columns as matrices of four rows: one a channel, or in channels-last memory one an image.

    A view, so that what is written to them arrives; a RuntimeError where there is none.
    """
    n, _, c, h, w = columns.shape
    if last:
        return columns.permute(0, 1, 3, 4, 2).view(n, 4, h * w * c)
    # Rows of a part of the map: only (h, w), and only (n, c), lie together.
    return columns.transpose(1, 2).view(n * c, 4, h * w)


def _for_block(weight: Tensor, block: Block, matrices: Tensor) -> Tensor:
    """The weight of each of a block's matrices."""
    if len(weight) == 1:
        return weight.expand(len(matrices), -1, -1)
    weight = weight[block.channels]
    return weight.repeat(len(matrices) // len(weight), 1, 1)


class Upsample(torch.autograd.Function):
    """d (N, C, h, w), s (N, 4, C, h, w) → (N, C, 2h, 2w)."""

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
        remember(ctx, d, columns)
        return u

    @staticmethod
    @once
    def backward(ctx: Any, g_u: Tensor) -> tuple[Any, ...]:
        d, columns = recall(ctx)
        n, c, h, w = d.shape
        g_d, g_s = torch.empty_like(d), torch.empty_like(columns)
        for block in blocks(n, c, h, w, is_channels_last(d)):
            s, values = block.of(columns), block.small(d)
            g = to_columns(block.large(g_u), torch.empty_like(s))
            torch.mul(g, values.unsqueeze(1), out=block.of(g_s))
            weighted_sum(g, s, out=block.small(g_d))
        return g_d, g_s
