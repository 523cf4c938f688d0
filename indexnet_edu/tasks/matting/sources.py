"""What trainings and tests ask for examples: by a number and a seed, and by nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ...engine import ALL, Batch
from ...images import to_colour
from .alphamatting import Photograph
from .compose import CROP_SCALES, Picture, cropped_example, network_input, whole_example
from .foregrounds import KINDS, SIZE, Foreground, draw_foreground
from .trimap import LARGEST_DILATION, UNKNOWN

__all__ = [
    "BACKGROUNDS_TEST",
    "BACKGROUNDS_TRAIN",
    "CroppedCompositions",
    "MeasuredPhotographs",
    "WholeCompositions",
    "drawn_foregrounds",
    "embedded_backgrounds",
]

#: Names in ``skimage.data``: photographs that travel in its wheel, none in both.
BACKGROUNDS_TRAIN = ("brick", "chelsea", "coffee", "grass", "gravel", "hubble_deep_field")
BACKGROUNDS_TEST = ("astronaut", "rocket")

_FIRST_TEST = 1000  # drawings from this number on are for tests


def drawn_foregrounds(part: str, per_kind: int, size: int = SIZE) -> list[Foreground]:
    """So many drawings of each kind, kinds in turn; those for ``"test"`` are no ``"train"`` ones.

    Args:
        size: pixels a side.

    Raises:
        ValueError: more than there are numbers for training.
    """
    if part not in ("train", "test") or not 0 < per_kind <= _FIRST_TEST:
        raise ValueError(f"part is train or test, per_kind 1 to {_FIRST_TEST}: {part}, {per_kind}")
    first = _FIRST_TEST if part == "test" else 0
    return [draw_foreground(kind, first + n, size) for n in range(per_kind) for kind in KINDS]


def embedded_backgrounds(part: str) -> dict[str, Picture]:
    """scikit-image's photographs by name, grey ones with three equal channels."""
    import skimage.data

    names = BACKGROUNDS_TRAIN if part == "train" else BACKGROUNDS_TEST
    found = {name: getattr(skimage.data, name)() for name in names}
    return {name: to_colour(picture) for name, picture in found.items()}


class _Split:
    """The engine's split of what gives examples one by one; pictures stay where they are read."""

    def example(self, index: int, seed: int) -> dict[str, Tensor]:
        raise NotImplementedError

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        """A share of the examples, which must be of one size.

        Returns:
            The target is alpha, valid are the unknown pixels, ``more`` has the pictures.
        """
        examples = [self.example(index, seed) for index in indices[share].tolist()]
        found = {key: torch.stack([example[key] for example in examples]) for key in examples[0]}
        return Batch(found.pop("x"), found.pop("alpha"), found.pop("unknown"), found)

    def to(self, device: torch.device) -> Self:
        """Itself: batches are moved when they are made."""
        return self


@dataclass(frozen=True)
class CroppedCompositions(_Split):
    """Crops to train on; a foreground meets ``per_foreground`` random backgrounds in an epoch.

    Attributes:
        crop, scales, largest_dilation: see :func:`~.compose.cropped_example`.
        per_foreground: 100 in the paper, which makes 43,100 examples of 431 foregrounds.
    """

    foregrounds: Sequence[Foreground]
    backgrounds: Sequence[Picture]
    crop: int
    per_foreground: int = 100
    scales: tuple[float, ...] = CROP_SCALES
    largest_dilation: int = LARGEST_DILATION

    def __len__(self) -> int:
        return self.per_foreground * len(self.foregrounds)

    def example(self, index: int, seed: int) -> dict[str, Tensor]:
        """See :func:`~.compose.example_of`; all chance comes from seed and index."""
        rng = np.random.default_rng([seed, index])
        return cropped_example(
            self.foregrounds[index % len(self.foregrounds)],
            self.backgrounds[int(rng.integers(len(self.backgrounds)))],
            self.crop,
            rng,
            scales=self.scales,
            largest_dilation=self.largest_dilation,
        )


@dataclass(frozen=True)
class WholeCompositions(_Split):
    """Whole foregrounds to be tested on, each before ``per_foreground`` backgrounds; no chance.

    Backgrounds are taken in turn, so that foregrounds that follow each other get others.

    Attributes:
        dilation: of all trimaps, in pixels.
    """

    foregrounds: Sequence[Foreground]
    backgrounds: Sequence[Picture]
    per_foreground: int = 1
    dilation: int = 10

    def __len__(self) -> int:
        return self.per_foreground * len(self.foregrounds)

    def example(self, index: int, seed: int = 0) -> dict[str, Tensor]:
        """See :func:`~.compose.example_of`."""
        foreground = self.foregrounds[index // self.per_foreground]
        background = self.backgrounds[index % len(self.backgrounds)]
        return whole_example(foreground, background, self.dilation)


@dataclass(frozen=True)
class MeasuredPhotographs(_Split):
    """Photographs as they are, with their own trimaps: nothing is composed, no foreground known.

    Attributes:
        trimap: which of each photograph's.
    """

    photographs: Sequence[Photograph]
    trimap: str = "trimap1"

    def __len__(self) -> int:
        return len(self.photographs)

    def example(self, index: int, seed: int = 0) -> dict[str, Tensor]:
        """``x`` ``(4, H, W)``, ``alpha`` and ``unknown`` ``(1, H, W)``, ``image`` ``(3, H, W)``."""
        photograph = self.photographs[index]
        trimap = photograph.trimaps[self.trimap]
        image = torch.from_numpy(photograph.image).permute(2, 0, 1).float() / 255
        return {
            "x": network_input(image, trimap),
            "alpha": torch.from_numpy(photograph.alpha).float()[None] / 255,
            "unknown": torch.from_numpy(trimap == UNKNOWN)[None],
            "image": image,
        }
