"""Fashion-MNIST (Xiao et al., 2017; Sec. 5.3 of the paper): the real set, and the embedded subset.

The subset is one picture of 100 × 100 images: 80 rows of training images, then 20 rows of test
images. Image ``i`` of either part is of class ``i % 10``, so that any first part is balanced too.
``make_subset.py`` makes it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...datasets import get_dataset
from ...errors import UserError
from ...files import checksum_of
from ...paths import asset
from .idx import read_idx

__all__ = ["Images", "load_embedded", "load_fashion_mnist"]

Bytes = npt.NDArray[np.uint8]

SIZE = 28
CLASS_COUNT = 10
COLUMNS = 100
TRAIN_ROWS, TEST_ROWS = 80, 20
EMBEDDED_CHECKSUM = "8400880ee2608aa36abf1dfcfa1de71824ad7787a2787e9d7742e8ddb8d8db69"


class Images(NamedTuple):
    """Images (N, 28, 28) and labels (N,), uint8.

    ``name`` is what tables and figures say they were made from. ``checksum`` is that of the four
    arrays (:func:`checksum_of`), whatever file they came from.
    """

    train: Bytes
    train_labels: Bytes
    test: Bytes
    test_labels: Bytes
    name: str
    checksum: str


def load_fashion_mnist() -> Images:
    """All 60,000 training and 10,000 test images, from the data folder.

    Raises:
        UserError: the dataset is absent or damaged; the message says how to get it.
    """
    folder = get_dataset("fashion_mnist").require()
    arrays = (
        read_idx(folder / "train-images-idx3-ubyte.gz", (60_000, SIZE, SIZE)),
        read_idx(folder / "train-labels-idx1-ubyte.gz", (60_000,)),
        read_idx(folder / "t10k-images-idx3-ubyte.gz", (10_000, SIZE, SIZE)),
        read_idx(folder / "t10k-labels-idx1-ubyte.gz", (10_000,)),
    )
    return Images(*arrays, name="Fashion-MNIST", checksum=checksum_of(*arrays))


def load_embedded() -> Images:
    """The embedded subset: 8,000 training and 2,000 test images, 800 and 200 a class.

    Raises:
        UserError: the course's own files are damaged.
    """
    from PIL import Image

    folder = asset("data", "fashion_mnist_subset")
    try:
        with Image.open(folder / "sheet.webp") as picture:
            images = unpack(np.asarray(picture.convert("L")))
        digits = (folder / "labels.txt").read_text("ascii").replace("\n", "")
        labels = np.array(list(digits), np.uint8)
        split = TRAIN_ROWS * COLUMNS
        arrays = (images[:split], labels[:split], images[split:], labels[split:])
        whole = checksum_of(*arrays) == EMBEDDED_CHECKSUM
    except (OSError, ValueError) as error:
        raise _damaged() from error
    if not whole:
        raise _damaged()
    return Images(*arrays, name="Fashion-MNIST subset (8,000 + 2,000)", checksum=EMBEDDED_CHECKSUM)


def pack(images: Bytes) -> Bytes:
    """Images (N, 28, 28), N a multiple of 100, as one sheet of N / 100 rows of 100."""
    tiles = images.reshape(-1, COLUMNS, SIZE, SIZE)  # (rows, columns, height, width)
    return tiles.transpose(0, 2, 1, 3).reshape(-1, COLUMNS * SIZE)


def unpack(sheet: Bytes) -> Bytes:
    """The inverse of :func:`pack`, as a new, writable array."""
    tiles = sheet.reshape(-1, SIZE, COLUMNS, SIZE)  # (rows, height, columns, width)
    return np.array(tiles.transpose(0, 2, 1, 3)).reshape(-1, SIZE, SIZE)


def _damaged() -> UserError:
    return UserError("the embedded Fashion-MNIST subset is damaged: install indexnet-edu again")
