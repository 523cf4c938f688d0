"""What matting learns from: alpha, and the picture that it composes (Xu et al., CVPR 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...engine import Batch, Mean

__all__ = ["EPSILON", "batch_loss", "matting_loss"]

#: Under the root, so that it has a slope everywhere; a perfect alpha still costs 2e-6 a pixel.
EPSILON = 1e-12


def _root(difference: Tensor) -> Tensor:
    return torch.sqrt(difference**2 + EPSILON)


def matting_loss(
    pred: Tensor,
    alpha: Tensor,
    unknown: Tensor,
    image: Tensor,
    foreground: Tensor,
    background: Tensor,
) -> tuple[Tensor, Tensor]:
    """Half the alpha prediction loss and half the composition loss, on unknown pixels (Sec. 6.1.1).

    √(d² + 1e-12) of the difference in alpha, and of the difference between the picture that the
    predicted alpha composes and the true one, of which the three channels are added. Known pixels
    count nowhere. At the truth every unknown pixel costs ½·1e-6 + ½·3e-6 = 2e-6.

    Args:
        pred, alpha: predicted and true, ``(N, 1, H, W)`` in [0, 1]; pred may leave it.
        unknown: ``(N, 1, H, W)`` bool.
        image, foreground, background: ``(N, 3, H, W)`` RGB in [0, 1], not standardised.

    Returns:
        The total, a scalar with a gradient, and how many unknown pixels it sums. The loss of a
        batch is total / count, also of one that several processes share: all add both first. Where
        nothing is unknown both are 0. Float32 at least: a half has no 1e-12.
    """
    pred = pred.float()
    composed = pred * foreground + (1 - pred) * background
    each = 0.5 * _root(pred - alpha) + 0.5 * _root(composed - image).sum(dim=1, keepdim=True)
    return torch.where(unknown, each, 0).sum(), unknown.sum()


def batch_loss(output: Tensor, batch: Batch) -> Mean:
    """:func:`matting_loss` of a batch of compositions."""
    assert batch.valid is not None
    parts = (batch.more[name] for name in ("image", "foreground", "background"))
    return Mean(*matting_loss(output, batch.target, batch.valid, *parts))
