"""Index blocks that learn to imitate a rule of pooling (Sec. 4.2: "a linear function even cannot
approximate the max function").

An unshared O2O block gives each channel weights of its own, the loss is a sum over channels, and
Adam works on each number by itself. So one training of a block with n channels is n independent
trainings, and their spread comes free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..indexing import (
    create_index_block,
    indexed_pool2d,
    map_to_columns,
    normalise_index,
)

__all__ = ["RULES", "STEPS", "Imitation", "agreement", "imitate", "variance_explained", "winners"]

#: name → scores of the four values of a region; the largest score is to be picked.
RULES: dict[str, Callable[[Tensor], Tensor]] = {
    "maximum": lambda columns: columns,
    "largest magnitude": torch.abs,
}
#: Steps of training by profile.
STEPS: Mapping[str, int] = {"smoke": 40, "cpu": 400, "gpu": 2000}

_BATCH, _SIDE = 4, 16


@dataclass(frozen=True)
class Imitation:
    """One training: the block, and per channel (each a training of its own) how it went.

    Attributes:
        block: maps ``(N, n, H, W)`` to logits.
        agreement: (n,), the share of fresh regions in which the block's largest logit is where the
            rule says.
        error: (n,), RMSE of the pooled values against the rule's; of the index values themselves
            where there was no normalisation.
        curve: rows of ``step`` and ``loss`` (mean over the channels).
    """

    block: nn.Module
    agreement: Tensor
    error: Tensor
    curve: list[dict[str, Any]] = field(repr=False)


def winners(x: Tensor, rule: str) -> Tensor:
    """The index that a rule wants: 1 at its choice in every region, else 0.

    Args:
        x: features ``(N, C, H, W)``, H and W even.
        rule: a name in ``RULES``.

    Returns:
        Columns ``(N, 4, C, H/2, W/2)``.
    """
    scores = RULES[rule](map_to_columns(x))
    return torch.zeros_like(scores).scatter(1, scores.argmax(1, keepdim=True), 1.0)


def agreement(block: nn.Module, x: Tensor, rule: str) -> Tensor:
    """Per channel, (C,): in which share of the regions of x is the largest logit the rule's?"""
    with torch.no_grad():
        same = block(x).argmax(1) == winners(x, rule).argmax(1)  # (N, C, h, w)
    return same.double().mean((0, 2, 3))


def _loss(block: nn.Module, x: Tensor, rule: str, normalisation: str | None) -> Tensor:
    """Mean squared error per channel, (C,)."""
    wanted, logits = winners(x, rule), block(x)
    if normalisation is None:
        return (logits - wanted).square().mean((0, 1, 3, 4))
    pooled = indexed_pool2d(x, normalise_index(logits, normalisation).encoder)
    target = (wanted * map_to_columns(x)).sum(1)
    return (pooled - target).square().mean((0, 2, 3))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tensors as small as these are computed faster by one thread, many times so on a busy
    machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@_one_thread()
def imitate(
    rule: str,
    mode: str,
    normalisation: str | None = "softmax",
    *,
    expansion: int = 2,
    steps: int = 400,
    seed: int = 0,
    trainings: int = 16,
) -> Imitation:
    """Trains index blocks on normally distributed features until they pool as the rule does.

    Args:
        rule: a name in ``RULES``.
        mode: of the block: linear or nonlinear.
        normalisation: of the encoder's index; the loss is on pooled values. None: the loss is on
            the bare logits, which are to be the rule's 0s and 1s themselves.
        expansion: hidden units per column and channel (the paper has 2).
        steps: of Adam at 0.03, falling as a cosine; each sees 256 new regions a channel.
        seed: of weights and features.
        trainings: how many, side by side.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        block = create_index_block(trainings, "o2o_unshared_stagewise", mode, expansion)
    optimiser = torch.optim.Adam(block.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    curve = []
    for step in range(steps):
        x = torch.randn(_BATCH, trainings, _SIDE, _SIDE, generator=generator)
        losses = _loss(block, x, rule, normalisation)
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
        schedule.step()
        curve.append({"step": step, "loss": losses.detach().mean().item()})
    block.eval()
    fresh = torch.randn(64, trainings, _SIDE, _SIDE, generator=generator)
    with torch.no_grad():
        error = _loss(block, fresh, rule, normalisation).sqrt()
    return Imitation(block, agreement(block, fresh, rule), error, curve)


def variance_explained(error: Tensor) -> Tensor:
    """R² of bare logits against a rule's 0s and 1s, from their RMSE: 0 is no better than 1/4
    everywhere, 1 is the very index."""
    return 1 - error.square() / (1 / 4 * 3 / 4)
