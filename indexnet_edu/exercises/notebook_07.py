"""Exercises of notebook 07: denoising."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .exercise import Case, Exercise, Misconception, signed

__all__ = ["EXERCISES"]


# --- 7.1 From sigma to decibels ------------------------------------------------------------------

NOISE_PSNR = Exercise(
    "7.1",
    "From sigma to decibels",
    ("sigma", "peak"),
    lambda: [
        Case("the paper's middle noise", (25.0, 255.0)),
        Case("intensities from 0 to 1", (0.1, 1.0)),
        Case("twelve bits", (50.0, 4095.0)),
        Case("whole numbers", (15, 255)),
        Case("more noise than picture", (2.0, 1.0)),
    ],
    lambda sigma, peak: 20 * math.log10(peak / sigma),
    (
        Misconception(
            "You take ten times the logarithm of a ratio of amplitudes. PSNR compares *squared* "
            "errors, and the square doubles the factor.",
            lambda sigma, peak: 10 * math.log10(peak / sigma),
        ),
        Misconception(
            "The ratio is upside down: less noise is *more* decibels.",
            lambda sigma, peak: 20 * math.log10(sigma / peak),
        ),
        Misconception(
            "Decibels have base 10, and this is the natural logarithm.",
            lambda sigma, peak: 20 * math.log(peak / sigma),
        ),
        Misconception(
            "You take 255 for the peak whatever the range of intensities is.",
            lambda sigma, peak: 20 * math.log10(255 / sigma),
        ),
    ),
)


# --- 7.2 A multiple of eight ---------------------------------------------------------------------


def _padded(image: Tensor, mode: str = "reflect") -> Tensor:
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % 8, 0, -height % 8), mode=mode)


def _always(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    return F.pad(image, (0, 8 - width % 8, 0, 8 - height % 8), mode="reflect")


def _exchanged(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    return F.pad(image, (0, -height % 8, 0, -width % 8), mode="reflect")


def _with_border(image: Tensor) -> Tensor:
    down, across = (-size % 8 for size in image.shape[-2:])
    image = torch.cat([image, image[..., image.shape[-2] - down :, :].flip(-2)], dim=-2)
    return torch.cat([image, image[..., image.shape[-1] - across :].flip(-1)], dim=-1)


def _above(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    return F.pad(image, (-width % 8, 0, -height % 8, 0), mode="reflect")


def _image(height: int, width: int) -> Tensor:
    return torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width) + 1


MULTIPLE = Exercise(
    "7.2",
    "A multiple of eight",
    ("image",),
    lambda: [
        Case("both are missing", (_image(6, 7),)),
        Case("rows are missing", (_image(13, 16),)),
        Case("nothing is missing", (_image(16, 8),)),
        Case("columns are missing", (_image(8, 11),)),
        Case("seven are missing, values of both signs", (signed(1, 1, 9, 15, seed=1),)),
        Case("a larger one", (_image(20, 17),)),
        Case("two images", (signed(2, 1, 10, 7, seed=2),)),
    ],
    _padded,
    (
        Misconception(
            "A size that is a multiple of eight already grows by eight. It should stay.",
            _always,
        ),
        Misconception(
            "Height and width are exchanged: `F.pad` begins with the *last* dimension.",
            _exchanged,
        ),
        Misconception(
            "Your mirror stands behind the border pixel, so that this comes twice. It should stand "
            "on it.",
            _with_border,
        ),
        Misconception(
            "The image grows at its upper and left border. Its first pixel should stay first.",
            _above,
        ),
        Misconception(
            "You repeat the border. A mirror continues with the pixel *before* the last one.",
            lambda image: _padded(image, "replicate"),
        ),
        Misconception(
            "You add zeros, an edge that no photograph has.",
            lambda image: _padded(image, "constant"),
        ),
    ),
)

EXERCISES = (NOISE_PSNR, MULTIPLE)
