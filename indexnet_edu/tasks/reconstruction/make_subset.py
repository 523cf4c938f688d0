"""Make the embedded subset: of each class the first 800 training and the first 200 test images.

``python -m indexnet_edu.tasks.reconstruction.make_subset`` writes sheet.webp and labels.txt into
the course's data folder and prints the checksum that ``load_embedded`` holds them against.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...files import checksum_of
from ...paths import asset
from .fashion_mnist import (
    CLASS_COUNT,
    COLUMNS,
    TEST_ROWS,
    TRAIN_ROWS,
    Bytes,
    Images,
    load_fashion_mnist,
    pack,
)

__all__ = ["select", "write"]


def select(images: Images) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """Training images, their labels, test images, their labels; the classes take turns."""
    train = _first_of_each_class(images.train_labels, TRAIN_ROWS * COLUMNS // CLASS_COUNT)
    test = _first_of_each_class(images.test_labels, TEST_ROWS * COLUMNS // CLASS_COUNT)
    return (
        images.train[train],
        images.train_labels[train],
        images.test[test],
        images.test_labels[test],
    )


def write(images: Images, folder: Path) -> str:
    """Write the subset of ``images`` into ``folder``; returns its checksum."""
    from PIL import Image

    train, train_labels, test, test_labels = select(images)
    sheet = Image.fromarray(np.concatenate([pack(train), pack(test)])).convert("RGB")
    sheet.save(folder / "sheet.webp", lossless=True, method=4, quality=100)
    labels = np.concatenate([train_labels, test_labels]).reshape(-1, COLUMNS)
    lines = "".join("".join(map(str, row)) + "\n" for row in labels)
    (folder / "labels.txt").write_text(lines, encoding="ascii", newline="\n")
    return checksum_of(train, train_labels, test, test_labels)


def _first_of_each_class(labels: Bytes, count: int) -> np.ndarray:
    """Indices (count · 10,) of every class's first ``count`` images, the classes taking turns."""
    firsts = [np.flatnonzero(labels == label)[:count] for label in range(CLASS_COUNT)]
    return np.stack(firsts, axis=1).reshape(-1)  # (10, count) -> (count, 10) -> (count · 10,)


if __name__ == "__main__":
    print(write(load_fashion_mnist(), asset("data", "fashion_mnist_subset")))
