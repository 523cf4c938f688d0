"""Patches to learn from and whole images to be tested on (Sec. 6.2.1), with noise added."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...engine import ALL, Batch, TaskData
from ...engine.randomness import mixed_seed
from ...files import checksum_of
from .photographs import Photograph, Photographs, load_embedded, load_real
from .recipe import DenoisingRecipe

__all__ = [
    "PATCH",
    "SCALES",
    "STRIDE",
    "NoisyImages",
    "Patches",
    "cut_patches",
    "load_bsd",
    "load_samples",
]

PATCH, STRIDE = 40, 10  # pixels
SCALES = (0.7, 0.8, 0.9, 1.0)

_TEST_NOISE = 68  # makes the test noise another than any step's of a training


@dataclass(frozen=True)
class Patches:
    """Overlapping 40×40 patches, noise and symmetries drawn anew whenever one is asked for.

    Nothing is cut out beforehand: all photographs lie in one row of pixels, and a patch is where
    its first pixel is and how far apart its rows are. A batch is then one indexed read, a turned or
    mirrored patch the same read in another order.

    Attributes:
        pixels: ``(P,)`` uint8, the photographs at all scales, one after the other.
        starts, strides: ``(K,)`` int64, first pixel of a patch, and pixels from row to row.
        sigma: of the noise, in grey levels.
    """

    pixels: Tensor
    starts: Tensor
    strides: Tensor
    sigma: int

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        """Noisy and clean patches, ``(N, 1, 40, 40)``; the noisy ones may leave [0, 1]."""
        device = self.pixels.device
        indices, generator = indices.to(device), torch.Generator(device).manual_seed(seed)
        symmetries = torch.randint(8, indices.shape, generator=generator, device=device)
        clean = self.cut(indices, symmetries)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        return Batch(clean + self.sigma / 255 * noise, clean)[share]

    def cut(self, indices: Tensor, symmetries: Tensor) -> Tensor:
        """Clean patches ``(N, 1, 40, 40)`` in [0, 1].

        Args:
            symmetries: ``(N,)``, 0 to 7: plus 1 upside down, plus 2 left to right, both after
                plus 4, rows and columns exchanged. A quarter turn is one exchange and one flip.
        """
        start, row = self.starts[indices], self.strides[indices]
        exchanged = symmetries >= 4
        down = torch.where(exchanged, 1, row)  # pixels from a row of the result to the next
        across = torch.where(exchanged, row, 1)
        for flipped, step in ((symmetries % 2 == 1, down), (symmetries // 2 % 2 == 1, across)):
            start = start + torch.where(flipped, (PATCH - 1) * step, 0)
        down = torch.where(symmetries % 2 == 1, -down, down)
        across = torch.where(symmetries // 2 % 2 == 1, -across, across)
        steps = torch.arange(PATCH, device=start.device)
        places = (
            start[:, None, None]
            + down[:, None, None] * steps[:, None]
            + across[:, None, None] * steps
        )
        return (self.pixels[places].float() / 255).unsqueeze(1)  # (N, 40, 40) → (N, 1, 40, 40)

    def to(self, device: torch.device) -> Patches:
        tensors = ("pixels", "starts", "strides")
        return dataclasses.replace(
            self, **{name: getattr(self, name).to(device) for name in tensors}
        )


def cut_patches(photographs: Iterable[Photograph], sigma: int, count: int | None = None) -> Patches:
    """The patches of photographs at the paper's scales and stride.

    Args:
        count: of patches to keep, evenly spread over all; None, or more than there are, keeps all.
    """
    pixels, starts, strides, used = [], [], [], 0
    for photograph in photographs:
        for scale in SCALES:
            image = _resized(photograph, scale)
            height, width = image.shape
            tops = torch.arange(0, height - PATCH + 1, STRIDE)
            lefts = torch.arange(0, width - PATCH + 1, STRIDE)
            start = (used + tops[:, None] * width + lefts).flatten()
            starts.append(start)
            strides.append(torch.full_like(start, width))
            pixels.append(torch.from_numpy(image).flatten())
            used += image.size
    whole = Patches(torch.cat(pixels), torch.cat(starts), torch.cat(strides), sigma)
    if count is None or count >= len(whole):
        return whole
    kept = torch.arange(count) * len(whole) // count
    return dataclasses.replace(whole, starts=whole.starts[kept], strides=whole.strides[kept])


def _resized(photograph: Photograph, scale: float) -> Photograph:
    """Bicubic, smoothed where it shrinks, as Matlab's ``imresize`` does for the original DnCNN."""
    from PIL import Image

    if scale == 1:
        return photograph
    height, width = (round(side * scale) for side in photograph.shape)
    return np.array(Image.fromarray(photograph).resize((width, height), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class NoisyImages:
    """Whole images of any size, one a batch, each with noise of its own that never changes.

    The noise of image number n comes from n alone and is drawn on the CPU, so that a figure depends
    neither on the order of images nor on how many are measured, and is the same on every device.

    Attributes:
        noisy, clean: ``(1, 1, H, W)`` each; clean in [0, 1], noisy not clipped.
    """

    noisy: tuple[Tensor, ...]
    clean: tuple[Tensor, ...]

    @classmethod
    def of(cls, photographs: Sequence[Photograph], sigma: int) -> NoisyImages:
        clean = tuple(torch.from_numpy(image)[None, None].float() / 255 for image in photographs)
        noisy = tuple(
            image + sigma / 255 * torch.randn(image.shape, generator=_generator(number))
            for number, image in enumerate(clean)
        )
        return cls(noisy, clean)

    def __len__(self) -> int:
        return len(self.clean)

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        """Noisy and clean image; ValueError for more than one, since sizes differ."""
        (number,) = indices[share].tolist()
        return Batch(self.noisy[number], self.clean[number])

    def to(self, device: torch.device) -> NoisyImages:
        return NoisyImages(
            tuple(image.to(device) for image in self.noisy),
            tuple(image.to(device) for image in self.clean),
        )


def _generator(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(mixed_seed(_TEST_NOISE, number))


def load_bsd(recipe: DenoisingRecipe) -> TaskData:
    """BSD400, tested on BSD68 and Set12, from the data folder.

    Raises:
        UserError: they are missing or damaged.
    """
    return _data(load_real(), recipe)


def load_samples(recipe: DenoisingRecipe) -> TaskData:
    """scikit-image's photographs, which travel with it."""
    return _data(load_embedded(), recipe)


def _data(source: Photographs, recipe: DenoisingRecipe) -> TaskData:
    """The patches of the first ``train_images`` photographs, and the first ``test_images`` of each
    test set, whose name says the noise too: ``bsd68_sigma25``.
    """
    everything = [*source.train, *(image for images in source.tests.values() for image in images)]
    photographs = source.train[: recipe.train_images]
    train = cut_patches(photographs, recipe.sigma, recipe.train_patches)
    tests = {
        name: NoisyImages.of(images[: recipe.test_images], recipe.sigma)
        for name, images in source.tests.items()
    }
    counted = " and ".join(f"{name} ({len(split)})" for name, split in tests.items())
    name = (
        f"{source.name}: {len(train):,} patches of {len(photographs)} photographs, "
        f"tested on {counted}, σ = {recipe.sigma}"
    )
    named = {f"{name}_sigma{recipe.sigma}": split for name, split in tests.items()}
    return TaskData(name, checksum_of(*everything), train, named)
