"""How a block of feature maps is seen in either layout of memory, when one index serves all
channels.

Nothing is split into corners: features are multiplied where they lie, by weights (few numbers) that
are brought into their order. A block has whole images, or some rows of one.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .blocks import as_regions, join_pairs, split_pairs

__all__ = ["ChannelsFirst", "ChannelsLast", "Layout"]


class Layout(Protocol):
    """Views of a block, and what has to be done along their dimensions.

    ``regions`` stands for a block of full-size features (n, C, 2h, 2w), ``small`` for one of pooled
    features (n, C, h, w), as the two methods of that name give it. An index is (n, 4, h, w).
    """

    def empty_index(self, like: Tensor, h: int, w: int) -> Tensor:
        """(N, 4, 1, h, w) for features ``like``."""

    def regions(self, features: Tensor) -> Tensor:
        """Full-size features as they lie in memory, a view."""

    def small(self, features: Tensor) -> Tensor:
        """Pooled features as they lie in memory, a view."""

    def copies(self, small: Tensor) -> Tensor:
        """Four copies of every value, one for each corner; broadcasts to regions."""

    def weights(self, index: Tensor) -> Tensor:
        """An index as factors; broadcasts to regions."""

    def sum_corners(self, regions: Tensor, out: Tensor) -> None:
        """Sums over regions, into small features."""

    def sum_channels(self, regions: Tensor, out: Tensor) -> None:
        """Sums over channels, into an index."""

    def matrices(self, weight: Tensor) -> Tensor:
        """The weight (4, C, 2, 2) of a linear block for ``logits``."""

    def weight(self, matrices: Tensor) -> Tensor:
        """The inverse of ``matrices``."""

    def logits(self, regions: Tensor, matrices: Tensor, out: Tensor) -> None:
        """The linear block, into an index."""

    def logits_backward(
        self, slope: Tensor, regions: Tensor, matrices: Tensor, back: Tensor, g_matrices: Tensor
    ) -> None:
        """Adds the gradients to ``back``, regions, and to ``g_matrices``."""


class ChannelsLast:
    """Regions (n·h, 2, w, 2, C): everything runs along the channels, which are neighbours."""

    def empty_index(self, like: Tensor, h: int, w: int) -> Tensor:
        return like.new_empty(len(like), h, 4, w).permute(0, 2, 1, 3).unsqueeze(2)

    def regions(self, features: Tensor) -> Tensor:
        return as_regions(features).flatten(0, 1)

    def small(self, features: Tensor) -> Tensor:
        return features.permute(0, 2, 3, 1).flatten(0, 1)  # (n·h, w, C)

    def copies(self, small: Tensor) -> Tensor:
        return small[:, None, :, None]

    def weights(self, index: Tensor) -> Tensor:
        return self._rows(index).unflatten(1, (2, 2)).transpose(2, 3).unsqueeze(-1)

    def sum_corners(self, regions: Tensor, out: Tensor) -> None:
        torch.add(regions[:, 0, :, 0], regions[:, 0, :, 1], out=out)
        out.add_(regions[:, 1, :, 0]).add_(regions[:, 1, :, 1])

    def sum_channels(self, regions: Tensor, out: Tensor) -> None:
        torch.sum(regions, -1, keepdim=True, out=self.weights(out))

    def matrices(self, weight: Tensor) -> Tensor:
        return weight.permute(2, 0, 3, 1).flatten(2)  # (2, 4, 2·C), for upper and lower pixels

    def weight(self, matrices: Tensor) -> Tensor:
        return matrices.unflatten(2, (2, -1)).permute(1, 3, 0, 2)

    def logits(self, regions: Tensor, matrices: Tensor, out: Tensor) -> None:
        rows = self._rows(out)
        upper, lower = matrices[:, None].expand(-1, len(rows), -1, -1)
        torch.bmm(upper, self._pixels(regions, 0).transpose(1, 2), out=rows)
        rows.baddbmm_(lower, self._pixels(regions, 1).transpose(1, 2))

    def logits_backward(
        self, slope: Tensor, regions: Tensor, matrices: Tensor, back: Tensor, g_matrices: Tensor
    ) -> None:
        rows = self._rows(slope)
        for i, matrix in enumerate(matrices):
            g_matrices[i] += torch.bmm(rows, self._pixels(regions, i)).sum(0)
            through = torch.bmm(rows.transpose(1, 2), matrix.expand(len(rows), -1, -1))
            self._pixels(back, i).add_(through)

    def _rows(self, index: Tensor) -> Tensor:
        return index.transpose(1, 2).flatten(0, 1)  # (n·h, 4, w), a view

    def _pixels(self, regions: Tensor, i: int) -> Tensor:
        return regions[:, i].flatten(2)  # (n·h, w, 2·C), a view


class ChannelsFirst:
    """Regions (n, C, h, 2, 2w): a weight's left and right corners are joined to a row of pixels."""

    def empty_index(self, like: Tensor, h: int, w: int) -> Tensor:
        return like.new_empty(len(like), 4, 1, h, w)

    def regions(self, features: Tensor) -> Tensor:
        return features.unflatten(2, (-1, 2))

    def small(self, features: Tensor) -> Tensor:
        return features

    def copies(self, small: Tensor) -> Tensor:
        n, c, h, w = small.shape
        pixels = small.new_empty(n, c, h, 1, 2 * w)
        join_pairs(small.unsqueeze(3), small.unsqueeze(3), pixels)
        return pixels

    def weights(self, index: Tensor) -> Tensor:
        n, _, h, w = index.shape
        pixels = index.new_empty(n, h, 2, 2 * w)
        join_pairs(*self._left_and_right(index), pixels)
        return pixels.unsqueeze(1)

    def sum_corners(self, regions: Tensor, out: Tensor) -> None:
        pairs = regions[:, :, :, 0] + regions[:, :, :, 1]
        left = torch.empty_like(out, memory_format=torch.contiguous_format)
        right = torch.empty_like(left)
        split_pairs(pairs, left, right)
        torch.add(left, right, out=out)

    def sum_channels(self, regions: Tensor, out: Tensor) -> None:
        split_pairs(regions.sum(1), *self._left_and_right(out))

    def matrices(self, weight: Tensor) -> Tensor:
        return weight.permute(2, 3, 0, 1).flatten(0, 2)  # (16, C): every pixel as every corner

    def weight(self, matrices: Tensor) -> Tensor:
        return matrices.unflatten(0, (2, 2, 4)).permute(2, 3, 0, 1)

    def logits(self, regions: Tensor, matrices: Tensor, out: Tensor) -> None:
        n, _, h, _, width = regions.shape
        every = torch.bmm(matrices.expand(n, -1, -1), regions.flatten(2))
        # A quarter of it means something: upper left pixels as upper left corners, and so on.
        upper, lower = every.view(n, 2, 2, 4, h, 2, width).unbind(1)
        torch.add(upper[:, 0, :, :, 0, 0::2], upper[:, 1, :, :, 0, 1::2], out=out)
        out += lower[:, 0, :, :, 1, 0::2]
        out += lower[:, 1, :, :, 1, 1::2]

    def logits_backward(
        self, slope: Tensor, regions: Tensor, matrices: Tensor, back: Tensor, g_matrices: Tensor
    ) -> None:
        n, _, h, _, width = regions.shape
        every = slope.new_zeros(n, 2, 2, 4, h, 2, width)
        for i in (0, 1):
            for j in (0, 1):
                every[:, i, j, :, :, i, j::2] = slope
        every = every.view(n, 16, -1)
        pixels = regions.flatten(2)  # (n, C, h·2·2w)
        g_matrices += torch.bmm(every, pixels.transpose(1, 2)).sum(0)
        back.flatten(2).baddbmm_(matrices.t().expand(n, -1, -1), every)

    def _left_and_right(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """(n, h, 2, w) each, views: the corners of upper and of lower pixels."""
        left, right = index.unflatten(1, (2, 2)).unbind(2)
        return left.transpose(1, 2), right.transpose(1, 2)
