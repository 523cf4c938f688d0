"""Cutting feature maps into blocks that fit a core's cache, and 2×2 regions into their corners.

A chain of full-size operations moves every intermediate result to memory and back. Done block by
block, in scratch of a few hundred kilobytes, only what comes in and what goes out is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = [
    "Block",
    "blocks",
    "corner",
    "cuts",
    "empty_columns",
    "empty_features",
    "empty_rows",
    "from_rows",
    "is_channels_last",
    "rows_to_map",
    "to_columns",
    "to_map",
    "to_rows",
]

#: Elements of the full-size map in one block, half a megabyte of float32: large enough to hide what
#: a call costs, small enough that a handful of such tensors stays in a second-level cache.
BLOCK = 2**17


class Block(NamedTuple):
    """A part of a feature map and its columns: images, channels, and rows of the small size."""

    images: slice
    channels: slice
    rows: slice

    def of(self, columns: Tensor) -> Tensor:
        """The part of ``(N, 4, G, h, w)``; the one channel of a holistic index is in every part."""
        channels = self.channels if columns.shape[2] > 1 else slice(None)
        return columns[self.images, :, channels, self.rows]

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


def corner(features: Tensor, position: int) -> Tensor:
    """One corner of every 2×2 region of ``(..., 2h, 2w)``, a view ``(..., h, w)``."""
    return features[..., position // 2 :: 2, position % 2 :: 2]


def to_columns(features: Tensor, out: Tensor) -> Tensor:
    """Space to depth: ``(n, c, 2h, 2w)`` into columns ``out``, (n, 4, c, h, w)."""
    if features.stride(3) != 1:
        for position in range(4):
            out[:, position].copy_(corner(features, position))
        return out
    # Copying every second number is slow. Shuffling the "channels" of every row sorts its even
    # numbers before its odd ones, and is vectorised.
    n, c, height, width = features.shape
    rows = features.reshape(1, -1, 1, width).permute(0, 3, 1, 2)
    halves = torch.channel_shuffle(rows, width // 2).permute(0, 2, 3, 1)
    corners = halves.reshape(n, c, height // 2, 2, 2, width // 2).permute(0, 3, 4, 1, 2, 5)
    out.unflatten(1, (2, 2)).copy_(corners)
    return out


def empty_rows(like: Tensor) -> Tensor:
    """Columns (n, 4, c, h, w) for small features, in the order that :func:`rows_to_map` takes."""
    n, c, h, w = like.shape
    return like.new_empty(n, c, h, 4, w).permute(0, 3, 1, 2, 4)


def rows_to_map(columns: Tensor, out: Tensor) -> None:
    """:func:`to_map` for columns of :func:`empty_rows`: the inverse shuffle of every row."""
    n, _, c, h, w = columns.shape
    halves = columns.permute(0, 2, 3, 1, 4).reshape(1, -1, 1, 2 * w).permute(0, 3, 1, 2)
    rows = torch.channel_shuffle(halves, 2).permute(0, 2, 3, 1)
    out.copy_(rows.reshape(n, c, 2 * h, 2 * w))


def to_map(columns: Tensor, out: Tensor) -> None:
    """Depth to space: the inverse of :func:`to_columns`."""
    for position in range(4):
        corner(out, position).copy_(columns[:, position])


def to_rows(features: Tensor) -> Tensor:
    """Space to depth of (1, c, 2r, 2w) in the order (r, c·4, w): a matrix for each row of regions.

    The corners of a channel follow each other, as in a weight (outputs, c, 2, 2).
    """
    _, c, height, width = features.shape
    by_region = features[0].unflatten(1, (-1, 2)).transpose(0, 1)  # (r, c, 2, 2w)
    rows = by_region.reshape(1, -1, 1, width).permute(0, 3, 1, 2)
    halves = torch.channel_shuffle(rows, width // 2).permute(0, 2, 3, 1)
    return halves.reshape(height // 2, 4 * c, width // 2)


def from_rows(rows: Tensor, out: Tensor) -> None:
    """The inverse of :func:`to_rows`."""
    w = rows.shape[2]
    halves = rows.reshape(1, -1, 1, 2 * w).permute(0, 3, 1, 2)
    whole = torch.channel_shuffle(halves, 2).permute(0, 2, 3, 1)
    by_region = whole.reshape(len(rows), -1, 2, 2 * w)
    out[0].unflatten(1, (-1, 2)).copy_(by_region.transpose(0, 1))
