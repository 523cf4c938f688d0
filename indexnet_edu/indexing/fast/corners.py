"""The four corners of 2×2 regions: taken from a map, weighted, and put back, in either layout of
memory.

Columns are (n, 4, c, h, w), an index (n, 4, 1 or c, h, w), maps (n, c, 2h, 2w), small ones
(n, c, h, w). In channels-last memory a corner is a view whose channels are neighbours, and is used
where it lies. Else it is every second number of a row, which is slow; then maps are split into
columns and joined again.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor

__all__ = [
    "corners_of",
    "empty_features",
    "gather",
    "is_channels_last",
    "products",
    "spread",
    "to_columns",
    "to_map",
]


def is_channels_last(x: Tensor) -> bool:
    """Whether the channels of ``(N, C, H, W)`` lie next to each other in memory."""
    return x.shape[1] > 1 and x.stride(1) == 1


def empty_features(like: Tensor, shape: tuple[int, ...], channels_last: bool) -> Tensor:
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, memory_format=memory_format)


def corners_of(features: Tensor) -> tuple[Tensor, ...]:
    """The corners of a map, (n, c, h, w) each: views in channels-last memory, else copies."""
    if is_channels_last(features):
        return tuple(_corner(features, position) for position in range(4))
    n, c, height, width = features.shape
    columns = features.new_empty(n, 4, c, height // 2, width // 2)
    return to_columns(features, columns).unbind(1)


def gather(corners: tuple[Tensor, ...], index: Tensor, out: Tensor) -> Tensor:
    """Indexed pooling: Σ over corners of index times corner, into a small map."""
    first, *others = zip(corners, index.unbind(1), strict=True)
    torch.mul(*first, out=out)
    for corner, weight in others:
        out.addcmul_(corner, weight)
    return out


def spread(index: Tensor, small: Tensor, out: Tensor) -> None:
    """Indexed upsampling: every value times the index of its region's corners, into a map."""
    if is_channels_last(out):
        for position in range(4):
            torch.mul(small, index[:, position], out=_corner(out, position))
    else:
        to_map(index * small.unsqueeze(1), out)


def products(corners: tuple[Tensor, ...], small: Tensor, out: Tensor) -> Tensor:
    """Corners times a small map, into columns like an index: summed over channels for (n, 4, 1, …).

    The gradient to the index, of pooling and of upsampling alike.
    """
    for corner, target in zip(corners, out.unbind(1), strict=True):
        if target.shape[1] == small.shape[1]:
            torch.mul(corner, small, out=target)
        else:
            torch.sum(corner * small, 1, keepdim=True, out=target)
    return out


def to_columns(features: Tensor, out: Tensor) -> Tensor:
    """Space to depth: a map into columns."""
    if features.stride(3) != 1:
        for position in range(4):
            out[:, position].copy_(_corner(features, position))
    else:
        _split_pairs(features.unflatten(2, (-1, 2)), *_left_and_right(out))
    return out


def to_map(columns: Tensor, out: Tensor) -> None:
    """Depth to space: the inverse of :func:`to_columns`."""
    if out.stride(3) != 1:
        for position in range(4):
            _corner(out, position).copy_(columns[:, position])
    else:
        _join_pairs(*_left_and_right(columns), out.unflatten(2, (-1, 2)))


def _corner(features: Tensor, position: int) -> Tensor:
    """One corner of every region of (…, 2h, 2w), a view (…, h, w)."""
    return features[..., position // 2 :: 2, position % 2 :: 2]


def _left_and_right(columns: Tensor) -> tuple[Tensor, Tensor]:
    """Columns as the left and the right corners of upper and lower rows, (n, c, h, 2, w) each,
    views."""
    n, _, c, h, w = columns.shape
    by_side = columns.view(n, 2, 2, c, h, w).permute(2, 0, 3, 4, 1, 5)  # (2, n, c, h, 2, w)
    return by_side[0], by_side[1]


def _split_pairs(pairs: Tensor, left: Tensor, right: Tensor) -> None:
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


def _join_pairs(left: Tensor, right: Tensor, out: Tensor) -> None:
    """The inverse of :func:`_split_pairs`: real and imaginary parts lie as such pairs do."""
    if _aligned(out):
        torch.complex(left, right, out=torch.view_as_complex(out.unflatten(-1, (-1, 2))))
    else:
        out[..., 0::2].copy_(left)
        out[..., 1::2].copy_(right)


def _aligned(pairs: Tensor) -> bool:
    """Whether every pair of neighbours can be read as one number."""
    *others, last = pairs.stride()
    return last == 1 and not any(n % 2 for n in (pairs.storage_offset(), *others))
