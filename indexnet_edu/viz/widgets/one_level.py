"""A pair by itself: one halving of a grey picture and back, nothing in front and nothing behind.

Pairs without weights are all there is to know about them. Those with weights carry trained ones in
``data/weights/microscope``, made by :mod:`indexnet_edu.lessons.fit_microscope`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UserError
from ...indexing import FAMILIES
from ...records.weights import load_set, weight_set
from ...resampling import Resampler, create_resampler, list_resamplers
from ...resampling.indexed import IndexedPooling

__all__ = ["LEARNED", "PAIRS", "WEIGHT_SET", "OneLevel", "one_level", "training_record"]

#: The name of the set of trained pairs.
WEIGHT_SET = "microscope"
# On one channel M2O and the three O2O families are one and the same network; HIN is smaller.
_INDEXNETS = ("holistic", "m2o")
#: All pairs of Table 2 and its kin; the IndexNets by their families.
PAIRS = (*(name for name in list_resamplers() if name != "indexnet"), *_INDEXNETS)


def resampler_of(name: str) -> Resampler:
    """A name of ``PAIRS`` as a resampler.

    Raises:
        ValueError: another name.
    """
    if name not in PAIRS:
        raise ValueError(f"there is no pair {name!r}; choose from {', '.join(PAIRS)}")
    return create_resampler("indexnet", family=name) if name in FAMILIES else create_resampler(name)


class OneLevel(nn.Module):
    """Down and up on one channel. Shape: ``(N, 1, H, W)`` → the same, not clipped."""

    def __init__(self, name: str) -> None:
        super().__init__()
        resampler = resampler_of(name)
        self.guided = resampler.pair.guided
        self.down = resampler.downsampling([1])
        self.up = resampler.upsampling(self.down.out_channels[0], self.down.guide_channels[0])

    def forward(self, x: Tensor) -> Tensor:
        small, guide = self.down(x)
        y: Tensor = self.up(small, guide, output_size=x.shape[-2:])
        return y

    def count_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def sends_indices(self) -> bool:
        """Whether index maps cross that a network has made."""
        return self.guided and isinstance(self.down, IndexedPooling)

    def crossing(self) -> str:
        """What the way up gets for each 2×2 region, in words."""
        values = self.down.out_channels[0]
        small = "1 value" if values == 1 else f"{values} values"
        if not self.guided:
            return small
        return f"{small} and {'4 indices' if self.sends_indices else 'its place'}"


with torch.device("meta"):  # to be counted, not computed with
    LEARNED = tuple(name for name in PAIRS if OneLevel(name).count_weights())


@cache
def _trained() -> tuple[dict[str, Tensor], dict[str, Any]]:
    folder = weight_set(WEIGHT_SET)
    if folder is None:
        raise UserError(f"there are no weights {WEIGHT_SET}: choose pairs that have no weights")
    return load_set(folder)


def training_record() -> dict[str, Any]:
    """How the pairs with weights were trained, and the PSNR of all pairs on other photographs."""
    return _trained()[1]


@cache
def one_level(name: str) -> OneLevel:
    """A pair of ``PAIRS`` as the course carries it, in evaluation mode.

    Raises:
        ValueError: an unknown name.
        UserError: its weights are missing or damaged.
    """
    with torch.random.fork_rng(devices=[]):  # looking at a picture changes no experiment
        pair = OneLevel(name)
    if name in LEARNED:
        tensors, _ = _trained()
        own = {k: v for k, v in tensors.items() if k.startswith(f"{name}.")}
        pair.load_state_dict({key.removeprefix(f"{name}."): value for key, value in own.items()})
    return pair.eval()
