"""Cutting feature maps into blocks that fit the caches, and 2×2 regions into their corners.

A chain of full-size operations moves every intermediate result to memory and back. Done block by
block, in scratch of a few megabytes, only what comes in and what goes out is moved.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "Block",
    "as_regions",
    "blocks",
    "corner",
    "cuts",
    "empty_columns",
    "empty_features",
    "is_channels_last",
    "join_pairs",
    "rows_of_regions",
    "split_pairs",
    "sum_corners",
    "to_columns",
    "to_map",
    "weighted_sum",
]

#: Elements of the full-size map in one block, two megabytes of float32: large enough to hide what a
#: call costs, above all where threads wait for each other at its end, small enough that a handful
#: of such tensors stays in a processor's caches.
BLOCK = 2**19


class Block(NamedTuple):
    """A part of a feature map and its columns: images, channels, and rows of the small size."""

    images: slice
    channels: slice
    rows: slice

    def of(self, columns: Tensor) -> Tensor:
        """The part of ``(N, 4, G, h, w)``."""
        return columns[self.images, :, self.channels, self.rows]

    def small(self, features: Tensor) -> Tensor:
        """The part of pooled features ``(N, C, h, w)``."""
        return features[self.images, self.channels, self.rows]

    def large(self, features: Tensor) -> Tensor:
        """The part of features ``(N, C, 2h, 2w)``."""
        rows = slice(2 * self.rows.start, 2 * self.rows.stop)
        return features[self.images, self.channels, rows]


def cuts(total: int, step: int) -> list[slice]:
    """Slices of ``step``, or of 1 if that is smaller, that cover ``total``."""
    step = min(max(step, 1), total)
    return [slice(start, min(start + step, total)) for start in range(0, total, step)]


def blocks(n: int, c: int, h: int, w: int, channels_last: bool = False) -> Iterator[Block]:
    """Cuts columns ``(n, 4, c, h, w)`` into blocks of about ``BLOCK`` numbers, along memory."""
    images = cuts(n, BLOCK // (4 * c * h * w))
    channels = cuts(c, c if channels_last else BLOCK // (4 * h * w))
    rows = cuts(h, BLOCK // (4 * w * channels[0].stop))
    for image in images:
        for channel in channels:
            for row in rows:
                yield Block(image, channel, row)


def rows_of_regions(n: int, c: int, h: int, w: int, size: int = 1) -> list[Block]:
    """Blocks of about ``size * BLOCK`` numbers with all channels: whole images, or rows of one."""
    images = cuts(n, size * BLOCK // (4 * c * h * w))
    rows = cuts(h, size * BLOCK // (4 * c * w))
    return [
        Block(image, slice(0, c), row)
        for image in images
        for row in (rows if image.stop - image.start == 1 else [slice(0, h)])
    ]


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of ``(N, C, H, W)`` lie next to each other in memory."""
    return x.shape[1] > 1 and x.stride(1) == 1


def empty_features(like: Tensor, shape: tuple[int, ...], channels_last: bool) -> Tensor:
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, memory_format=memory_format)


def empty_columns(like: Tensor, channels_last: bool) -> Tensor:
    """Columns (n, 4, c, h, w) for small features (n, c, h, w); a channel's corners lie together."""
    n, c, h, w = like.shape
    if channels_last:
        return like.new_empty(n, 4, h, w, c).permute(0, 1, 4, 2, 3)
    return like.new_empty(n, c, 4, h, w).transpose(1, 2)


def as_regions(features: Tensor) -> Tensor:
    """(N, C, 2h, 2w) → (N, h, 2, w, 2, C), a view of channels-last memory."""
    return features.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).unflatten(1, (-1, 2))


def corner(features: Tensor, position: int) -> Tensor:
    """One corner of every 2×2 region of ``(..., 2h, 2w)``, a view ``(..., h, w)``."""
    return features[..., position // 2 :: 2, position % 2 :: 2]


def sum_corners(columns: Tensor) -> Tensor:
    """(n, 4, …) → (n, …). Three additions, since ``torch.sum`` over so short a dimension is slow in
    channels-last memory."""
    total = columns[:, 0] + columns[:, 1]
    return total.add_(columns[:, 2]).add_(columns[:, 3])


def weighted_sum(columns: Tensor, weights: Tensor, out: Tensor) -> Tensor:
    """Σ over corners of two (n, 4, …), without a product of that size."""
    torch.mul(columns[:, 0], weights[:, 0], out=out)
    for position in (1, 2, 3):
        out.addcmul_(columns[:, position], weights[:, position])
    return out


def to_columns(features: Tensor, out: Tensor) -> Tensor:
    """Space to depth: ``(n, c, 2h, 2w)`` into columns ``out``, (n, 4, c, h, w)."""
    if features.stride(3) != 1:
        for position in range(4):
            out[:, position].copy_(corner(features, position))
    else:
        split_pairs(features.unflatten(2, (-1, 2)), *_left_and_right(out))
    return out


def to_map(columns: Tensor, out: Tensor) -> None:
    """Depth to space: the inverse of :func:`to_columns`."""
    if out.stride(3) != 1:
        for position in range(4):
            corner(out, position).copy_(columns[:, position])
    else:
        join_pairs(*_left_and_right(columns), out.unflatten(2, (-1, 2)))


def _left_and_right(columns: Tensor) -> tuple[Tensor, Tensor]:
    """Columns (n, 4, c, h, w) as the left and the right corners of upper and lower rows.

    Shape: ``(n, c, h, 2, w)`` each, views.
    """
    n, _, c, h, w = columns.shape
    by_side = columns.view(n, 2, 2, c, h, w).permute(2, 0, 3, 4, 1, 5)  # (2, n, c, h, 2, w)
    return by_side[0], by_side[1]


def split_pairs(pairs: Tensor, left: Tensor, right: Tensor) -> None:
    """``(…, 2w)`` into its even and its odd numbers, ``(…, w)`` each.

    Copying every second number is slow. Two float32 side by side are one 64-bit integer, whose
    lower and upper half are had by operations that a processor does on many at once.
    """
    if pairs.dtype == torch.float32 and sys.byteorder == "little" and _aligned(pairs):
        words = pairs.view(torch.int64)
        left.view(torch.int32).copy_(words)  # drops the upper half
        right.view(torch.int32).copy_(words >> 32)
    else:
        left.copy_(pairs[..., 0::2])
        right.copy_(pairs[..., 1::2])


def join_pairs(left: Tensor, right: Tensor, out: Tensor) -> None:
    """The inverse of :func:`split_pairs`: real and imaginary parts lie as such pairs do."""
    if _aligned(out):
        torch.complex(left, right, out=torch.view_as_complex(out.unflatten(-1, (-1, 2))))
    else:
        out[..., 0::2].copy_(left)
        out[..., 1::2].copy_(right)


def _aligned(pairs: Tensor) -> bool:
    """Whether every pair of neighbours can be read as one number."""
    *others, last = pairs.stride()
    return last == 1 and not any(n % 2 for n in (pairs.storage_offset(), *others))
