"""Fashion-MNIST for reconstruction: 28×28 → 32×32, values in [0, 1], input and target the same
image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...engine import ALL, Batch, Recipe, TaskData
from .fashion_mnist import Images, load_embedded, load_fashion_mnist

__all__ = ["CLASSES", "ReconstructionSplit", "load_real", "load_subset", "resize"]

CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def resize(images: np.ndarray) -> Tensor:
    """uint8 ``(N, 28, 28)`` → float32 ``(N, 1, 32, 32)`` in [0, 1], bilinear with half-pixel
    centres.

    The paper says 32×32 and not how; enlarging needs no smoothing filter.
    """
    pixels = torch.from_numpy(images).unsqueeze(1).float() / 255  # (N, 28, 28) → (N, 1, 28, 28)
    return F.interpolate(pixels, size=(32, 32), mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class ReconstructionSplit:
    """Images ``(N, 1, 32, 32)`` and their class labels ``(N,)``, which only figures use."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        images = self.images[indices[share].to(self.images.device)]
        return Batch(images, images)

    def to(self, device: torch.device) -> ReconstructionSplit:
        return ReconstructionSplit(self.images.to(device), self.labels)


def _split(images: np.ndarray, labels: np.ndarray, count: int | None) -> ReconstructionSplit:
    return ReconstructionSplit(
        resize(images[:count]), torch.from_numpy(labels[:count].astype("int64"))
    )


def _data(source: Images, recipe: Recipe) -> TaskData:
    """The first ``train_images`` and ``test_images`` of a source."""
    train = _split(source.train, source.train_labels, recipe.train_images)
    test = _split(source.test, source.test_labels, recipe.test_images)
    name = f"{source.name}: {len(train):,} training and {len(test):,} test images"
    return TaskData(name, source.checksum, train, test)


def load_real(recipe: Recipe) -> TaskData:
    """Fashion-MNIST from the data folder.

    Raises:
        UserError: it is missing or damaged.
    """
    return _data(load_fashion_mnist(), recipe)


def load_subset(recipe: Recipe) -> TaskData:
    """The subset that travels with the course."""
    return _data(load_embedded(), recipe)
