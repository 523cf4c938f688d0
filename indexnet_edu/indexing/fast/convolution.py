"""The 2×2 convolution of the holistic and M2O blocks, as a matrix product on regions.

With stride 2 it is a matrix times the 4·C numbers of each region.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .blocks import empty_features, is_channels_last, rows_of_regions, to_columns, to_map
from .once import once
from .saved import recall, remember

__all__ = ["RegionConv", "empty_vectors", "matrix_of", "vectors", "weight_of"]


class RegionConv(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (F, C, 2, 2) → (N, F, h, w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        matrix = matrix_of(weight)
        out = empty_features(x, (n, len(weight), h, w), last)
        for block in rows_of_regions(n, c, h, w):
            hidden = out[block.images, :, block.rows]
            corners = to_columns(block.large(x), empty_vectors(hidden, c, last))
            if last or len(hidden) == 1:
                torch.mm(matrix, vectors(corners), out=hidden.transpose(0, 1).flatten(1))
            else:
                product = matrix @ vectors(corners)  # (F, n·h·w)
                hidden.copy_(product.unflatten(1, (-1, h, w)).transpose(0, 1))
        remember(ctx, x, weight)
        return out

    @staticmethod
    @once
    def backward(ctx: Any, g_out: Tensor) -> tuple[Any, ...]:
        x, weight = recall(ctx)
        n, c, h, w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        last = is_channels_last(x)
        matrix = matrix_of(weight)
        g_x, g_matrix = torch.empty_like(x), torch.zeros_like(matrix)
        for block in rows_of_regions(n, c, h, w):
            hidden = g_out[block.images, :, block.rows]
            g = hidden.transpose(0, 1).flatten(1)  # (F, n·h·w), a copy of several images
            corners = to_columns(block.large(x), empty_vectors(hidden, c, last))
            g_matrix.addmm_(g, vectors(corners).t())
            torch.mm(matrix.t(), g, out=vectors(corners))
            to_map(corners, block.large(g_x))
        return g_x, weight_of(g_matrix, weight)


def empty_vectors(small: Tensor, channels: int, channels_last: bool) -> Tensor:
    """Columns (n, 4, c, h, w) for small features (n, …, h, w): a matrix of 4·c rows, or in
    channels-last memory its transpose."""
    n, _, h, w = small.shape
    if channels_last:
        return small.new_empty(n, h, w, 4, channels).permute(0, 3, 4, 1, 2)
    return small.new_empty(4, channels, n, h, w).permute(2, 0, 1, 3, 4)


def vectors(columns: Tensor) -> Tensor:
    """Such columns, or those of a block, as (4·c, n·h·w).

    A view, so that what is written to it arrives; a RuntimeError where there is none.
    """
    n, _, c, h, w = columns.shape
    return columns.permute(1, 2, 0, 3, 4).view(4 * c, n * h * w)


def matrix_of(weight: Tensor) -> Tensor:
    """(F, C, 2, 2) → (F, 4·C), in the order of ``vectors``."""
    return weight.permute(0, 2, 3, 1).flatten(1)


def weight_of(matrix: Tensor, like: Tensor) -> Tensor:
    """The inverse of ``matrix_of``."""
    return matrix.view(-1, 2, 2, like.shape[1]).permute(0, 3, 1, 2)
