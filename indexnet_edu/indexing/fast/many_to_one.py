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
    empty_features,
    is_channels_last,
    rows_of_regions,
    to_columns,
    to_map,
)
from .convolution import empty_vectors, matrix_of, vectors, weight_of
from .once import once
from .operators import pooled_back, pooled_by, remember_pooling
from .saved import recall

__all__ = ["ManyToOnePool"]


class ManyToOnePool(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (4·C, C, 2, 2), T → y (N, C, h, w), s (N, 4, C, h, w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        matrix = matrix_of(weight)
        y = empty_features(x, (n, c, h, w), last)
        columns = empty_vectors(y, c, last)
        for block in rows_of_regions(n, c, h, w):
            pooled, s = block.small(y), block.of(columns)
            corners = to_columns(block.large(x), empty_vectors(pooled, c, last))
            logits = empty_vectors(pooled, c, last)
            torch.mm(matrix, vectors(corners), out=vectors(logits))
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
        matrix = matrix_of(weight)
        g_x, g_matrix = torch.empty_like(x), torch.zeros_like(matrix)
        for block in rows_of_regions(n, c, h, w):
            s, g, pooled = block.of(columns), block.small(g_y), block.small(y)
            corners = to_columns(block.large(x), empty_vectors(pooled, c, last))
            weights, g_logits = pooled_back(corners, s, pooled, g, g_s, block, ctx.temperature)
            g_matrix.addmm_(vectors(g_logits), vectors(corners).t())
            vectors(weights).addmm_(matrix.t(), vectors(g_logits))
            to_map(weights, block.large(g_x))
        return g_x, weight_of(g_matrix, weight), None
