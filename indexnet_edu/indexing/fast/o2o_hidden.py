"""The rest of a nonlinear O2O block: batch normalisation, activation, 1×1 convolution.

Three layers as one function that keeps their input only; the activation is recomputed on the way
back, block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import blocks as _blocks
from .backward import once, recall, remember

__all__ = ["hidden_layers"]


def hidden_layers(hidden: Tensor, norm: Any, ceiling: float, weight: Tensor) -> Tensor:
    """BN, clamping to [0, ceiling], and a weighted sum of every group of features.

    Args:
        hidden: (B, F, P), F = ``norm.num_features``.
        norm: an ``nn.BatchNorm2d``; in training it keeps its running statistics as by itself.
        ceiling: inf for ReLU, 6 for ReLU6.
        weight: (groups, F / groups).

    Returns:
        (B, groups, P).

    Raises:
        ValueError: a single value a feature in training, as PyTorch's.
    """
    training = norm.training or norm.running_mean is None
    if training:
        count = hidden.numel() // hidden.shape[1]
        if count == 1:
            raise ValueError("expected more than 1 value per channel when training")
        mean, var = _statistics(hidden.detach())
        if norm.running_mean is not None:
            _update(norm, mean, var, count)
    else:
        mean, var = norm.running_mean, norm.running_var
    rstd = torch.rsqrt(var + norm.eps)
    return _Hidden.apply(hidden, norm.weight, norm.bias, weight, mean, rstd, training, ceiling)


def _statistics(hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each feature, in two passes (``var_mean`` takes 30 times as
    long)."""
    features = hidden.shape[1]
    mean = hidden.mean((0, 2))
    squares = torch.zeros_like(mean)
    for images in _images(hidden):
        squares += (hidden[images] - mean[:, None]).square_().sum((0, 2))
    return mean, squares / (hidden.numel() // features)


@torch.no_grad()
def _update(norm: Any, mean: Tensor, var: Tensor, count: int) -> None:
    norm.num_batches_tracked.add_(1)
    # Without a momentum PyTorch keeps the plain average of all batches.
    momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(var * (count / (count - 1)), momentum)


def _activated(hidden: Tensor, scale: Tensor, shift: Tensor, ceiling: float) -> Tensor:
    a = torch.mul(hidden, scale[:, None]).add_(shift[:, None])
    return a.clamp_(0, ceiling) if ceiling < float("inf") else a.relu_()


def _images(hidden: Tensor) -> list[slice]:
    """Blocks of images with all features, twice as large as others: hardly anything else is in the
    caches then."""
    _, features, places = hidden.shape
    return _blocks.cuts(len(hidden), 2 * _blocks.BLOCK // (features * places))


class _Part(NamedTuple):
    """A block: some images, and some groups with their features."""

    images: slice
    groups: slice
    features: slice


def _parts(hidden: Tensor, weight: Tensor) -> Iterator[_Part]:
    groups, size = weight.shape
    for group in _blocks.cuts(groups, 2 * _blocks.BLOCK // (size * hidden.shape[2])):
        features = slice(size * group.start, size * group.stop)
        for images in _images(hidden):
            yield _Part(images, group, features)


def _by_group(features: Tensor, groups: int) -> Tensor:
    """(b, groups · f, p) → (b · groups, f, p), a view; a RuntimeError where there is none."""
    b, f, p = features.shape
    return features.view(b * groups, f // groups, p)


class _Hidden(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        gamma: Tensor,
        beta: Tensor,
        weight: Tensor,
        mean: Tensor,
        rstd: Tensor,
        training: bool,
        ceiling: float,
    ) -> Tensor:
        out = hidden.new_empty(len(hidden), len(weight), hidden.shape[2])
        scale = gamma * rstd
        shift = beta - mean * scale
        for images, groups, features in _parts(hidden, weight):
            h, w = hidden[images, features], weight[groups]
            a = _activated(h, scale[features], shift[features], ceiling)
            # One row a group: a block-diagonal matrix would spread an infinite feature, as 0·inf.
            rows = w.unsqueeze(1).repeat(len(h), 1, 1)  # (b · groups, 1, f)
            torch.bmm(rows, _by_group(a, len(w)), out=_by_group(out[images, groups], len(w)))
        remember(ctx, hidden, gamma, beta, weight, mean, rstd)
        ctx.training, ctx.ceiling = training, ceiling
        return out

    @staticmethod
    @once
    def backward(ctx: Any, g_out: Tensor) -> tuple[Any, ...]:
        hidden, gamma, beta, weight, mean, rstd = recall(ctx)
        g_out = g_out.contiguous()
        scale = gamma * rstd
        shift = beta - mean * scale
        g_hidden, g_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        sums = hidden.new_zeros(2, hidden.shape[1])  # Σ g and Σ g·h of each feature
        for images, groups, features in _parts(hidden, weight):
            h, w = hidden[images, features], weight[groups]
            a = _activated(h, scale[features], shift[features], ctx.ceiling)
            g = _by_group(g_out[images, groups], len(w))  # (b · groups, 1, p)
            g_rows = torch.bmm(g, _by_group(a, len(w)).transpose(1, 2))
            g_weight[groups] += g_rows.view(len(h), *w.shape).sum(0)
            target = g_hidden[images, features]
            columns = w.unsqueeze(2).repeat(len(h), 1, 1)  # (b · groups, f, 1)
            torch.bmm(columns, g, out=_by_group(target, len(w)))
            torch.ops.aten.hardtanh_backward.grad_input(
                target, a, 0.0, ctx.ceiling, grad_input=target
            )
            sums[0, features] += target.sum((0, 2))
            sums[1, features] += (target * h).sum((0, 2))
        g_beta = sums[0]
        g_gamma = (sums[1] - mean * g_beta) * rstd
        if ctx.training:
            # gh = scale · (g − mean(g) − x̂ · mean(g·x̂)), with x̂ = (h − mean)·rstd
            count = hidden.numel() // hidden.shape[1]
            slope = -scale * rstd * g_gamma / count
            offset = -scale * g_beta / count - slope * mean
            for images, _, f in _parts(hidden, weight):
                g = g_hidden[images, f].mul_(scale[f, None])
                g += torch.mul(hidden[images, f], slope[f, None]).add_(offset[f, None])
        else:
            g_hidden *= scale[:, None]
        return g_hidden, g_gamma, g_beta, g_weight, None, None, None, None
