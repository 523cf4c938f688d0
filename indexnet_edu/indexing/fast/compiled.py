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

from ..networks import OneToOneIndexBlock
from ..operators import IndexGuide, check_index
from .blocks import as_regions, is_channels_last

__all__ = ["applies", "pool_and_guide", "upsample"]


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
    regions = as_regions(x)
    decoder = torch.sigmoid(_logits(block, x, regions))
    encoder = decoder / temperature
    if temperature < 0.05:  # exp(1/T) could overflow
        encoder = encoder - encoder.amax((2, 4), keepdim=True)
    encoder = torch.exp(encoder)
    encoder = encoder / encoder.sum((2, 4), keepdim=True)
    y = (encoder * regions).sum((2, 4)).permute(0, 3, 1, 2)  # (N, h, w, C) → (N, C, h, w)
    return y, IndexGuide(_map(encoder), _map(decoder))


def upsample(d: Tensor, decoder: Tensor) -> Tensor:
    """Indexed upsampling of ``(N, C, h, w)``; ValueError if the index map does not fit."""
    check_index(d, decoder.shape, 2, "decoder")
    copies = d.permute(0, 2, 3, 1)[:, :, None, :, None]  # (N, h, 1, w, 1, C)
    return _map(as_regions(decoder) * copies)


def _map(regions: Tensor) -> Tensor:
    """The inverse of ``as_regions``."""
    return regions.flatten(1, 2).flatten(2, 3).permute(0, 3, 1, 2)


def _logits(block: nn.Module, x: Tensor, regions: Tensor) -> Tensor:
    """(N, h, 2, w, 2, 1 or C)"""
    layers: Any = block.layers
    shared = isinstance(block, OneToOneIndexBlock) and not isinstance(layers[0], nn.Conv2d)
    if not shared or len(layers) > 1:
        columns = block(x).unflatten(1, (2, 2))  # (N, 2, 2, 1 or C, h, w)
        return columns.permute(0, 4, 1, 5, 2, 3)
    # Every corner of a region is a weighted sum of all four: no convolution needed, and one loop
    # with the rest.
    weight = layers[0].weight.view(2, 2, 2, 2)  # logit's row and column, corner's row and column
    return sum(
        weight[:, :, i, j].view(1, 1, 2, 1, 2, 1) * regions[:, :, i : i + 1, :, j : j + 1]
        for i in (0, 1)
        for j in (0, 1)
    )
