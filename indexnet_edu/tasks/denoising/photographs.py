"""Grey photographs to learn from and to be tested on: BSD400, BSD68 and Set12, or scikit-image's.

The paper's sets are real data (Sec. 6.2; ``data/README.md``). In their place stand photographs that
scikit-image carries in its wheel, far fewer and of other kinds.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...datasets import get_dataset
from ...errors import UserError

__all__ = ["Photograph", "Photographs", "load_embedded", "load_real", "read_photographs"]

#: Grey levels (H, W), uint8.
Photograph = npt.NDArray[np.uint8]

#: Names in ``skimage.data``. No photograph is in both; the course's own sample pictures are test.
EMBEDDED_TRAIN = ("brick", "chelsea", "clock", "coffee", "grass", "gravel", "moon", "rocket")
EMBEDDED_TEST = ("coins", "camera", "astronaut")


class Photographs(NamedTuple):
    """What one experiment sees; ``name`` is that of the training set, the test sets have theirs."""

    name: str
    train: list[Photograph]
    tests: Mapping[str, list[Photograph]]


def read_photographs(path: Path) -> list[Photograph]:
    """All PNG files of a zip file or a folder as grey photographs, in the order of their names.

    Raises:
        UserError: there is none, or one that cannot be read.
    """
    try:
        if path.is_dir():
            files = {str(file): file.read_bytes() for file in path.rglob("[!.]*.png")}
        else:
            with zipfile.ZipFile(path) as archive:
                names = (name for name in archive.namelist() if name.endswith(".png"))
                files = {name: archive.read(name) for name in names}
        photographs = [_grey(files[name]) for name in sorted(files)]
    except (OSError, zipfile.BadZipFile) as error:  # Pillow's errors are OSErrors
        raise UserError(f"{path} cannot be read ({error}): put a good copy there") from None
    if not photographs:
        raise UserError(f"there are no PNG files in {path}")
    return photographs


def _grey(content: bytes) -> Photograph:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        return np.array(picture.convert("L"))


def load_real() -> Photographs:
    """BSD400, tested on BSD68 and Set12, from the data folder: zip files or folders of their names.

    Raises:
        UserError: they are absent or damaged; the message says how to get them.
    """
    folder = get_dataset("denoising").require()

    def read(name: str) -> list[Photograph]:
        packed = folder / f"{name}.zip"
        return read_photographs(packed if packed.exists() else folder / name)

    return Photographs("BSD400", read("bsd400"), {name: read(name) for name in ("bsd68", "set12")})


def load_embedded() -> Photographs:
    """Eight photographs of scikit-image to train on, three others to test; colour made grey."""
    import skimage.data
    from PIL import Image

    def load(name: str) -> Photograph:
        return np.array(Image.fromarray(getattr(skimage.data, name)()).convert("L"))

    return Photographs(
        "scikit-image photographs",
        [load(name) for name in EMBEDDED_TRAIN],
        {"photographs": [load(name) for name in EMBEDDED_TEST]},
    )
