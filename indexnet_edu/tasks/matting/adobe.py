"""The Adobe Image Matting data set, read from disk: what the paper trains on and Composition-1k.

It may not be passed on, so everybody asks its authors for it (Xu et al., CVPR 2017). The layout is
that of the released code::

    Combined_Dataset/Training_set/alpha/NAME.jpg   431 mattes; these are JPEG files
    Combined_Dataset/Training_set/fg/NAME.jpg
    Combined_Dataset/Test_set/alpha/NAME.png       50 mattes
    Combined_Dataset/Test_set/merged/NAME_0.png    20 composites each, with Pascal VOC behind
    Combined_Dataset/Test_set/trimaps/NAME_0.png
    train2014/*.jpg                                MS COCO, backgrounds to train on
    test.txt                                       merged, alpha, trimap, separated by tabs

``test.txt`` is optional; without it test pictures are matched by their names. Paths in it are
relative to the folder that holds it, or to ``Combined_Dataset``. The paper says 100 objects before
10 backgrounds each; the public list has 50 before 20. Pictures are read when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .alphamatting import Photograph
from .compose import Picture
from .foregrounds import Foreground
from .trimap import read_trimap

__all__ = ["AdobeForegrounds", "CompositionOneK", "PictureFolder"]

_PICTURES = (".jpg", ".jpeg", ".png")


def _pictures(folder: Path) -> dict[str, Path]:
    """The picture files of a folder by name without ending, sorted.

    Raises:
        UserError: there is no such folder, or none in it.
    """
    found = {
        path.stem: path for path in sorted(folder.glob("[!.]*")) if path.suffix.lower() in _PICTURES
    }
    if not found:
        raise UserError(
            f"there are no pictures in {folder}: unpack the data set there, as the note at the "
            "top of indexnet_edu/tasks/matting/adobe.py shows"
        )
    return found


def _read(path: Path, mode: str) -> npt.NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.array(picture.convert(mode))
    except OSError as error:  # Pillow's errors are OSErrors
        raise UserError(f"{path} cannot be read ({error}): put a good copy there") from None


class _Lazy(Sequence[Any]):
    """A sequence that reads an item when it is asked for."""

    def _one(self, number: int) -> Any:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        numbers = range(len(self))[index]
        return [self._one(n) for n in numbers] if isinstance(numbers, range) else self._one(numbers)


class PictureFolder(_Lazy):
    """The RGB pictures of a folder in the order of their names; MS COCO's ``train2014``.

    Raises:
        UserError: there are none.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = list(_pictures(folder).values())

    def __len__(self) -> int:
        return len(self._paths)

    def _one(self, number: int) -> Picture:
        return _read(self._paths[number], "RGB")


class AdobeForegrounds(_Lazy):
    """The foregrounds of ``Combined_Dataset/Training_set`` as :class:`Foreground`.

    Args:
        folder: that holds ``alpha`` and ``fg``.

    Raises:
        UserError: a folder is missing or empty, or a matte has no foreground of its name.
    """

    def __init__(self, folder: Path) -> None:
        self._alpha, self._colour = _pictures(folder / "alpha"), _pictures(folder / "fg")
        self.names = list(self._alpha)
        if alone := [name for name in self.names if name not in self._colour]:
            raise UserError(
                f"{len(alone)} mattes in {folder / 'alpha'} have no picture of their name in fg, "
                f"first {alone[0]}: unpack both folders anew"
            )

    def __len__(self) -> int:
        return len(self.names)

    def _one(self, number: int) -> Foreground:
        name = self.names[number]
        alpha, colour = _read(self._alpha[name], "L"), _read(self._colour[name], "RGB")
        if alpha.shape != colour.shape[:2]:
            raise UserError(
                f"{self._alpha[name]} and {self._colour[name]} differ in size: unpack both anew"
            )
        return Foreground(f"adobe {name}", alpha, colour)


class _Triple(NamedTuple):
    merged: Path
    alpha: Path
    trimap: Path


class CompositionOneK(_Lazy):
    """The 1,000 composites of Composition-1k as :class:`~.alphamatting.Photograph`, with one trimap
    each, named ``"trimap"``.

    Args:
        root: that holds ``Combined_Dataset``, and ``test.txt`` where there is one.

    Raises:
        UserError: pictures are missing, or a line of the list is not three names.
    """

    def __init__(self, root: Path) -> None:
        listed = root / "test.txt"
        found = self._listed(listed) if listed.exists() else self._matched(root)
        self._triples = list(found)
        for triple in self._triples:
            for path in triple:
                if not path.exists():
                    raise UserError(f"{path} is missing: unpack the test set anew")

    @staticmethod
    def _listed(file: Path) -> Iterable[_Triple]:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            names = line.strip().split("\t")
            if len(names) != 3:
                raise UserError(
                    f"{file}, line {number}, has {len(names)} names: it takes merged, alpha and "
                    "trimap, separated by tabs"
                )
            inside = file.parent / "Combined_Dataset"
            found = [
                path if (path := file.parent / name).exists() else inside / name for name in names
            ]
            yield _Triple(*found)

    @staticmethod
    def _matched(root: Path) -> Iterable[_Triple]:
        folder = root / "Combined_Dataset" / "Test_set"
        mattes, trimaps = _pictures(folder / "alpha"), _pictures(folder / "trimaps")
        for name, merged in _pictures(folder / "merged").items():
            owner = name.rpartition("_")[0]  # NAME_7 is the eighth composite of NAME
            if owner not in mattes or name not in trimaps:
                raise UserError(f"{merged} has no matte or no trimap: unpack the test set anew")
            yield _Triple(merged, mattes[owner], trimaps[name])

    def __len__(self) -> int:
        return len(self._triples)

    def _one(self, number: int) -> Photograph:
        merged, alpha, trimap = self._triples[number]
        image, matte = _read(merged, "RGB"), _read(alpha, "L")
        if image.shape[:2] != matte.shape:
            raise UserError(f"{merged} and {alpha} differ in size: compose the test set anew")
        return Photograph(merged.stem, image, matte, {"trimap": read_trimap(trimap, matte.shape)})
