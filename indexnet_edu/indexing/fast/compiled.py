"""Indexed pooling and upsampling in the form of which ``torch.compile`` makes one loop each.

In channels-last memory a feature map is a view (N, h, 2, w, 2, C): the corners of a region are two
of its dimensions, and whatever is done in a region runs along the channels, which are neighbours.
In the other layout a corner is every second number; Inductor does not vectorise that, and the clear
code is as good.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..networks import OneToOneIndexBlock, SharedSliceConv2d
from ..operators import IndexGuide, check_index
from .corners import is_channels_last
from .dispatch import has_hooks
from .pooling import OVERFLOWS_BELOW

__all__ = ["applies", "pool_and_guide", "upsample"]

CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def applies(x: Tensor) -> bool:
    """Whether this is being compiled, on a CPU, for features that the form here is good for."""
    return (
        torch.compiler.is_compiling()
        and not torch.compiler.is_exporting()  # what is exported is what one reads
        and x.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and is_channels_last(x)
    )


def pool_and_guide(block: nn.Module, x: Tensor, temperature: float) -> tuple[Tensor, IndexGuide]:
    """Index block, the paper's normalisation and indexed pooling.

    Args:
        block: of :func:`~indexnet_edu.indexing.create_index_block`.
        x: features ``(N, C, H, W)``, H and W even.

    Returns:
        Pooled features ``(N, C, H/2, W/2)`` and the guide.
    """
    layers: Any = block.layers
    linear = isinstance(block, OneToOneIndexBlock) and len(layers) == 1
    regions = _as_regions(x)
    if linear and isinstance(layers[0], SharedSliceConv2d) and not has_hooks(block):
        weight = layers[0].weight.view(2, 2, 2, 2)  # (4, 1, 2, 2), its outputs corners too
        pooled, index = _LinearPool.apply(regions, weight, temperature)
        encoder = _encoder(index, temperature)
    else:
        columns = block(x).unflatten(1, (2, 2))  # (N, 2, 2, 1 or C, h, w)
        index = torch.sigmoid(columns.permute(0, 4, 1, 5, 2, 3))  # (N, h, 2, w, 2, 1 or C)
        encoder = _encoder(index, temperature)
        pooled = (encoder * regions).sum((2, 4))
    y = pooled.permute(0, 3, 1, 2)  # (N, h, w, C) → (N, C, h, w)
    return y, IndexGuide(_map(encoder), _map(index))


def upsample(d: Tensor, decoder: Tensor) -> Tensor:
    """Indexed upsampling of ``(N, C, h, w)``; ValueError if the index map does not fit."""
    check_index(d, decoder.shape, 2, "decoder")
    return _map(_as_regions(decoder) * _copies(d.permute(0, 2, 3, 1)))


def _as_regions(features: Tensor) -> Tensor:
    """(N, C, 2h, 2w) → (N, h, 2, w, 2, C), a view of channels-last memory."""
    return features.permute(0, 2, 3, 1).unflatten(2, (-1, 2)).unflatten(1, (-1, 2))


def _map(regions: Tensor) -> Tensor:
    """The inverse of ``_as_regions``."""
    return regions.flatten(1, 2).flatten(2, 3).permute(0, 3, 1, 2)


def _copies(small: Tensor) -> Tensor:
    """(N, h, w, C) → (N, h, 1, w, 1, C), a view that stands for every corner of a region."""
    return small[:, :, None, :, None]


def _encoder(index: Tensor, temperature: float) -> Tensor:
    """The softmax of (N, h, 2, w, 2, C) over each region."""
    weights = index / temperature
    if temperature < OVERFLOWS_BELOW:
        weights = weights - weights.amax((2, 4), keepdim=True)
    weights = torch.exp(weights)
    return weights / weights.sum((2, 4), keepdim=True)


class _LinearPool(torch.autograd.Function):
    """The linear shared O2O block and the pooling by it: regions (N, h, 2, w, 2, C), weight
    (2, 2, 2, 2), T → pooled (N, h, w, C), index (N, h, 2, w, 2, C).

    Every corner of a region is a weighted sum of all four: no convolution needed, and one loop with
    the rest. Left to itself, a compiler keeps more for the way back than features and index, and
    reading it costs more than computing it again; and what is returned may be overwritten.
    """

    @staticmethod
    def forward(
        ctx: Any, regions: Tensor, weight: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor]:
        logits: Any = sum(
            _of_region(weight[:, :, i, j]) * regions[:, :, i : i + 1, :, j : j + 1]
            for i, j in CORNERS
        )
        index = torch.sigmoid(logits)
        ctx.save_for_backward(regions, weight, index)
        ctx.temperature = temperature
        return (_encoder(index, temperature) * regions).sum((2, 4)), index

    @staticmethod
    def backward(ctx: Any, g_pooled: Tensor, g_index: Tensor) -> tuple[Any, ...]:
        regions, weight, index = ctx.saved_tensors
        encoder = _encoder(index, ctx.temperature)
        weights = encoder * _copies(g_pooled)
        mean = (weights * regions).sum((2, 4), keepdim=True)
        slope = (weights * regions - encoder * mean) / ctx.temperature
        g_logits = (slope + g_index) * index * (1 - index)
        through = sum(
            _of_region(weight[a, b]) * g_logits[:, :, a : a + 1, :, b : b + 1] for a, b in CORNERS
        )
        products = [
            (g_logits[:, :, a, :, b] * regions[:, :, i, :, j]).sum()
            for a, b in CORNERS
            for i, j in CORNERS
        ]
        return weights + through, torch.stack(products).view(2, 2, 2, 2), None


def _of_region(weight: Tensor) -> Tensor:
    """One weight for each corner of a region, (2, 2) → (1, 1, 2, 1, 2, 1)."""
    return weight.view(1, 1, 2, 1, 2, 1)
