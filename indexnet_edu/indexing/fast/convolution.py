"""The first convolution of the holistic and M2O blocks, as matrix products on regions.

A 2×2 kernel with stride 2 is a matrix times the 4·C numbers of each region. A 4×4 kernel with
stride 2 and padding 1 is four such products, on regions of the padded features that are shifted by
one. There a row of regions carries one more than is wanted, so that a shifted map is a shifted
*matrix* and no patch is unfolded; the surplus is dropped at the end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .blocks import Block, is_channels_last, rows_of_regions, to_columns, to_map
from .once import once

__all__ = ["RegionConv", "as_matrices", "empty_vectors", "matrices", "vectors", "weight_of"]


class RegionConv(torch.autograd.Function):
    """x (N, C, 2h, 2w), weight (F, C, k, k) with k 2 or 4 → what a convolution with stride 2 gives.

    Returns:
        (N, F, h·w); for channels-last features (1, F, N·h·w), the F of a place side by side.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        plan = _Plan(x, weight)
        out = plan.empty_hidden()
        for block in plan.blocks():
            corners, hidden = plan.corners(block), plan.of(out, block)
            v = plan.scratch(hidden) if plan.pad else hidden.flatten(1)
            first, *others = zip(plan.matrices, plan.shifts(corners, v), strict=True)
            torch.mm(*first, out=v)
            for matrix, part in others:
                v.addmm_(matrix, part)
            if plan.pad:
                hidden.copy_(plan.wanted(v))
        ctx.save_for_backward(x, weight)
        return as_matrices(out, plan.last)

    @staticmethod
    @once
    def backward(ctx: Any, g_out: Tensor) -> tuple[Any, ...]:
        x, weight = ctx.saved_tensors
        plan = _Plan(x, weight)
        g_hidden = plan.as_hidden(g_out)
        g_x = torch.zeros_like(x) if plan.pad else torch.empty_like(x)
        g_matrices = [torch.zeros_like(matrix) for matrix in plan.matrices]
        for block in plan.blocks():
            corners, g = plan.corners(block), plan.of(g_hidden, block)
            v = plan.scratch(g).zero_() if plan.pad else g.flatten(1)
            if plan.pad:
                plan.wanted(v).copy_(g)
            parts = list(plan.shifts(corners, v))
            for g_matrix, part in zip(g_matrices, parts, strict=True):
                g_matrix.addmm_(v, part.t())
            corners.zero_()
            for matrix, part in zip(plan.matrices, parts, strict=True):
                part.addmm_(matrix.t(), v)
            plan.add(corners, g_x, block)
        return g_x, weight_of(torch.stack(g_matrices), weight)


