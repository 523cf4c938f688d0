"""Answers to the exercises of notebook 07, as learners write them."""

import math

import torch
from torch.nn import functional as F


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


RIGHT = {
    "7.1": [
        lambda sigma, peak: 20 * math.log10(peak / sigma),
        lambda sigma, peak: -10 * math.log10((sigma / peak) ** 2),
        lambda sigma, peak: 20 * torch.log10(torch.tensor(peak / sigma)),
    ],
    "7.2": [pad, flipped],
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
