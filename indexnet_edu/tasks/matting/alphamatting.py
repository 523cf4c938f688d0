"""Real foregrounds and backgrounds: alphamatting.com's 27 photographs, BSDS500's 300.

The 27 have a measured alpha. Their foreground *colours* were computed from photograph and alpha
(data/README.md), which is good for making composites to train on; what is measured on the
photographs themselves needs none of them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...datasets import get_dataset
from ...errors import UserError
from .compose import Picture
from .foregrounds import Foreground

__all__ = [
    "TEST",
    "TRAIN",
    "TRIMAPS",
    "Photograph",
    "read_backgrounds",
    "read_foregrounds",
    "read_photographs",
]

#: The split that the data's own card suggests, taken as it is and before anything was trained. The
#: benchmark defines none.
TEST = ("GT04", "GT10", "GT11", "GT13", "GT16", "GT25", "GT26")
TRAIN = tuple(name for n in range(1, 28) if (name := f"GT{n:02}") not in TEST)
#: A narrow and a wide one belong to every photograph.
TRIMAPS = ("trimap1", "trimap2")

_MATTES = "alphamatting_train27.zip"
_BACKGROUNDS = {"train": "bsds_train200.zip", "test": "bsds_val100.zip"}


@dataclass(frozen=True)
class Photograph:
    """A photograph whose alpha was measured.

    Attributes:
        image: ``(H, W, 3)`` uint8.
        alpha: ``(H, W)`` uint8, of 255.
        trimaps: one ``(H, W)`` each of ``TRIMAPS``, of 0, 128 and 255.
    """

    name: str
    image: Picture
    alpha: npt.NDArray[np.uint8]
    trimaps: dict[str, npt.NDArray[np.uint8]]


def read_foregrounds(names: Iterable[str] = TRAIN) -> list[Foreground]:
    """Foregrounds with their computed colours.

    Raises:
        UserError: the data are absent or damaged; the message says how to get them.
    """
    archive = _Archive(get_dataset("matting_alphamatting").require() / _MATTES)
    return [
        Foreground(
            f"alphamatting {name}",
            archive.grey(f"train/alpha/{name}.png"),
            archive.colour(f"train/foreground_estimated/{name}.jpg"),
        )
        for name in names
    ]


def read_photographs(names: Iterable[str] = TEST) -> list[Photograph]:
    """The untouched photographs, to measure on.

    Raises:
        UserError: as :func:`read_foregrounds`.
    """
    archive = _Archive(get_dataset("matting_alphamatting").require() / _MATTES)
    return [
        Photograph(
            name,
            archive.colour(f"train/image/{name}.png"),
            archive.grey(f"train/alpha/{name}.png"),
            {trimap: archive.grey(f"train/{trimap}/{name}.png") for trimap in TRIMAPS},
        )
        for name in names
    ]


def read_backgrounds(part: str, count: int | None = None) -> dict[str, Picture]:
    """BSDS500's colour photographs by name: ``"train"`` has the 200 of its training set, ``"test"``
    the 100 of its validation set, so none is in both.

    Args:
        count: the first so many by name; None for all.

    Raises:
        UserError: as :func:`read_foregrounds`.
    """
    archive = _Archive(get_dataset("bsds500_color").require() / _BACKGROUNDS[part])
    return {name: archive.colour(name) for name in archive.names(".jpg")[:count]}


class _Archive:
    """Pictures in a zip file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self, ending: str) -> list[str]:
        with zipfile.ZipFile(self._path) as archive:
            return sorted(name for name in archive.namelist() if name.endswith(ending))

    def grey(self, name: str) -> npt.NDArray[Any]:
        return self._picture(name, "L")

    def colour(self, name: str) -> npt.NDArray[Any]:
        return self._picture(name, "RGB")

    def _picture(self, name: str, mode: str) -> npt.NDArray[Any]:
        from PIL import Image

        try:
            with zipfile.ZipFile(self._path) as archive:
                content = archive.read(name)
            with Image.open(io.BytesIO(content)) as picture:
                return np.array(picture.convert(mode))
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{name} of {self._path} cannot be read ({error}): put a good copy there"
            ) from None
