"""The path beside the bottleneck: a network's shapes, what crosses, and what that tells."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..resampling import Guide

__all__ = ["TracedLayer", "crossing_map", "guides_of", "numbers_beside", "read_off", "trace"]


def crossing_map(guide: Guide) -> Tensor | None:
    """What of a guide reaches the decoder, as a map ``(N, G, H, W)``; None if it is blind.

    Of an IndexNet's guide the decoder's index map; of max pooling's the maxima marked by ones.
    """
    if guide is None:
        return None
    if isinstance(guide, Tensor):
        return F.max_unpool2d(torch.ones_like(guide, dtype=torch.float32), guide, [2, 2])
    return guide.decoder


@torch.no_grad()
def guides_of(model: nn.Module, images: Tensor) -> list[Guide]:
    """The guides that an encoder hands over for a batch, first stage first.

    Args:
        model: a task's network, whose ``down`` is the downsampling of all stages.
    """
    guides: list[Guide] = []
    down: nn.Module = model.down  # type: ignore[assignment]
    hook = down.register_forward_hook(lambda _, __, output: guides.append(output[1]))
    try:
        model(images)
    finally:
        hook.remove()
    return guides


@dataclass(frozen=True)
class TracedLayer:
    """Layers as the paper writes them, ``C(32)``, ``D`` or ``U``, and what they put out.

    Attributes:
        name: ``2 C(64)`` for two convolutions in a row, 64 channels from the last.
        shape: (channels, height, width) of one image's features.
        guide: (channels, height, width) of what a D hands to its U, None where nothing crosses.
    """

    name: str
    shape: tuple[int, ...]
    guide: tuple[int, ...] | None = None

    def __str__(self) -> str:
        shape = " × ".join(map(str, self.shape))
        crosses = f"   hands over {' × '.join(map(str, self.guide))}" if self.guide else ""
        return f"{self.name:8} {shape:>14}{crosses}"


@torch.no_grad()
def trace(model: nn.Module, image: Tensor) -> list[TracedLayer]:
    """The layers that one image ``(1, 1, H, W)`` passes, in order.

    Args:
        model: a task's encoder–decoder, in the words that all of them use: ``encoder``, ``down``,
            ``bottleneck``, ``ups``, ``decoder``, ``head``.
    """
    layers = [TracedLayer("input", tuple(image.shape[1:]))]
    net: Any = model

    def note(module: nn.Module, _: Any, output: Any) -> None:
        y, guide = output if module is net.down else (output, None)
        crosses = crossing_map(guide)
        count = sum(isinstance(part, nn.Conv2d) for part in module.modules())
        name = f"C({y.shape[1]})" if count == 1 else f"{count} C({y.shape[1]})"
        if module is net.down or module in set(net.ups):
            name = "D" if module is net.down else "U"
        # A map of one number a region and channel counts as such: positions of maxima.
        shape = guide if isinstance(guide, Tensor) else crosses
        layers.append(
            TracedLayer(name, tuple(y.shape[1:]), None if shape is None else tuple(shape.shape[1:]))
        )

    parts = [*net.encoder, net.down, net.bottleneck, *net.decoder, *net.ups, net.head]
    hooks = [part.register_forward_hook(note) for part in parts]
    try:
        model.eval()(image)
    finally:
        for hook in hooks:
            hook.remove()
    return layers


def numbers_beside(layers: Iterable[TracedLayer]) -> int:
    """How many numbers of one image the guides of a trace hold, positions of maxima included."""
    return sum(math.prod(layer.guide) for layer in layers if layer.guide)


@torch.no_grad()
def read_off(model: nn.Module, images: Tensor, target: Tensor | None = None) -> float:
    """How much of the images a weighted sum of the first stage's guide gives back: R², at most 1.

    One weight for each channel and a constant, fitted by least squares to all pixels of all
    images: no neighbours, no bottleneck. 0 means as good as their mean grey, 1 the very images;
    a blind network has nothing to fit and gives 0. Our measure, not the paper's.

    Args:
        images: ``(N, 1, H, W)``; many, so that a few weights cannot learn them by heart.
        target: what is looked for in the guide, of the same shape; None for the images themselves.
    """
    guide = crossing_map(guides_of(model, images)[0])
    if guide is None:
        return 0.0
    channels = guide.flatten(2).transpose(1, 2).flatten(0, 1).double()  # (N, G, H, W) → (N·H·W, G)
    inputs = torch.cat([channels, torch.ones_like(channels[:, :1])], dim=1)
    wanted = (images if target is None else target).flatten().double()  # (N·H·W,)
    # "gelsd" stands constant channels (a dead map), which the default does not.
    weights = torch.linalg.lstsq(inputs, wanted[:, None], driver="gelsd").solution
    rest = wanted - (inputs @ weights)[:, 0]
    return float(1 - rest.var() / wanted.var())
