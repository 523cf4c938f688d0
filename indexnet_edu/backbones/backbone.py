"""What every encoder has: its features, the pair that halves them, and frozen normalisation."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ..resampling import Downsampling, Guide

__all__ = ["Backbone", "Encoded"]


class Encoded(NamedTuple):
    """What an encoder found.

    Attributes:
        deepest: the last feature, from which a decoder starts.
        features: ``(N, C, H, W)`` of each group of layers, before any downsampling, first to last.
        guides: of each downsampling, first to last; empty where the encoder has its own strides.
    """

    deepest: Tensor
    features: list[Tensor]
    guides: list[Guide]


class Backbone(nn.Module):
    """An encoder of a fixed layout whose parameters have their public names.

    ``down`` is an argument of ``forward`` and not a part of it: the model registers it, so that the
    names stay those of the public weights and a learning rate for ``encoder.`` leaves the index
    blocks out.

    Attributes:
        norm_frozen: whether batch normalisation keeps the statistics that it has, in training too.
            Scale and shift are learned all the same. Only pretrained statistics are worth keeping:
            a network that begins at random stays without any.
        unused: beginnings of names in the public weights that this encoder has no layers for.
    """

    unused: tuple[str, ...] = ()

    def __init__(self, *, norm_frozen: bool = False) -> None:
        super().__init__()
        self.norm_frozen = norm_frozen

    def train(self, mode: bool = True) -> Backbone:
        super().train(mode)
        if self.norm_frozen:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(self, x: Tensor, down: Downsampling | None = None) -> Encoded:
        raise NotImplementedError
