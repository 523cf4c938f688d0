"""Answers to the exercises of notebook 07, as learners write them."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.partly import partly


def pad(image, mode="reflect"):
    height, width = image.shape[-2:]
    return F.pad(image, (0, -width % 8, 0, -height % 8), mode=mode)


def flipped(image):
    down, across = (-size % 8 for size in image.shape[-2:])
    if down:
        image = torch.cat([image, image[..., -1 - down : -1, :].flip(-2)], dim=-2)
    if across:
        image = torch.cat([image, image[..., -1 - across : -1].flip(-1)], dim=-1)
    return image


def always(image):
    height, width = image.shape[-2:]
    return F.pad(image, (0, 8 - width % 8, 0, 8 - height % 8), mode="reflect")


def exchanged(image):
    height, width = image.shape[-2:]
    return F.pad(image, (0, -height % 8, 0, -width % 8), mode="reflect")


def with_border(image):
    down, across = (-size % 8 for size in image.shape[-2:])
    if down:
        image = torch.cat([image, image[..., -down:, :].flip(-2)], dim=-2)
    if across:
        image = torch.cat([image, image[..., -across:].flip(-1)], dim=-1)
    return image


def above(image):
    height, width = image.shape[-2:]
    return F.pad(image, (-width % 8, 0, -height % 8, 0), mode="reflect")


def indexed(image):
    """Walks over the mirror's pixels by their numbers."""

    def numbers(size):
        walk = [*range(size), *range(size - 2, -1, -1)]
        return walk[: size + -size % 8]

    return image[..., numbers(image.shape[-2]), :][..., numbers(image.shape[-1])]


def in_two_steps(image):
    image = nn.ReflectionPad2d((0, -image.shape[3] % 8, 0, 0))(image)
    return nn.ReflectionPad2d((0, 0, 0, -image.shape[2] % 8))(image)


def numpy_pad(image):
    down, across = (-size % 8 for size in image.shape[-2:])
    padded = np.pad(image.numpy(), ((0, 0), (0, 0), (0, down), (0, across)), mode="reflect")
    return torch.from_numpy(padded)


def decibels(sigma, peak):
    return 20 * math.log10(peak / sigma)


RIGHT = {
    "7.1": [
        lambda sigma, peak: 20 * math.log10(peak / sigma),
        lambda sigma, peak: -10 * math.log10((sigma / peak) ** 2),
        lambda sigma, peak: 20 * torch.log10(torch.tensor(peak / sigma)),
        lambda sigma, peak: 20 * (np.log10(peak) - np.log10(sigma)),
        lambda sigma, peak: np.array(decibels(sigma, peak)),
        lambda sigma, peak: 20 * math.log(peak / sigma, 10),
        lambda sigma, peak: 10 * math.log2((peak / sigma) ** 2) / math.log2(10),
        lambda sigma, peak: torch.tensor([decibels(sigma, peak)], dtype=torch.float64),
        lambda sigma, peak: -20 * np.log10(np.float32(sigma) / np.float32(peak)),
    ],
    "7.2": [
        pad,
        flipped,
        indexed,
        in_two_steps,
        numpy_pad,
        lambda image: pad(image.double()),
        lambda image: torch.stack([pad(each) for each in image]),
        lambda image: F.pad(
            image,
            (
                0,
                (8 - image.shape[3] % 8) % 8,
                0,
                math.ceil(image.shape[2] / 8) * 8 - image.shape[2],
            ),
            "reflect",
        ),
    ],
}

WRONG = {
    "7.1": [
        ("the square doubles", lambda sigma, peak: 10 * math.log10(peak / sigma)),
        ("upside down", lambda sigma, peak: 20 * math.log10(sigma / peak)),
        ("natural logarithm", lambda sigma, peak: 20 * math.log(peak / sigma)),
        ("255 for the peak", lambda sigma, peak: 20 * math.log10(255 / sigma)),
    ],
    "7.2": [
        ("already grows by eight", always),
        ("exchanged", exchanged),
        ("comes twice", with_border),
        ("upper and left", above),
        ("repeat the border", lambda image: pad(image, "replicate")),
        ("add zeros", lambda image: pad(image, "constant")),
    ],
}

UNEXPLAINED = {
    "7.1": [
        lambda sigma, peak: 20.17,
        lambda sigma, peak: -20 * math.log10(sigma),
        lambda sigma, peak: abs(decibels(sigma, peak)),
        lambda sigma, peak: max(0, decibels(sigma, peak)),
        lambda sigma, peak: round(decibels(sigma, peak)),
        lambda sigma, peak: 20 * math.log10(peak - sigma) if peak > sigma else 0,
        lambda sigma, peak: 20 * math.log10(peak**2 / sigma),
        lambda sigma, peak: 20 * math.log10(peak // sigma),
        lambda sigma, peak: decibels(sigma, peak) if peak != 1 else -decibels(sigma, peak),
        lambda sigma, peak: f"{decibels(sigma, peak)} dB",
    ],
    "7.2": [
        lambda image: image,
        lambda image: pad(image)[..., :16, :16],
        lambda image: pad(image, "circular"),
        lambda image: pad(image)[:1],
        lambda image: pad(image).abs(),
        lambda image: F.pad(image, (0, 1, 0, 2), mode="reflect"),
        lambda image: image[..., : image.shape[2] // 8 * 8, : image.shape[3] // 8 * 8],
        lambda image: F.interpolate(image, pad(image).shape[-2:]),
        lambda image: pad(image).mT,
        partly(pad, lambda image: len(image) == 1, lambda image: pad(image[:1])),
        partly(pad, lambda image: image.shape[3] % 8 != 3, lambda image: image),
        lambda image: F.pad(image, (0, -image.shape[2] % 8, 0, -image.shape[2] % 8), "reflect"),
    ],
}
