"""How a block of feature maps is seen in either layout of memory, when one index serves all
channels.

Nothing is split into corners: features are multiplied where they lie, by weights (few numbers) that
are brought into their order. An index is a matrix (4, w) for each row of regions.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .blocks import as_regions, join_pairs, split_pairs

__all__ = ["ChannelsFirst", "ChannelsLast", "Layout"]


class Layout(Protocol):
    """Views of a block of one image, and what has to be done along their dimensions.

    ``regions`` stands for a block of full-size features, ``small`` for one of pooled features, as
    the two methods of that name give it.
    """

    def regions(self, features: Tensor) -> Tensor:
        """(1, C, 2·rows, 2w) as it lies in memory, a view."""

    def small(self, features: Tensor) -> Tensor:
        """(1, C, rows, w) as it lies in memory, a view."""

    def copies(self, small: Tensor) -> Tensor:
        """Four copies of every value, one for each corner; broadcasts to regions."""

    def weights(self, index: Tensor) -> Tensor:
        """(rows, 4, w) as factors; broadcasts to regions."""

    def sum_corners(self, regions: Tensor, out: Tensor) -> None:
        """Sums over regions, into small features."""

    def sum_channels(self, regions: Tensor, out: Tensor) -> None:
        """Sums over channels, into an index (rows, 4, w)."""

    def matrices(self, weight: Tensor) -> Tensor:
        """The weight (4, C, 2, 2) of a linear block as two matrices, for upper and lower pixels."""

    def weight(self, matrices: Tensor) -> Tensor:
        """The inverse of ``matrices``."""

    def logits(self, regions: Tensor, matrices: Tensor, out: Tensor) -> None:
        """The linear block, into an index (rows, 4, w)."""

    def logits_backward(
        self, slope: Tensor, regions: Tensor, matrices: Tensor, back: Tensor, g_matrices: Tensor
    ) -> None:
        """Adds the gradients to ``back``, regions, and to ``g_matrices``."""


class ChannelsLast:
    """Regions (rows, 2, w, 2, C): everything runs along the channels, which are neighbours."""

    def regions(self, features: Tensor) -> Tensor:
        return as_regions(features)[0]

    def small(self, features: Tensor) -> Tensor:
        return features[0].permute(1, 2, 0)  # (rows, w, C)

    def copies(self, small: Tensor) -> Tensor:
        return small[:, None, :, None]

    def weights(self, index: Tensor) -> Tensor:
        return index.unflatten(1, (2, 2)).transpose(2, 3).unsqueeze(-1)

    def sum_corners(self, regions: Tensor, out: Tensor) -> None:
        torch.add(regions[:, 0, :, 0], regions[:, 0, :, 1], out=out)
        out.add_(regions[:, 1, :, 0]).add_(regions[:, 1, :, 1])

    def sum_channels(self, regions: Tensor, out: Tensor) -> None:
        torch.sum(regions, -1, keepdim=True, out=self.weights(out))

    def matrices(self, weight: Tensor) -> Tensor:
        return weight.permute(2, 0, 3, 1).flatten(2)  # (2, 4, 2·C)

    def weight(self, matrices: Tensor) -> Tensor:
        return matrices.unflatten(2, (2, -1)).permute(1, 3, 0, 2)

    def logits(self, regions: Tensor, matrices: Tensor, out: Tensor) -> None:
        upper, lower = matrices[:, None].expand(-1, len(out), -1, -1)
        torch.bmm(upper, self._pixels(regions, 0).transpose(1, 2), out=out)
        out.baddbmm_(lower, self._pixels(regions, 1).transpose(1, 2))

    def logits_backward(
        self, slope: Tensor, regions: Tensor, matrices: Tensor, back: Tensor, g_matrices: Tensor
    ) -> None:
        for i, matrix in enumerate(matrices):
            g_matrices[i] += torch.bmm(slope, self._pixels(regions, i)).sum(0)
            through = torch.bmm(slope.transpose(1, 2), matrix.expand(len(slope), -1, -1))
            self._pixels(back, i).add_(through)

    def _pixels(self, regions: Tensor, i: int) -> Tensor:
        return regions[:, i].flatten(2)  # (rows, w, 2·C), a view


class ChannelsFirst:
    """Regions (C, rows, 2, 2w): a weight's left and right corners are joined to a row of pixels."""

    def regions(self, features: Tensor) -> Tensor:
        return features[0].unflatten(1, (-1, 2))

    def small(self, features: Tensor) -> Tensor:
        return features[0]  # (C, rows, w)

    def copies(self, small: Tensor) -> Tensor:
        pixels = small.new_empty(*small.shape[:2], 1, 2 * small.shape[2])
        join_pairs(small[:, :, None], small[:, :, None], pixels)
        return pixels

    def weights(self, index: Tensor) -> Tensor:
        rows, _, w = index.shape
        pixels = index.new_empty(rows, 2, 2 * w)
        corners = index.unflatten(1, (2, 2))
        join_pairs(corners[:, :, 0], corners[:, :, 1], pixels)
        return pixels

    def sum_corners(self, regions: Tensor, out: Tensor) -> None:
        pairs = regions[:, :, 0] + regions[:, :, 1]
        left = torch.empty_like(out, memory_format=torch.contiguous_format)
        right = torch.empty_like(left)
        split_pairs(pairs, left, right)
        torch.add(left, right, out=out)

    def sum_channels(self, regions: Tensor, out: Tensor) -> None:
        corners = out.unflatten(1, (2, 2))
        split_pairs(regions.sum(0), corners[:, :, 0], corners[:, :, 1])

    def matrices(self, weight: Tensor) -> Tensor:
        return weight.permute(2, 3, 0, 1).flatten(1, 2)  # (2, left and right: 8, C)

    def weight(self, matrices: Tensor) -> Tensor:
        return matrices.unflatten(1, (2, 4)).permute(2, 3, 0, 1)

    def logits(self, regions: Tensor, matrices: Tensor, out: Tensor) -> None:
        upper, lower = matrices[:, None].expand(-1, len(out), -1, -1)
        pixels = torch.bmm(upper, self._pixels(regions, 0))
        pixels.baddbmm_(lower, self._pixels(regions, 1))
        # Every pixel as a left and as a right corner, (rows, 8, 2w): half of it means something.
        torch.add(pixels[:, :4, 0::2], pixels[:, 4:, 1::2], out=out)

    def logits_backward(
        self, slope: Tensor, regions: Tensor, matrices: Tensor, back: Tensor, g_matrices: Tensor
    ) -> None:
        pixels = slope.new_zeros(len(slope), 8, 2 * slope.shape[2])
        pixels[:, :4, 0::2] = slope
        pixels[:, 4:, 1::2] = slope
        for i, matrix in enumerate(matrices):
            g_matrices[i] += torch.bmm(pixels, self._pixels(regions, i).transpose(1, 2)).sum(0)
            through = torch.bmm(matrix.t().expand(len(slope), -1, -1), pixels)
            self._pixels(back, i).add_(through)

    def _pixels(self, regions: Tensor, i: int) -> Tensor:
        return regions[:, :, i].transpose(0, 1)  # (rows, C, 2w), a view
