"""The rest of a nonlinear index block: batch normalisation, activation, 1×1 convolution.

Three layers as one function that keeps their input only; the activation is recomputed on the way
back, block by block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import blocks as _blocks
from .once import once
from .saved import recall, remember

__all__ = ["hidden_layers"]


def hidden_layers(hidden: Tensor, norm: Any, ceiling: float, weight: Tensor) -> Tensor:
    """BN, clamping to [0, ceiling], and a matrix product in every group of features.

    Args:
        hidden: (B, F, P), F = ``norm.num_features``; or, of channels-last features, (1, F, P) with
            the F of a place side by side in memory.
        norm: an ``nn.BatchNorm2d``; in training it keeps its running statistics as by itself.
        ceiling: inf for ReLU, 6 for ReLU6.
        weight: (groups, outputs, F / groups).

    Returns:
        (B, groups · outputs, P).

    Raises:
        ValueError: a single value a feature in training, as PyTorch's.
    """
    training = norm.training or norm.running_mean is None or norm.running_var is None
    if training:
        count = hidden.numel() // hidden.shape[1]
        if count == 1:
            raise ValueError("expected more than 1 value per channel when training")
        mean, var = _statistics(hidden.detach())
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
    for images, places in _cuts(hidden):
        squares += (hidden[images, :, places] - mean[:, None]).square_().sum((0, 2))
    return mean, squares / (hidden.numel() // features)


def _side_by_side(hidden: Tensor) -> bool:
    """Whether the features of a place are neighbours in memory."""
    return len(hidden) == 1 and hidden.stride(1) == 1


def _cuts(hidden: Tensor) -> Iterator[tuple[slice, slice]]:
    """Images and places of blocks with all features: places of one image where the features of a
    place are neighbours, else whole images."""
    features = hidden.shape[1]
    everywhere = slice(0, hidden.shape[2])
    if _side_by_side(hidden):
        for places in _blocks.cuts(everywhere.stop, 2 * _blocks.BLOCK // features):
            yield slice(0, 1), places
    else:
        step = 2 * _blocks.BLOCK // (features * everywhere.stop)
        for images in _blocks.cuts(len(hidden), step):
            yield images, everywhere


@torch.no_grad()
def _update(norm: Any, mean: Tensor, var: Tensor, count: int) -> None:
    if not norm.training or norm.running_mean is None:
        return
    norm.num_batches_tracked.add_(1)
    # Without a momentum PyTorch keeps the plain average of all batches.
    momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(var * (count / (count - 1)), momentum)


def _activated(hidden: Tensor, scale: Tensor, shift: Tensor, ceiling: float) -> Tensor:
    a = torch.mul(hidden, scale[:, None]).add_(shift[:, None])
    return a.clamp_(0, ceiling) if ceiling < float("inf") else a.relu_()


class _Part(NamedTuple):
    """A block: some images, some places, and some groups with their features and outputs."""

    images: slice
    places: slice
    groups: slice
    features: slice
    outputs: slice

    def of_features(self, hidden: Tensor) -> Tensor:
        return hidden[self.images, self.features, self.places]

    def of_outputs(self, out: Tensor) -> Tensor:
        return out[self.images, self.outputs, self.places]


def _parts(hidden: Tensor, weight: Tensor) -> Iterator[_Part]:
    groups, outputs, inputs = weight.shape
    step = groups
    if not _side_by_side(hidden):  # there a group's features are apart from the others'
        step = max(1, 2 * _blocks.BLOCK // (inputs * hidden.shape[2]))
    for group in _blocks.cuts(groups, step):
        features, out = (slice(k * group.start, k * group.stop) for k in (inputs, outputs))
        for images, places in _cuts(hidden):
            yield _Part(images, places, group, features, out)


def _by_group(features: Tensor, groups: int) -> Tensor:
    """(b, groups · f, p) → (b · groups, f, p), a view."""
    if len(features) == 1:
        return features[0].unflatten(0, (groups, -1))
    return features.view(len(features) * groups, -1, features.shape[2])


def _empty(hidden: Tensor, outputs: int) -> Tensor:
    b, _, p = hidden.shape
    if _side_by_side(hidden):
        return hidden.new_empty(b, p, outputs).transpose(1, 2)
    return hidden.new_empty(b, outputs, p)


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
        out = _empty(hidden, weight[..., 0].numel())
        scale = gamma * rstd
        shift = beta - mean * scale
        for part in _parts(hidden, weight):
            h, w = part.of_features(hidden), weight[part.groups]
            a = _activated(h, scale[part.features], shift[part.features], ceiling)
            target = _by_group(part.of_outputs(out), len(w))
            torch.bmm(w.repeat(len(h), 1, 1), _by_group(a, len(w)), out=target)
        remember(ctx, hidden, gamma, beta, weight, mean, rstd)
        ctx.training, ctx.ceiling = training, ceiling
        return out

    @staticmethod
    @once
    def backward(ctx: Any, g_out: Tensor) -> tuple[Any, ...]:
        hidden, gamma, beta, weight, mean, rstd = recall(ctx)
        features = hidden.shape[1]
        scale = gamma * rstd
        shift = beta - mean * scale
        g_hidden, g_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        sums = hidden.new_zeros(2, features)  # Σ g and Σ g·h of each feature
        for part in _parts(hidden, weight):
            h, w = part.of_features(hidden), weight[part.groups]
            n = len(h)
            a = _activated(h, scale[part.features], shift[part.features], ctx.ceiling)
            g = _by_group(part.of_outputs(g_out), len(w))
            of_a = _by_group(a, len(w)).transpose(1, 2)
            g_weight[part.groups] += torch.bmm(g, of_a).view(n, *w.shape).sum(0)
            target = part.of_features(g_hidden)
            torch.bmm(w.transpose(1, 2).repeat(n, 1, 1), g, out=_by_group(target, len(w)))
            torch.ops.aten.hardtanh_backward.grad_input(
                target, a, 0.0, ctx.ceiling, grad_input=target
            )
            sums[0, part.features] += target.sum((0, 2))
            sums[1, part.features] += (target * h).sum((0, 2))
        g_beta = sums[0]
        g_gamma = (sums[1] - mean * g_beta) * rstd
        if ctx.training:
            # gh = scale · (g − mean(g) − x̂ · mean(g·x̂)), with x̂ = (h − mean)·rstd
            count = hidden.numel() // features
            slope = -scale * rstd * g_gamma / count
            offset = -scale * g_beta / count - slope * mean
            for part in _parts(hidden, weight):
                f = part.features
                g = part.of_features(g_hidden).mul_(scale[f, None])
                g += torch.mul(part.of_features(hidden), slope[f, None]).add_(offset[f, None])
        else:
            g_hidden *= scale[:, None]
        return g_hidden, g_gamma, g_beta, g_weight, None, None, None, None
