"""Indexed pooling and indexed upsampling, and the normalisations that turn logits into indices.

Source: "Index Networks", Sec. 4 and Table 6. Everything here is a plain function of tensors.

Two layouts of the same numbers occur. An *index map* is ``(N, G, H, W)``: one index per pixel, with
``G = 1`` (holistic: all channels share it) or ``G = C`` (depthwise). *Columns* are
``(N, 4, G, H/2, W/2)``: the four indices of each 2×2 region, in the order top-left, top-right,
bottom-left, bottom-right. Index blocks predict columns, since each column is a convolution of its
own; a softmax over a region is then a softmax over dimension 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "NORMALISATIONS",
    "IndexGuide",
    "columns_to_map",
    "indexed_pool2d",
    "indexed_upsample2d",
    "map_to_columns",
    "normalise_index",
]


class IndexGuide(NamedTuple):
    """What an IndexNet hands from encoder to decoder: two index maps, ``(N, 1 or C, H, W)``.

    They are two because Table 6 normalises them differently; ``encoder`` guides indexed pooling,
    ``decoder`` indexed upsampling.
    """

    encoder: Tensor
    decoder: Tensor


def _register_for_export() -> None:
    # torch.export.save can only write a NamedTuple whose name it knows; the registry is per process
    # and refuses a second entry, which a module reloaded in a notebook would make.
    from torch.utils import _pytree as pytree

    if IndexGuide not in pytree.SUPPORTED_NODES:
        pytree._register_namedtuple(
            IndexGuide, serialized_type_name="indexnet_edu.indexing.IndexGuide"
        )


_register_for_export()


def columns_to_map(columns: Tensor) -> Tensor:
    """Interleaves columns ``(N, 4, G, h, w)`` into an index map ``(N, G, 2h, 2w)``.

    The same as stacking the columns channel by channel and applying ``pixel_shuffle`` (Fig. 6, 7).
    """
    if columns.ndim != 5 or columns.shape[1] != 4:
        raise ValueError(f"columns must be (N, 4, G, h, w), got {tuple(columns.shape)}")
    n, _, g, h, w = columns.shape
    grid = columns.unflatten(1, (2, 2))  # (N, 2, 2, G, h, w)
    return grid.permute(0, 3, 4, 1, 5, 2).reshape(n, g, 2 * h, 2 * w)


def map_to_columns(index_map: Tensor) -> Tensor:
    """The inverse of :func:`columns_to_map`: from ``(N, G, H, W)``, H and W even."""
    if index_map.ndim != 4 or index_map.shape[2] % 2 or index_map.shape[3] % 2:
        raise ValueError(f"an index map must be (N, G, even, even), got {tuple(index_map.shape)}")
    n, g, height, width = index_map.shape
    grid = index_map.reshape(n, g, height // 2, 2, width // 2, 2)
    return grid.permute(0, 3, 5, 1, 2, 4).reshape(n, 4, g, height // 2, width // 2)


def _sigmoid(logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    index = torch.sigmoid(logits)
    return index, index


def _softmax(logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    index = torch.softmax(logits / temperature, dim=1)
    return index, index


def _softmax_sigmoid(logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    decoder = torch.softmax(logits / temperature, dim=1)
    return torch.sigmoid(decoder), decoder


def _sigmoid_softmax(logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    decoder = torch.sigmoid(logits)
    return torch.softmax(decoder / temperature, dim=1), decoder


#: The four rows of Table 6: name of the encoder's normalisation → columns of (encoder, decoder).
NORMALISATIONS: dict[str, Callable[[Tensor, float], tuple[Tensor, Tensor]]] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "softmax+sigmoid": _softmax_sigmoid,
    "sigmoid+softmax": _sigmoid_softmax,
}


def check_normalisation(normalisation: str, temperature: float) -> None:
    """Raises what :func:`normalise_index` raises, before there are logits."""
    if normalisation not in NORMALISATIONS:
        raise ValueError(
            f"unknown normalisation {normalisation!r}; choose from {', '.join(NORMALISATIONS)}"
        )
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")


def normalise_index(
    logits: Tensor, normalisation: str = "sigmoid+softmax", temperature: float = 1.0
) -> IndexGuide:
    """Turns the logits of an index block into the two index maps (Sec. 4, Table 6).

    Args:
        logits: columns, ``(N, 4, G, h, w)``.
        normalisation: a row of Table 6, named after its encoder side. ``"sigmoid+softmax"`` is the
            paper's choice: the decoder gets ``sigmoid(logits)``, the encoder a softmax of *that*
            over each region. Softmax over values in (0, 1) keeps every encoder index within
            [1/(1+3e), e/(e+3)] ≈ [0.109, 0.475], which the paper does not mention.
        temperature: divides what enters the softmax; 1 is the paper's. Towards 0 the encoder's
            index becomes one-hot and the bound disappears (our extension).

    Returns:
        ``IndexGuide`` with maps ``(N, G, 2h, 2w)``.

    Raises:
        ValueError: unknown normalisation, or a temperature that is not above 0.
    """
    check_normalisation(normalisation, temperature)
    encoder, decoder = NORMALISATIONS[normalisation](logits, temperature)
    decoder_map = columns_to_map(decoder)
    encoder_map = decoder_map if encoder is decoder else columns_to_map(encoder)
    return IndexGuide(encoder_map, decoder_map)


def check_index(features: Tensor, index: Sequence[int], scale: int, name: str) -> None:
    """Raises ValueError if features are not (N, C, H, W), or an index map of shape ``index`` does
    not fit them."""
    if features.ndim != 4:
        raise ValueError(f"features must be (N, C, h, w), got {tuple(features.shape)}")
    n, channels, height, width = features.shape
    wanted = (n, height * scale, width * scale)
    if len(index) != 4 or wanted != (index[0], *index[2:]) or index[1] not in (1, channels):
        raise ValueError(
            f"{name} index must be ({n}, 1 or {channels}, {height * scale}, {width * scale}) "
            f"for features {tuple(features.shape)}, got {tuple(index)}"
        )


def indexed_pool2d(x: Tensor, encoder: Tensor, scale_factor: int = 2) -> Tensor:
    """Indexed pooling: the sum over each k×k region of index times activation (Sec. 4).

    Args:
        x: features, ``(N, C, H, W)``; H and W divisible by k = ``scale_factor``.
        encoder: index map, ``(N, 1 or C, H, W)``.

    Returns:
        ``(N, C, H/k, W/k)``. With a one-hot index this is max pooling, with 1/k² average pooling.
    """
    if x.ndim != 4 or x.shape[2] % scale_factor or x.shape[3] % scale_factor:
        raise ValueError(
            f"features must be (N, C, H, W) with H and W divisible by {scale_factor}, "
            f"got {tuple(x.shape)}"
        )
    check_index(x, encoder.shape, 1, "encoder")
    # Not `encoder * x`: the first factor decides the memory format, and x may be channels-last.
    return F.avg_pool2d(x * encoder, scale_factor) * scale_factor**2


def indexed_upsample2d(d: Tensor, decoder: Tensor, scale_factor: int = 2) -> Tensor:
    """Indexed upsampling: each value, copied to its k×k region, times the index there (Sec. 4).

    Args:
        d: features, ``(N, C, h, w)``.
        decoder: index map, ``(N, 1 or C, k·h, k·w)`` with k = ``scale_factor``.

    Returns:
        ``(N, C, k·h, k·w)``. With the one-hot index of the maxima this is max unpooling, with ones
        nearest interpolation.
    """
    check_index(d, decoder.shape, scale_factor, "decoder")
    return F.interpolate(d, scale_factor=scale_factor, mode="nearest") * decoder
