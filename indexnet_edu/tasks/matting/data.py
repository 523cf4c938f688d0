"""The data of a recipe: Adobe's where somebody has it, alphamatting.com's, or drawn foregrounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ...engine import ALL, Batch, Split, TaskData
from ...files import checksum_of
from ...paths import data_folder
from . import alphamatting
from .adobe import AdobeForegrounds, CompositionOneK, PictureFolder
from .recipe import MattingRecipe
from .sources import (
    CroppedCompositions,
    MeasuredPhotographs,
    WholeCompositions,
    drawn_foregrounds,
    embedded_backgrounds,
    stacked,
)

__all__ = ["Examples", "adobe_is_there", "load_adobe", "load_alphamatting", "load_drawn"]

#: Drawings of each of the six kinds.
_DRAWN_TRAIN, _DRAWN_TEST = 8, 2


class _Numbered(Protocol):
    def __len__(self) -> int: ...

    def example(self, index: int, seed: int) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Examples(Split):
    """Examples by number as batches: ``x`` image and trimap ``(N, 4, H, W)``, ``target`` alpha and
    ``valid`` unknown pixels ``(N, 1, H, W)``; ``more`` has ``image`` and, of compositions,
    ``foreground`` and ``background`` ``(N, 3, H, W)`` in [0, 1]."""

    of: _Numbered

    def __len__(self) -> int:
        return len(self.of)

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        parts = stacked([self.of.example(number, seed) for number in indices[share].tolist()])
        x, alpha, unknown = (parts.pop(name) for name in ("x", "alpha", "unknown"))
        return Batch(x, alpha, unknown, parts)

    def to(self, device: torch.device) -> Examples:
        """Itself: pictures stay on the processor, where examples are made of them."""
        return self


def _drawn_test(recipe: MattingRecipe) -> Split:
    backgrounds = list(embedded_backgrounds("test").values())
    drawn = drawn_foregrounds("test", _DRAWN_TEST)[: recipe.test_images]
    return Examples(WholeCompositions(drawn, backgrounds))


def _cropped(
    foregrounds: Sequence[Any], backgrounds: Sequence[Any], recipe: MattingRecipe
) -> Examples:
    chosen = foregrounds[: recipe.train_images] if recipe.train_images else foregrounds
    return Examples(CroppedCompositions(chosen, backgrounds, recipe.crop, recipe.per_foreground))


def _described(source: str, train: Examples, tests: Mapping[str, Split]) -> str:
    counted = " and ".join(f"{name} ({len(split)})" for name, split in tests.items())
    of: Any = train.of
    return (
        f"{source}: {len(of.foregrounds)} foregrounds before {len(of.backgrounds)} backgrounds, "
        f"tested on {counted}"
    )


def load_drawn(recipe: MattingRecipe) -> TaskData:
    """Drawn foregrounds with exact alpha before scikit-image's photographs; they travel with the
    course."""
    foregrounds = drawn_foregrounds("train", _DRAWN_TRAIN)
    backgrounds = embedded_backgrounds("train")
    train = _cropped(foregrounds, list(backgrounds.values()), recipe)
    tests = {"drawn": _drawn_test(recipe)}
    # A few drawings stand for all: they come from one program.
    arrays = [part for f in foregrounds[:6] for part in (f.alpha, f.colour)]
    checksum = checksum_of(*arrays, *backgrounds.values())
    return TaskData(_described("drawn foregrounds", train, tests), checksum, train, tests)


def load_alphamatting(recipe: MattingRecipe) -> TaskData:
    """Twenty of alphamatting.com's foregrounds before BSDS photographs; tested on the other seven
    as they were photographed, and on drawn ones.

    Raises:
        UserError: one of the two data sets is missing or damaged.
    """
    foregrounds = alphamatting.read_foregrounds()
    backgrounds = alphamatting.read_backgrounds("train")
    photographs = alphamatting.read_photographs()[: recipe.test_images]
    train = _cropped(foregrounds, list(backgrounds.values()), recipe)
    tests = {
        "alphamatting": Examples(MeasuredPhotographs(photographs, recipe.trimap)),
        "drawn": _drawn_test(recipe),
    }
    arrays = [part for f in foregrounds for part in (f.alpha, f.colour)]
    arrays += [part for p in photographs for part in (p.image, p.alpha, *p.trimaps.values())]
    checksum = checksum_of(*arrays, *backgrounds.values())
    return TaskData(_described("alphamatting.com", train, tests), checksum, train, tests)


def adobe_is_there() -> bool:
    """Whether the data folder has the layout of :mod:`.adobe` in ``adobe_matting``."""
    return (data_folder() / "adobe_matting" / "Combined_Dataset").is_dir()


def load_adobe(recipe: MattingRecipe) -> TaskData:
    """Adobe's 431 foregrounds before MS COCO, tested on Composition-1k; read from disk.

    Raises:
        UserError: a part of it is missing; the message says what belongs where.
    """
    root = data_folder() / "adobe_matting"
    foregrounds = AdobeForegrounds(root / "Combined_Dataset" / "Training_set")
    train = _cropped(foregrounds, PictureFolder(root / "train2014"), recipe)
    photographs = CompositionOneK(root)
    chosen = photographs[: recipe.test_images] if recipe.test_images else photographs
    tests = {"composition_1k": Examples(MeasuredPhotographs(chosen, "trimap"))}
    names = np.frombuffer("\n".join(foregrounds.names).encode(), np.uint8)
    return TaskData(
        _described("Adobe Image Matting", train, tests), checksum_of(names), train, tests
    )
