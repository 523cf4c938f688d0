"""Indexed pooling by given logits, and indexed upsampling, each in one pass over memory.

The clear ones are in :mod:`indexnet_edu.indexing.operators`. Here normalisation, multiplication and
the sum over a region are one function, computed block by block. It keeps the features and the
decoder's index s for the way back and recomputes the rest; it does not keep what it returns, which
the next layer may overwrite. With w = softmax(s/T) over a region and a gradient a of w,

    ∂/∂s_p = w_p · (a_p − Σ_q w_q a_q) / T
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .backward import once, recall, remember
from .blocks import blocks
from .corners import corners_of, empty_features, gather, is_channels_last, products, spread

__all__ = ["OVERFLOWS_BELOW", "Pool", "Upsample", "encoder_weights", "logits_backward"]

#: The temperature T below which exp(1/T) may overflow in the softmax.
OVERFLOWS_BELOW = 0.05


class Pool(torch.autograd.Function):
    """x (N, C, 2h, 2w), logits (N, 4, 1 or C, h, w), T → y (N, C, h, w), s = sigmoid(logits)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, height, width = x.shape
        last = is_channels_last(x)
        y = empty_features(x, (n, c, height // 2, width // 2), last)
        s = _empty_index(logits, last)
        for block in blocks(y, last or s.shape[2] == 1):
            part = torch.sigmoid(block.of(logits), out=block.of(s))
            weights = encoder_weights(part, temperature)
            gather(corners_of(block.large(x)), weights, out=block.small(y))
        remember(ctx, x, s)
        ctx.temperature = temperature
        ctx.set_materialize_grads(False)
        return y, s

    @staticmethod
    @once
    def backward(ctx: Any, g_y: Tensor | None, g_s: Tensor | None) -> tuple[Any, ...]:
        x, s = recall(ctx)
        if g_y is None:
            n, c, height, width = x.shape
            g_y = x.new_zeros(n, c, height // 2, width // 2)
        g_x, g_logits = torch.empty_like(x), torch.empty_like(s)
        for block in blocks(g_y, is_channels_last(x) or s.shape[2] == 1):
            part, g = block.of(s), block.small(g_y)
            weights = encoder_weights(part, ctx.temperature)
            slope = products(corners_of(block.large(x)), g, out=torch.empty_like(weights))
            further = None if g_s is None else block.of(g_s)
            logits_backward(slope, weights, part, further, ctx.temperature, block.of(g_logits))
            spread(weights, g, block.large(g_x))
        return g_x, g_logits, None


class Upsample(torch.autograd.Function):
    """d (N, C, h, w), s (N, 4, 1 or C, h, w) → (N, C, 2h, 2w)."""

    @staticmethod
    def forward(ctx: Any, d: Tensor, s: Tensor) -> Tensor:
        n, c, h, w = d.shape
        last = is_channels_last(d)
        u = empty_features(d, (n, c, 2 * h, 2 * w), last)
        for block in blocks(d, last or s.shape[2] == 1):
            spread(block.of(s), block.small(d), block.large(u))
        remember(ctx, d, s)
        return u

    @staticmethod
    @once
    def backward(ctx: Any, g_u: Tensor) -> tuple[Any, ...]:
        d, s = recall(ctx)
        g_d, g_s = torch.empty_like(d), torch.empty_like(s)
        for block in blocks(d, is_channels_last(d) or s.shape[2] == 1):
            corners = corners_of(block.large(g_u))
            products(corners, block.small(d), out=block.of(g_s))
            gather(corners, block.of(s), out=block.small(g_d))
        return g_d, g_s


def encoder_weights(s: Tensor, temperature: float) -> Tensor:
    """softmax(s / T) over each region, for s (n, 4, 1 or c, h, w) within [0, 1].

    Lies in memory as ``s`` does.
    """
    if temperature == 1:
        weights = torch.exp(s)
    else:
        weights = s / temperature
        if temperature < OVERFLOWS_BELOW:
            weights -= weights.amax(1, keepdim=True)
        weights.exp_()
    # Three additions, since `torch.sum` over so short a dimension is slow in channels-last memory.
    total = weights[:, 0] + weights[:, 1]
    total += weights[:, 2]
    total += weights[:, 3]
    return weights.mul_(total.reciprocal_().unsqueeze(1))


def logits_backward(
    slope: Tensor,
    weights: Tensor,
    s: Tensor,
    further: Tensor | None,
    temperature: float,
    out: Tensor,
) -> None:
    """Back through softmax and sigmoid, to the logits.

    Args:
        slope: the gradient of the weights; overwritten.
        weights: ``encoder_weights(s, temperature)``.
        further: the gradient of s from elsewhere.
    """
    mean = gather(slope.unbind(1), weights, out=torch.empty_like(slope[:, 0]))
    slope -= mean.unsqueeze(1)
    slope *= weights
    if temperature != 1:
        slope /= temperature
    if further is not None:
        slope += further
    torch.ops.aten.sigmoid_backward.grad_input(slope, s, grad_input=out)


def _empty_index(logits: Tensor, channels_last: bool) -> Tensor:
    """Lies as the logits do, unless a region's corners are neighbours, which would be slow."""
    if logits.stride(1) != 1:
        return torch.empty_like(logits)
    n, _, c, h, w = logits.shape
    if channels_last:
        return logits.new_empty(n, 4, h, w, c).permute(0, 1, 4, 2, 3)
    return logits.new_empty(n, 4, c, h, w)
