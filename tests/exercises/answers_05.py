"""Answers to the exercises of notebook 05, as learners write them."""

import math

import numpy as np
import torch

from tests.exercises.partly import partly


def loop_crossing(guide, channels, size, halve=True, both=False):
    total = 0
    for width in channels:
        index = size * size * (2 if both else 1)
        total += {
            "one map": index,
            "a map a channel": width * index,
            "positions of maxima": width * (size // 2) * (size // 2),
            "nothing": 0,
        }[guide]
        if halve:
            size = size // 2
    return total


def one_line_crossing(guide, channels, size):
    if guide == "nothing":
        return 0
    share = 0.25 if guide == "positions of maxima" else 1
    widths = [1] * len(channels) if guide == "one map" else channels
    return sum(share * w * (size / 2**k) ** 2 for k, w in enumerate(widths))


def pixels_for_maxima(guide, channels, size):
    return loop_crossing(guide.replace("positions of maxima", "a map a channel"), channels, size)


def regions_for_maps(guide, channels, size):
    count = loop_crossing(guide, channels, size)
    return count if guide == "positions of maxima" else count // 4


def loop_pooled(psnrs):
    errors = [10 ** (-p / 10) for p in psnrs.tolist()]
    return -10 * math.log10(sum(errors) / len(errors))


def by_rmse(psnrs):
    rmse = torch.pow(10, -psnrs / 20)
    return -20 * torch.log10(torch.sqrt(torch.mean(rmse**2)))


def by_tensors(guide, channels, size):
    """Makes what crosses and counts it."""
    total = 0
    for k, width in enumerate(channels):
        x = torch.zeros(width, size >> k, size >> k)
        if guide == "one map":
            total += x[0].numel()
        elif guide.startswith("a map"):
            total += x.numel()
        elif guide.startswith("positions"):
            total += x[:, ::2, ::2].numel()
    return total


def recursive_crossing(guide, channels, size):
    if not channels:
        return 0
    first, *rest = channels
    here = {"one map": 1, "a map a channel": first, "positions of maxima": first / 4}.get(guide, 0)
    return here * size * size + recursive_crossing(guide, rest, size // 2)


RIGHT = {
    "5.1": [
        loop_crossing,
        one_line_crossing,
        lambda guide, channels, size: torch.tensor(loop_crossing(guide, channels, size)),
        by_tensors,
        lambda guide, channels, size: np.array(loop_crossing(guide, channels, size)),
        lambda guide, channels, size: float(one_line_crossing(guide, channels, size)),
        recursive_crossing,
    ],
    "5.2": [
        loop_pooled,
        by_rmse,
        lambda psnrs: (
            -10
            * (torch.logsumexp(-psnrs * math.log(10) / 10, 0) - math.log(len(psnrs)))
            / math.log(10)
        ),
        lambda psnrs: -10 * np.log10(np.mean(10 ** (-psnrs.numpy() / 10))),
        lambda psnrs: -10 * torch.log10(torch.pow(10.0, psnrs / -10).sum() / psnrs.numel()),
        lambda psnrs: -10 * (0.1 ** (psnrs / 10)).mean().log10().reshape(1),
        lambda psnrs: (-10 * (10 ** (-psnrs.double() / 10)).mean().log10()).item(),
        lambda psnrs: 10 * math.log10(len(psnrs) / sum(10 ** (-float(p) / 10) for p in psnrs)),
    ],
}

WRONG = {
    "5.1": [
        ("You count both index maps", lambda g, c, s: loop_crossing(g, c, s, both=True)),
        ("at the size of the image", lambda g, c, s: loop_crossing(g, c, s, halve=False)),
        (
            "their number plays no part",
            lambda g, c, s: loop_crossing(g.replace("one map", "a map a channel"), c, s),
        ),
        ("not for every region", regions_for_maps),
        ("one position for each maximum", pixels_for_maxima),
        ("You count the first stage only", lambda g, c, s: loop_crossing(g, c[:1], s)),
    ],
    "5.2": [
        ("the mean of the decibels", lambda psnrs: psnrs.sum() / len(psnrs)),
        ("the images' RMSEs", lambda psnrs: -20 * torch.log10((10 ** (-psnrs / 20)).mean())),
        ("The sign in the exponent", lambda psnrs: 10 * torch.log10((10 ** (psnrs / 10)).mean())),
        ("You add the squared errors", lambda p: loop_pooled(p) - 10 * math.log10(len(p))),
        ("not of e", lambda psnrs: -10 * torch.log10(torch.exp(-psnrs / 10).mean())),
        ("This is the worst image", lambda psnrs: min(psnrs.tolist())),
    ],
}

UNEXPLAINED = {
    "5.1": [
        lambda g, c, s: 0,
        lambda g, c, s: loop_crossing("one map", c, s),
        lambda g, c, s: loop_crossing("a map a channel", c, s),
        lambda g, c, s: loop_crossing("positions of maxima", c, s),
        lambda g, c, s: loop_crossing(g, (32, 64, 128), s),
        lambda g, c, s: loop_crossing(g, c, 32),
        lambda g, c, s: loop_crossing(g, c[:3], s),
        lambda g, c, s: loop_crossing(g, c[-1:], s),
        lambda g, c, s: loop_crossing(g, c, s // 2),
        lambda g, c, s: loop_crossing(g, c, s) + (g == "nothing"),
        lambda g, c, s: loop_crossing(g, c, s) * 32,
        lambda g, c, s: {"one map": loop_crossing(g, c, s)}[g],
        partly(loop_crossing, lambda g, c, s: g != "nothing", lambda g, c, s: None),
        partly(loop_crossing, lambda g, c, s: len(c) == 3, lambda g, c, s: 1),
    ],
    "5.2": [
        lambda psnrs: psnrs.median(),
        lambda psnrs: psnrs.max(),
        lambda psnrs: psnrs,
        lambda psnrs: (10 ** (-psnrs / 10)).mean(),
        lambda psnrs: -20 * (10 ** (-psnrs / 10)).mean().log10(),
        lambda psnrs: -10 * (10 ** (-psnrs / 10)).mean().log(),
        lambda psnrs: 10 * (10 ** (-psnrs / 10)).mean().log10(),
        lambda psnrs: loop_pooled(psnrs[:2]),
        lambda psnrs: loop_pooled(psnrs[:3]),
        lambda psnrs: loop_pooled(psnrs.abs()),
        lambda psnrs: loop_pooled(psnrs.clamp(min=0)),
        lambda psnrs: loop_pooled(psnrs) if len(psnrs) > 1 else 0.0,
    ],
}
