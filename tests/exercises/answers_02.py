"""Answers to the exercises of notebook 02, as learners write them."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def nearest(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def loop_double(x):
    y = x.clone()
    for i in range(0, x.shape[2], 2):
        for j in range(0, x.shape[3], 2):
            y[:, :, i, j] += 0.5
            y[:, :, i + 1, j + 1] -= 0.5
    return y


def noise_double(x):
    noise = torch.rand(x.shape, dtype=x.dtype) + 0.1
    return x + noise - nearest(F.avg_pool2d(noise, 2))


class Mirrored(nn.Module):
    """x mirrored inside the regions about their average, and a pattern where that is x."""

    def forward(self, x):
        sign = torch.ones_like(x)
        sign[:, :, 1::2] = -1
        return 2 * nearest(F.avg_pool2d(x, 2)) - x + sign


def maxima(x):
    """1 at the first maximum of each region."""
    values, places = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(torch.ones_like(values), places, 2)


def flooded(x):
    return torch.where(maxima(x) > 0, x, x.min() - 1)


def one_lowered(x):
    y = x.clone()
    where = maxima(x)[:, :, :2, :2].flatten(2).argmax(-1)  # of the first region
    other = 3 - where
    for n in range(len(x)):
        for c in range(x.shape[1]):
            y[n, c, other[n, c] // 2, other[n, c] % 2] -= 5
    return y


def exchanged(x):
    y = torch.empty_like(x)
    y[..., 0::2], y[..., 1::2] = x[..., 1::2], x[..., 0::2]
    return y


def psnr_loop(output, target):
    total, count = 0.0, 0
    for o, t in zip(output.flatten().tolist(), target.flatten().tolist()):  # noqa: B905
        total += (min(max(o, 0), 1) - t) ** 2
        count += 1
    return -20 * math.log10(math.sqrt(total / count))


def rmse(output, target):
    return torch.sqrt(F.mse_loss(output.clip(0, 1), target))


def each_psnr(output, target):
    values = [-20 * math.log10(rmse(o, t)) for o, t in zip(output, target)]  # noqa: B905
    return sum(values) / len(values)


def loop_hmi(x):
    n, c, h, w = x.shape
    y = torch.zeros(n, 1, h, w)
    for k in range(n):
        for i in range(0, h, 2):
            for j in range(0, w, 2):
                best = int(x[k, :, i : i + 2, j : j + 2].amax(0).argmax())
                y[k, 0, i + best // 2, j + best % 2] = 1
    return y


RIGHT = {
    "2.1": [loop_double, noise_double, Mirrored()],
    "2.2": [
        flooded,
        one_lowered,
        lambda x: torch.where(maxima(x).bool(), x, x - torch.rand(x.shape) - 1),
    ],
    "2.4": [
        lambda channels, height, width: channels * height * width // 2,
        lambda channels, height, width: math.log2(4) * channels * (height / 2) * (width / 2),
        lambda channels, height, width: torch.tensor(channels * height * width / 2),
    ],
    "2.3": [
        psnr_loop,
        lambda output, target: 10 * torch.log10(1 / F.mse_loss(output.clamp(0, 1), target)),
        lambda output, target: -20 * math.log10(rmse(output, target).item()),
        lambda output, target: -20 * rmse(output, target).log10().reshape(1),
    ],
    "2.5": [
        loop_hmi,
        lambda x: maxima(x.amax(1, keepdim=True)),
        lambda x: maxima(x.max(1, True)[0]) > 0,
    ],
}

WRONG = {
    "2.1": [
        ("carries regions to other places", lambda x: torch.flip(x, [-1])),
        ("Everything is a step to the side", lambda x: torch.roll(x, 1, -1)),
        ("in a constant image", exchanged),
        ("unless every region is constant already", lambda x: nearest(F.avg_pool2d(x, 2))),
        ("the same to every pixel", lambda x: x + 1),
        ("This is x itself. Another picture with the same averages", lambda x: x.clone()),
        ("What you add to a region must add up to 0", lambda x: x + torch.rand(x.shape)),
    ],
    "2.2": [
        (
            "zeros are larger than negative maxima",
            lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
        ),
        ("changes the maxima themselves", lambda x: x - 1),
        ("Every pixel takes the maximum", lambda x: nearest(F.max_pool2d(x, 2))),
        ("its guide does", exchanged),
        ("Change them downwards", lambda x: torch.where(maxima(x) > 0, x, x + 20)),
        ("This is x itself. Another picture with the same maxima", lambda x: x),
        ("The maxima are not those of x", lambda x: x + torch.rand(x.shape)),
    ],
    "2.4": [
        ("Only four masks can occur", lambda c, h, w: 4 * c * (h // 2) * (w // 2)),
        ("for every pixel", lambda c, h, w: 2 * c * h * w),
        ("The channels are missing", lambda c, h, w: 2 * (h // 2) * (w // 2)),
        ("64 bits that PyTorch stores", lambda c, h, w: 64 * c * (h // 2) * (w // 2)),
        ("the number of regions", lambda c, h, w: c * (h // 2) * (w // 2)),
        ("in the whole channel", lambda c, h, w: c * h * w / 4 * math.log2(h * w)),
    ],
    "2.3": [
        ("clip the output first", lambda o, t: -20 * math.log10(F.mse_loss(o, t) ** 0.5)),
        ("the mean of the images' own", each_psnr),
        ("half of the decibels", lambda o, t: -10 * torch.log10(rmse(o, t))),
        ("twice the decibels", lambda o, t: -20 * torch.log10(rmse(o, t) ** 2)),
        ("natural logarithm", lambda o, t: -20 * torch.log(rmse(o, t))),
        ("sign is turned round", lambda o, t: 20 * torch.log10(rmse(o, t))),
        ("mean absolute error", lambda o, t: -20 * torch.log10(F.l1_loss(o.clamp(0, 1), t))),
        ("RMSE itself", rmse),
    ],
    "2.5": [
        ("C times as many bits", maxima),
        ("must not be averaged away", lambda x: maxima(x.mean(1, keepdim=True))),
        (
            "more than one 1 in a region",
            lambda x: (x.amax(1, True) == nearest(F.max_pool2d(x, 2).amax(1, True))).float(),
        ),
        ("Every channel has a say", lambda x: maxima(x[:, :1])),
        ("laid over each other", lambda x: maxima(x).amax(1, keepdim=True)),
        ("a soft index", lambda x: maxima(x).mean(1, keepdim=True)),
        ("now mark its maximum", lambda x: x.amax(1, keepdim=True)),
        ("it was copied to all channels", lambda x: maxima(x.amax(1, True)).expand_as(x)),
    ],
}
