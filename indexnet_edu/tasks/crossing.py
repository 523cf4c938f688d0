"""What crosses from encoder to decoder in a trained network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..resampling import Guide

__all__ = ["crossing_map", "guides_of"]


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
