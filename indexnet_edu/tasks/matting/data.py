"""The data of a recipe: Adobe's where somebody has it, alphamatting.com's, or drawn foregrounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...engine import Split, TaskData
from ...files import checksum_of
from ...paths import data_folder
from . import alphamatting
from .adobe import AdobeForegrounds, CompositionOneK, PictureFolder
from .foregrounds import KINDS, Foreground
from .recipe import MattingRecipe
from .sources import (
    CroppedCompositions,
    MeasuredPhotographs,
    WholeCompositions,
    drawn_foregrounds,
    embedded_backgrounds,
)

__all__ = ["adobe_is_there", "load_adobe", "load_alphamatting", "load_drawn"]


def _drawn_test(recipe: MattingRecipe) -> Split:
    backgrounds = list(embedded_backgrounds("test").values())
    return WholeCompositions(_drawn("test", recipe.test_images or 12), backgrounds)


def _drawn(part: str, count: int) -> list[Foreground]:
    """So many drawings, kinds in turn."""
    return drawn_foregrounds(part, -(-count // len(KINDS)))[:count]


def _cropped(
    foregrounds: Sequence[Any], backgrounds: Sequence[Any], recipe: MattingRecipe
) -> CroppedCompositions:
    chosen = foregrounds[: recipe.train_images] if recipe.train_images else foregrounds
    return CroppedCompositions(chosen, backgrounds, recipe.crop, recipe.per_foreground)


def _described(source: str, train: CroppedCompositions, tests: Mapping[str, Split]) -> str:
    counted = " and ".join(f"{name} ({len(split)})" for name, split in tests.items())
    return (
        f"{source}: {len(train.foregrounds)} foregrounds before {len(train.backgrounds)} "
        f"backgrounds, tested on {counted}"
    )


def load_drawn(recipe: MattingRecipe) -> TaskData:
    """Drawn foregrounds with exact alpha before scikit-image's photographs; they travel with the
    course."""
    foregrounds = _drawn("train", recipe.train_images or 48)
    backgrounds = embedded_backgrounds("train")
    train = _cropped(foregrounds, list(backgrounds.values()), recipe)
    tests = {"drawn": _drawn_test(recipe)}
    arrays = [part for f in foregrounds for part in (f.alpha, f.colour)]
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
        "alphamatting": MeasuredPhotographs(photographs, recipe.trimap),
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
    tests = {"composition_1k": MeasuredPhotographs(chosen, "trimap")}
    names = np.frombuffer("\n".join(foregrounds.names).encode(), np.uint8)
    return TaskData(
        _described("Adobe Image Matting", train, tests), checksum_of(names), train, tests
    )
