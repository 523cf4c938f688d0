"""Answers to the exercises of notebook 05, as learners write them."""

import math

import torch


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


RIGHT = {
    "5.1": [
        loop_crossing,
        one_line_crossing,
        lambda guide, channels, size: torch.tensor(loop_crossing(guide, channels, size)),
    ],
    "5.2": [
        loop_pooled,
        by_rmse,
        lambda psnrs: (
            -10
            * (torch.logsumexp(-psnrs * math.log(10) / 10, 0) - math.log(len(psnrs)))
            / math.log(10)
        ),
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