class _Plan:
    """How the features of one call are cut and laid out."""

    def __init__(self, x: Tensor, weight: Tensor) -> None:
        self.x, self.last = x, is_channels_last(x)
        self.features = len(weight)
        self.n, self.c, self.h, self.w = len(x), x.shape[1], x.shape[2] // 2, x.shape[3] // 2
        self.pad = weight.shape[-1] // 2 - 1
        self.matrices = matrices(weight)

    def blocks(self) -> list[Block]:
        return rows_of_regions(self.n, self.c, self.h, self.w)

    def empty_hidden(self) -> Tensor:
        """(N, F, h, w)"""
        if self.last:
            return self.x.new_empty(self.n, self.h, self.w, self.features).permute(0, 3, 1, 2)
        return self.x.new_empty(self.n, self.features, self.h, self.w)

    def as_hidden(self, hidden: Tensor) -> Tensor:
        """The inverse of ``as_matrices``."""
        if self.last:
            return hidden[0].unflatten(1, (self.n, self.h, self.w)).transpose(0, 1)
        return hidden.unflatten(2, (self.h, self.w))

    def of(self, hidden: Tensor, block: Block) -> Tensor:
        """A block's part, (F, rows, w)."""
        return hidden[block.images, :, block.rows][0]

    def scratch(self, hidden: Tensor) -> Tensor:
        """For hidden features (F, rows, w) with a surplus column: (F, rows·(w+1))."""
        length = hidden.shape[1] * (self.w + 1)
        if self.last:
            return hidden.new_empty(length, self.features).t()
        return hidden.new_empty(self.features, length)

    def wanted(self, v: Tensor) -> Tensor:
        """Such scratch without the surplus, (F, rows, w), a view."""
        return v.unflatten(1, (-1, self.w + 1))[..., : self.w]

    def corners(self, block: Block) -> Tensor:
        """The corners of a block's regions, (4·C, places). With padding those of one more row and
        column, and one place more, to which the last shift reaches."""
        rows = block.rows.stop - block.rows.start + self.pad
        places = rows * (self.w + self.pad) + self.pad
        if self.last:
            corners = self.x.new_empty(places, 4 * self.c).t()
        else:
            corners = self.x.new_empty(4 * self.c, places)
        features = block.large(self.x)
        if self.pad:
            corners[:, -1] = 0
            features = self._padded(block)
            inside, source = self._inside(features, block)
            inside.copy_(self.x[source])
        to_columns(features, self._columns(corners))
        return corners

    def add(self, corners: Tensor, g_x: Tensor, block: Block) -> None:
        """Brings a gradient of ``corners`` back to the features."""
        if not self.pad:
            to_map(self._columns(corners), block.large(g_x))
            return
        features = self._padded(block)
        to_map(self._columns(corners), features)
        inside, target = self._inside(features, block)
        g_x[target] += inside

    def shifts(self, corners: Tensor, v: Tensor) -> list[Tensor]:
        """For every shift the part of ``corners`` that goes with ``v``, a view."""
        steps = range(self.pad + 1)
        starts = [i * (self.w + 1) + j for i in steps for j in steps]
        return [corners[:, start : start + v.shape[1]] for start in starts]

    def _columns(self, corners: Tensor) -> Tensor:
        """(4·C, places) → (1, 4, C, rows, w), a view."""
        places = corners.shape[1] - self.pad
        grid = corners[:, :places].unflatten(1, (-1, self.w + self.pad))
        return grid.unflatten(0, (4, self.c)).unsqueeze(0)

    def _padded(self, block: Block) -> Tensor:
        """Zeros for a block's features and what is around them, (1, C, 2·rows + 2, 2w + 2)."""
        rows = block.rows.stop - block.rows.start
        shape = (1, self.c, 2 * rows + 2, 2 * self.w + 2)
        layout = torch.channels_last if self.last else torch.contiguous_format
        return torch.zeros(shape, dtype=self.x.dtype).contiguous(memory_format=layout)

    def _inside(self, padded: Tensor, block: Block) -> tuple[Tensor, tuple[slice, ...]]:
        """What of it lies within the features, a view, and where."""
        first = 2 * block.rows.start - 1
        top, bottom = max(first, 0), min(2 * block.rows.stop + 1, 2 * self.h)
        inside = padded[:, :, top - first : bottom - first, 1:-1]
        return inside, (block.images, slice(None), slice(top, bottom))


def as_matrices(features: Tensor, channels_last: bool) -> Tensor:
    """(N, F, h, w) → (N, F, h·w), or (1, F, N·h·w) of channels-last memory; a view."""
    if channels_last:
        return features.permute(1, 0, 2, 3).flatten(1).unsqueeze(0)
    return features.flatten(2)


def empty_vectors(like: Tensor, small: tuple[int, ...], channels_last: bool) -> Tensor:
    """Columns (n, 4, c, h, w) for small features (n, c, h, w): a matrix of 4·c rows for each image,
    or in channels-last memory its transpose."""
    n, c, h, w = small
    if channels_last:
        return like.new_empty(n, h, w, 4, c).permute(0, 3, 4, 1, 2)
    return like.new_empty(n, 4, c, h, w)


def vectors(columns: Tensor) -> Tensor:
    """Columns of one image, (1, 4, C, rows, w), as (4·C, rows·w), a view in either layout."""
    return columns[0].flatten(2).flatten(0, 1)


def matrices(weight: Tensor) -> Tensor:
    """(F, C, k, k) → for every shift, one or four, (F, 4·C) in the order of ``vectors``."""
    k = weight.shape[-1] // 2
    w = weight.unflatten(3, (k, 2)).unflatten(2, (k, 2))  # (F, C, shift i, 2, shift j, 2)
    return w.permute(2, 4, 0, 3, 5, 1).flatten(3).flatten(0, 1)


def weight_of(matrices: Tensor, like: Tensor) -> Tensor:
    """The inverse of ``matrices``."""
    k = like.shape[-1] // 2
    w = matrices.view(k, k, len(like), 2, 2, like.shape[1])
    return w.permute(2, 5, 0, 3, 1, 4).flatten(4).flatten(2, 3)
