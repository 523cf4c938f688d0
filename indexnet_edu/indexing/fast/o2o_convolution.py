"""The first convolution of the nonlinear O2O blocks, as matrix products on regions.

A 2×2 kernel with stride 2 is a matrix of four columns times the four corners of each region. A 4×4
kernel with stride 2 and padding 1 is four such products, on regions of the padded features that are
shifted by one. Where a row of regions carries one more than is wanted, a shifted map is a shifted
*vector*, so the patches never have to be unfolded; the surplus column is dropped at the end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from . import blocks as _blocks
from .backward import once, recall, remember
from .corners import is_channels_last

__all__ = ["SliceConv"]


class _Plan:
    """How the features of one call are cut and laid out."""

    def __init__(self, x: Tensor, weight: Tensor) -> None:
        self.last = is_channels_last(x)
        n, c, height, width = x.shape
        self.h, self.w = height // 2, width // 2
        self.pad = 0 if weight.shape[-1] == 2 else 1
        # An image's channels are matrices of their own, or in channels-last memory one matrix.
        self.inner = c if self.last else 1
        self.count = n if self.last else n * c
        self.shape = (self.count, self.inner, height, width)
        self.slices = self.of_slices(x)
        self.step = max(1, _blocks.BLOCK // (height * width * self.inner))
        self.row = (self.w + self.pad) * self.inner
        self.length = self.h * self.row
        self.matrices = self._matrices(weight)
        self.offsets = (
            [0] if not self.pad else [i * self.row + j * self.inner for i in (0, 1) for j in (0, 1)]
        )

    def of_slices(self, features: Tensor) -> Tensor:
        """(N, C, 2h, 2w) → (count, inner, 2h, 2w), a view; a RuntimeError where there is none."""
        return features if self.last else features.view(self.shape)

    def _matrices(self, weight: Tensor) -> Tensor:
        """(1 or C, F, k, k) → for every shift the matrix of the corners, (shifts, 1 or C, F, 4)."""
        k = weight.shape[-1] // 2
        w = weight.unflatten(3, (k, 2)).unflatten(2, (k, 2))  # (S, F, shift i, 2, shift j, 2)
        return w.permute(2, 4, 0, 1, 3, 5).flatten(4).flatten(0, 1).contiguous()

    def weight_gradient(self, g: Tensor) -> Tensor:
        """The inverse of ``_matrices``."""
        k = 1 + self.pad
        g = g.unflatten(0, (k, k)).unflatten(-1, (2, 2))  # (i, j, S, F, 2, 2)
        return g.permute(2, 3, 0, 4, 1, 5).flatten(4).flatten(2, 3)

    def corners(self, like: Tensor) -> Tensor:
        """Zeros for the corners of a block's regions, as vectors: (step, 4, (h+pad)·row + rest)."""
        size = self.length + self.pad * (self.row + self.inner)
        return like.new_zeros(min(self.step, self.count), 4, size)

    def inside(self, corners: Tensor, position: int) -> Tensor:
        """Where one corner of the features stands in its vector: (n, inner, h, w), a view."""
        h, w, pad = self.h, self.w, self.pad
        grid = corners[:, position, : (h + pad) * self.row]
        grid = grid.unflatten(1, (h + pad, w + pad, self.inner)).permute(0, 3, 1, 2)
        top, left = (pad - position // 2, pad - position % 2) if pad else (0, 0)
        return grid[:, :, top : top + h, left : left + w]

    def outside(self, features: Tensor, position: int) -> Tensor:
        """The same numbers in the features."""
        row, column = position // 2, position % 2
        if self.pad:
            row, column = 1 - row, 1 - column
        return features[:, :, row::2, column::2]

    def wanted(self, vectors: Tensor) -> Tensor:
        """Vectors (n, F, length) without the surplus column: (n, F, h, w, inner), a view."""
        return vectors.unflatten(2, (self.h, self.w + self.pad, self.inner))[:, :, :, : self.w]

    def of(self, start: int, stop: int, matrices: Tensor) -> Tensor:
        """A matrix for each slice of a block."""
        if len(matrices) == 1:
            return matrices.expand(stop - start, -1, -1)
        return matrices[torch.arange(start, stop) % len(matrices)]


class SliceConv(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (1 or C, F, k, k) with k 2 or 4 → hidden features.

    Returns:
        Matrices (N·C, F, h·w), a channel slice each; for channels-last features (whose weight must
        be shared) (N, F, h·w·C).
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        plan = _Plan(x, weight)
        features = weight.shape[1]
        out = x.new_empty(plan.count, features, plan.h * plan.w * plan.inner)
        corners = plan.corners(x)
        vectors = x.new_empty(len(corners), features, plan.length)
        for start in range(0, plan.count, plan.step):
            block = plan.slices[start : start + plan.step]
            stop = start + len(block)
            q = corners[: len(block)]
            for position in range(4):
                plan.inside(q, position).copy_(plan.outside(block, position))
            v = vectors[: len(block)] if plan.pad else out[start:stop]
            for shift, offset in enumerate(plan.offsets):
                matrix = plan.of(start, stop, plan.matrices[shift])
                part = q[:, :, offset : offset + plan.length]
                if shift:
                    v.baddbmm_(matrix, part)
                else:
                    torch.bmm(matrix, part, out=v)
            if plan.pad:
                shape = (plan.h, plan.w, plan.inner)
                out[start:stop].unflatten(2, shape).copy_(plan.wanted(v))
        remember(ctx, x, weight)
        return out

    @staticmethod
    @once
    def backward(ctx: Any, g_out: Tensor) -> tuple[Any, ...]:
        x, weight = recall(ctx)
        plan = _Plan(x, weight)
        features = weight.shape[1]
        g_x, g_matrices = torch.empty_like(x), torch.zeros_like(plan.matrices)
        g_slices = plan.of_slices(g_x)
        corners = plan.corners(x)
        g_corners = torch.empty_like(corners)
        vectors = x.new_zeros(len(corners), features, plan.length)
        for start in range(0, plan.count, plan.step):
            block = plan.slices[start : start + plan.step]
            stop = start + len(block)
            q, g_q = corners[: len(block)], g_corners[: len(block)].zero_()
            for position in range(4):
                plan.inside(q, position).copy_(plan.outside(block, position))
            g = g_out[start:stop]
            if plan.pad:
                shape = (plan.h, plan.w, plan.inner)
                plan.wanted(vectors[: len(block)]).copy_(g.unflatten(2, shape))
                g = vectors[: len(block)]
            for shift, offset in enumerate(plan.offsets):
                part = slice(offset, offset + plan.length)
                g_matrix = torch.bmm(g, q[:, :, part].transpose(1, 2))
                if len(weight) == 1:
                    g_matrices[shift] += g_matrix.sum(0)
                else:
                    which = torch.arange(start, stop) % len(weight)
                    g_matrices[shift].index_add_(0, which, g_matrix)
                back = plan.of(start, stop, plan.matrices[shift]).transpose(1, 2)
                g_q[:, :, part].baddbmm_(back, g)
            for position in range(4):
                target = plan.outside(g_slices[start:stop], position)
                target.copy_(plan.inside(g_q, position))
        return g_x, plan.weight_gradient(g_matrices)
