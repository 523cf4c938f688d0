"""Cutting feature maps into blocks that fit the caches.

A chain of full-size operations moves every intermediate result to memory and back. Done block by
block, in scratch of a few megabytes, only what comes in and what goes out is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

__all__ = ["Block", "blocks", "cuts"]

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
        """The part of ``(N, 4, C, h, w)``, or of ``(N, 4, 1, h, w)`` for all channels."""
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


def blocks(small: Tensor, all_channels: bool) -> Iterator[Block]:
    """Cuts pooled features (n, c, h, w) into blocks of about ``BLOCK`` numbers, along memory: whole
    images, or channels of one (unless a block must hold all of them), or rows."""
    n, c, h, w = small.shape
    images = cuts(n, BLOCK // (4 * c * h * w))
    channels = cuts(c, c if all_channels else BLOCK // (4 * h * w))
    rows = cuts(h, BLOCK // (4 * w * channels[0].stop))
    for image in images:
        for channel in channels:
            for row in rows:
                yield Block(image, channel, row)
