"""The linear M2O block and the pooling by it, in one pass over memory.

A 2×2 convolution with stride 2 is a 1×1 convolution of the regions' corners: a matrix product of
4·C columns. A block of memory holds a few rows of regions with all their channels, so that the
index is known before the block is left.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .blocks import (
    Block,
    empty_features,
    is_channels_last,
    rows_of_regions,
    to_columns,
    to_map,
)
from .once import once
from .operators import encoder_weights, pooled_by, sigmoid_backward, slope_to_index

__all__ = ["ManyToOnePool", "RegionConv", "as_matrices"]


class ManyToOnePool(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (4·C, C, 2, 2), T → y (N, C, h, w), s (N, 4, C, h, w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        matrix = _matrix(weight)
        y = empty_features(x, (n, c, h, w), last)
        columns = _empty_vectors(x, (n, c, h, w), last)
        for block in rows_of_regions(n, c, h, w):
            pooled, s = block.small(y), block.of(columns)
            corners = to_columns(block.large(x), torch.empty_like(s))
            logits = torch.empty_like(corners)
            torch.mm(matrix, _vectors(corners), out=_vectors(logits))
            torch.sigmoid(logits, out=s)
            pooled_by(s, corners, temperature, out=pooled)
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
        matrix = _matrix(weight)
        g_x, g_matrix = torch.empty_like(x), torch.zeros_like(matrix)
        for block in rows_of_regions(n, c, h, w):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            corners = to_columns(block.large(x), torch.empty_like(s))
            weights = encoder_weights(s, ctx.temperature, scale=g)
            difference = torch.sub(corners, pooled.unsqueeze(1))
            g_logits = slope_to_index(difference, weights, g_s, block, ctx.temperature)
            sigmoid_backward(g_logits, s, out=g_logits)
            g_matrix.addmm_(_vectors(g_logits), _vectors(corners).t())
            _vectors(weights).addmm_(matrix.t(), _vectors(g_logits))
            to_map(weights, block.large(g_x))
        return g_x, _weight(g_matrix, weight), None


class RegionConv(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (F, C, 2, 2) → what a convolution with stride 2 gives.

    Returns:
        (N, F, h·w); for channels-last features (1, F, N·h·w), the F of a place side by side.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        matrix = _matrix(weight)
        out = x.new_empty(n, h, w, len(weight)) if last else x.new_empty(n, len(weight), h, w)
        if last:
            out = out.permute(0, 3, 1, 2)
        for block in rows_of_regions(n, c, h, w):
            corners = _corners(x, block, last)
            hidden = out[block.images, :, block.rows]
            torch.mm(matrix, _vectors(corners), out=hidden[0].flatten(1))
        ctx.save_for_backward(x, weight)
        return as_matrices(out, last)

    @staticmethod
    @once
    def backward(ctx: Any, g_out: Tensor) -> tuple[Any, ...]:
        x, weight = ctx.saved_tensors
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        matrix = _matrix(weight)
        g_x, g_matrix = torch.empty_like(x), torch.zeros_like(matrix)
        if last:
            g_out = g_out[0].unflatten(1, (n, h, w)).transpose(0, 1)
        else:
            g_out = g_out.unflatten(2, (h, w))
        for block in rows_of_regions(n, c, h, w):
            corners = _corners(x, block, last)
            g = g_out[block.images, :, block.rows][0].flatten(1)
            g_matrix.addmm_(g, _vectors(corners).t())
            torch.mm(matrix.t(), g, out=_vectors(corners))
            to_map(corners, block.large(g_x))
        return g_x, _weight(g_matrix, weight)


def as_matrices(features: Tensor, channels_last: bool) -> Tensor:
    """(N, F, h, w) → (N, F, h·w), or (1, F, N·h·w) of channels-last memory; a view."""
    if channels_last:
        return features.permute(1, 0, 2, 3).flatten(1).unsqueeze(0)
    return features.flatten(2)


def _corners(x: Tensor, block: Block, last: bool) -> Tensor:
    features = block.large(x)
    n, c, height, width = features.shape
    small = (n, c, height // 2, width // 2)
    return to_columns(features, _empty_vectors(x, small, last))


def _matrix(weight: Tensor) -> Tensor:
    """(F, C, 2, 2) → (F, 4·C), in the order of ``_vectors``."""
    return weight.permute(0, 2, 3, 1).flatten(1)


def _weight(matrix: Tensor, like: Tensor) -> Tensor:
    """The inverse of ``_matrix``."""
    return matrix.view(-1, 2, 2, like.shape[1]).permute(0, 3, 1, 2)


def _empty_vectors(like: Tensor, small: tuple[int, ...], channels_last: bool) -> Tensor:
    """Columns (n, 4, c, h, w) for small features (n, c, h, w): a matrix of 4·c rows for each image,
    or in channels-last memory its transpose."""
    n, c, h, w = small
    if channels_last:
        return like.new_empty(n, h, w, 4, c).permute(0, 3, 4, 1, 2)
    return like.new_empty(n, 4, c, h, w)


def _vectors(columns: Tensor) -> Tensor:
    """Columns of one image, (1, 4, C, rows, w), as (4·C, rows·w), a view in either layout."""
    return columns[0].flatten(2).flatten(0, 1)
