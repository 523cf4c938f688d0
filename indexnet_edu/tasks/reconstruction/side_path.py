"""The path beside the bottleneck: the network's shapes, what crosses, and what that tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..crossing import crossing_map, guides_of
from .model import ReconstructionNet

__all__ = ["Layer", "read_off", "trace"]


@dataclass(frozen=True)
class Layer:
    """A layer as the paper writes it, ``C(32)``, ``D`` or ``U``, and what it puts out.

    Attributes:
        shape: (channels, height, width) of one image's features.
        guide: (channels, height, width) of what a D hands to its U, None where nothing crosses.
    """

    name: str
    shape: tuple[int, ...]
    guide: tuple[int, ...] | None = None

    def __str__(self) -> str:
        shape = " × ".join(map(str, self.shape))
        crosses = f"   hands over {' × '.join(map(str, self.guide))}" if self.guide else ""
        return f"{self.name:7}{shape:>14}{crosses}"


@torch.no_grad()
def trace(model: ReconstructionNet, image: Tensor) -> list[Layer]:
    """The layers that one image ``(1, 1, H, W)`` passes, in order."""
    layers = [Layer("input", tuple(image.shape[1:]))]

    def note(module: nn.Module, _: Any, output: Any) -> None:
        y, guide = output if module is model.down else (output, None)
        crosses = crossing_map(guide)
        is_up = any(module is up for up in model.ups)
        name = "D" if module is model.down else "U" if is_up else f"C({y.shape[1]})"
        # A map of one number a region and channel counts as such: positions of maxima.
        shape = guide if isinstance(guide, Tensor) else crosses
        layers.append(
            Layer(name, tuple(y.shape[1:]), None if shape is None else tuple(shape.shape[1:]))
        )

    parts = [*model.encoder, model.down, model.bottleneck, *model.decoder, *model.ups, model.head]
    hooks = [part.register_forward_hook(note) for part in parts]
    try:
        model.eval()(image)
    finally:
        for hook in hooks:
            hook.remove()
    return layers


@torch.no_grad()
def read_off(model: ReconstructionNet, images: Tensor) -> float:
    """How much of the images a weighted sum of the first stage's guide gives back: R², at most 1.

    One weight for each channel and a constant, fitted by least squares to all pixels of all
    images: no neighbours, no bottleneck. 0 means as good as their mean grey, 1 the very images;
    a blind network has nothing to fit and gives 0. Our measure, not the paper's.

    Args:
        images: ``(N, 1, H, W)``; many, so that a few weights cannot learn them by heart.
    """
    guide = crossing_map(guides_of(model, images)[0])
    if guide is None:
        return 0.0
    channels = guide.flatten(2).transpose(1, 2).flatten(0, 1).double()  # (N, G, H, W) → (N·H·W, G)
    inputs = torch.cat([channels, torch.ones_like(channels[:, :1])], dim=1)
    target = images.flatten().double()  # (N·H·W,)
    # "gelsd" stands constant channels (a dead map), which the default does not.
    weights = torch.linalg.lstsq(inputs, target[:, None], driver="gelsd").solution
    rest = target - (inputs @ weights)[:, 0]
    return float(1 - rest.var() / target.var())
