"""Answers to the exercises of notebook 02, as learners write them."""

import math
from fractions import Fraction

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.partly import partly


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


def pattern(x, size=1.0):
    """+ and − in turn along the rows of a region."""
    y = torch.zeros_like(x)
    y[..., 0::2], y[..., 1::2] = size, -size
    return y


def numpy_double(x):
    y = x.numpy().copy()
    y[..., ::2, :] += 1
    y[..., 1::2, :] -= 1
    return torch.from_numpy(y)


def regions_of(x):
    return x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)


def from_regions(regions):
    n, c, h, w, _ = regions.shape
    return regions.unflatten(-1, (2, 2)).transpose(3, 4).reshape(n, c, 2 * h, 2 * w)


def one_pixel(x):
    """All of a region's sum in its first pixel, or in its second where that is x already."""
    total = regions_of(x).sum(-1)
    first = torch.stack([total, *[torch.zeros_like(total)] * 3], -1)
    second = first.roll(1, -1)
    same = (first == regions_of(x)).all(-1, keepdim=True)
    return from_regions(torch.where(same, second + torch.tensor([5, 0, 0, -5.0]).to(x), first))


def turned(x):
    """A quarter turn within each region."""
    return from_regions(regions_of(x)[..., [2, 0, 3, 1]])


def others_lowered(x, by=1.0):
    """Leaves all that equals the maximum alone, ties included."""
    return torch.where(x == nearest(F.max_pool2d(x, 2)), x, x - by)


def half_way(x):
    """The others move half way up."""
    return (x + nearest(F.max_pool2d(x, 2))) / 2


def numpy_psnr(output, target):
    error = np.clip(output.numpy(), 0, 1) - target.numpy()
    return -20 * np.log10(np.sqrt((error**2).mean()))


def norm_psnr(output, target):
    error = output.clamp(0, 1) - target
    return 20 * (math.sqrt(error.numel()) / error.norm()).log10()


def hmi_by_flat(x):
    n, c, h, w = x.shape
    regions = regions_of(x).amax(1)  # (N, h, w, 4)
    return from_regions(F.one_hot(regions.argmax(-1), 4)[:, None])


def hmi_numpy(x):
    n, _, h, w = x.shape
    loudest = x.numpy().max(1)
    y = np.zeros((n, 1, h, w), dtype=bool)
    for k, i, j in np.ndindex(n, h // 2, w // 2):
        region = loudest[k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        r, s = divmod(int(region.argmax()), 2)
        y[k, 0, 2 * i + r, 2 * j + s] = True
    return torch.from_numpy(y)


def loudest_channel(x):
    """The map of the channel with the largest value of the whole image."""
    which = x.amax((2, 3)).argmax(1)
    return maxima(x)[range(len(x)), which][:, None]


def first_channel_of_equals(x):
    y = torch.zeros_like(x[:, :1])
    for n in range(len(x)):
        for i in range(0, x.shape[2], 2):
            for j in range(0, x.shape[3], 2):
                place = int(x[n, :, i : i + 2, j : j + 2].argmax()) % 4
                y[n, 0, i + place // 2, j + place % 2] = 1
    return y


RIGHT = {
    "2.1": [
        loop_double,
        noise_double,
        Mirrored(),
        numpy_double,
        one_pixel,
        lambda x: x + pattern(x),
        lambda x: x - pattern(x, 0.01),
        lambda x: x + pattern(x, 1000.0),
        lambda x: x.double() + pattern(x.double(), 0.25),
        lambda x: torch.stack([pattern(a[None])[0] + a for a in x]),
        lambda x: turned(x) + pattern(x, 300.0),
        lambda x: nearest(F.avg_pool2d(x, 2)) + pattern(x, 77.0),
    ],
    "2.2": [
        flooded,
        one_lowered,
        lambda x: torch.where(maxima(x).bool(), x, x - torch.rand(x.shape) - 1),
        lambda x: x.masked_fill(maxima(x) == 0, -1000.0),
        lambda x: x.masked_fill(maxima(x) == 0, -torch.inf),
        lambda x: x - 0.01 * (1 - maxima(x)),
        lambda x: x.double() - (1 - maxima(x).double()) / 3,
        lambda x: torch.where(maxima(x) > 0, x, x - x.abs() - 1),
        lambda x: torch.minimum(x, torch.where(maxima(x) > 0, x, -torch.ones_like(x) * 500)),
    ],
    "2.4": [
        lambda channels, height, width: channels * height * width // 2,
        lambda channels, height, width: math.log2(4) * channels * (height / 2) * (width / 2),
        lambda channels, height, width: torch.tensor(channels * height * width / 2),
        lambda channels, height, width: np.array(channels * height * width / 2),
        lambda channels, height, width: np.int64(channels * height * width >> 1),
        lambda channels, height, width: Fraction(channels * height * width, 2),
        lambda channels, height, width: torch.rand(1, channels, height, width).numel() // 4 * 2,
        lambda channels, height, width: [channels * height * width // 2][0],
        lambda *sizes: math.prod(sizes) / 2,
    ],
    "2.3": [
        psnr_loop,
        lambda output, target: 10 * torch.log10(1 / F.mse_loss(output.clamp(0, 1), target)),
        lambda output, target: -20 * math.log10(rmse(output, target).item()),
        lambda output, target: -20 * rmse(output, target).log10().reshape(1),
        numpy_psnr,
        norm_psnr,
        lambda o, t: -10 * ((o.clip(0, 1) - t) ** 2).sum().div(t.numel()).log10(),
        lambda o, t: -10 * torch.log10(((o.clamp(0, 1) - t) ** 2).mean((1, 2, 3)).mean()),
        lambda o, t: -20 * torch.log(rmse(o.double(), t.double())) / math.log(10),
        lambda o, t: 20 * math.log10(1 / float(rmse(o, t))),
    ],
    "2.5": [
        loop_hmi,
        lambda x: maxima(x.amax(1, keepdim=True)),
        lambda x: maxima(x.max(1, True)[0]) > 0,
        hmi_by_flat,
        hmi_numpy,
        lambda x: torch.cat([loop_hmi(image[None]) for image in x]).int(),
        lambda x: maxima(torch.sort(x, 1).values[:, -1:]),
        lambda x: maxima(F.max_pool3d(x[:, None], (x.shape[1], 1, 1))[:, 0]),
    ],
}

WRONG = {
    "2.1": [
        ("carries regions to other places", lambda x: torch.flip(x, [-1])),
        ("Everything is a step to the side", lambda x: torch.roll(x, 1, -1)),
        ("in a constant image", exchanged),
        ("unless every region is constant already", lambda x: nearest(F.avg_pool2d(x, 2))),
        ("the same to every pixel", lambda x: x + 1),
        ("carries regions to other places", lambda x: x.flip(-2)),
        ("as in a constant image", lambda x: from_regions(regions_of(x).flip(-1))),
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
        ("its guide does", lambda x: x.unflatten(2, (-1, 2)).flip(3).flatten(2, 3)),
        ("Change them downwards", lambda x: x + 1 - maxima(x)),
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
        ("or add them up", lambda x: maxima(x.sum(1, keepdim=True))),
        ("row by row", lambda x: maxima(x.amax(1, True).mT).mT),
        ("whichever channel it is in", first_channel_of_equals),
        ("laid over each other", lambda x: maxima(x).amax(1, keepdim=True)),
        ("a soft index", lambda x: maxima(x).mean(1, keepdim=True)),
        ("now mark its maximum", lambda x: x.amax(1, keepdim=True)),
        ("it was copied to all channels", lambda x: maxima(x.amax(1, True)).expand_as(x)),
    ],
}

UNEXPLAINED = {
    "2.1": [
        lambda x: x.clone(),
        lambda x: x + torch.rand(x.shape),
        lambda x: x + 2,
        lambda x: 2 * x,
        lambda x: -x,
        lambda x: x.mT if x.shape[2] == x.shape[3] else x,
        lambda x: torch.zeros_like(x),
        lambda x: x.roll(2, 3),
        lambda x: turned(x),
        lambda x: from_regions(regions_of(x).sort(-1).values),
        lambda x: x.round() + pattern(x),
        lambda x: x * (1 + pattern(x, 0.5)),
        lambda x: x * torch.nan,
        lambda x: nearest(F.max_pool2d(x, 2)),
        lambda x: torch.cat([x[:, :1] + pattern(x[:, :1]), x[:, 1:] + 1], 1),
        partly(loop_double, lambda x: len(x) == 1, lambda x: x + 1),
        partly(loop_double, lambda x: x.shape[2] == x.shape[3], exchanged),
        partly(loop_double, lambda x: x.min() < x.max(), lambda x: x),
        partly(loop_double, lambda x: x.shape[1] != 5, lambda x: x),
    ],
    "2.2": [
        lambda x: x,
        lambda x: x + torch.rand(x.shape),
        lambda x: x - 2,
        lambda x: 2 * x,
        lambda x: -x,
        lambda x: x * maxima(x) + x / 2 * (1 - maxima(x)),
        others_lowered,
        half_way,
        turned,
        lambda x: torch.where(maxima(x) > 0, x, torch.zeros_like(x) - 5),
        lambda x: torch.where(x == nearest(F.max_pool2d(x, 2)), x, torch.full_like(x, -500)),
        lambda x: x - (1 - maxima(x[:, :1])),
        lambda x: x - (1 - maxima(x.mT.contiguous()).mT),
        lambda x: x - (1 - maxima(x.flip(2, 3)).flip(2, 3)),
        lambda x: x * torch.nan,
        lambda x: nearest(F.avg_pool2d(x, 2)),
        partly(one_lowered, lambda x: len(x) == 1, lambda x: x - 1),
        partly(flooded, lambda x: x.min() < x.max(), lambda x: x),
        partly(flooded, lambda x: x.shape[1] in (1, 3), lambda x: x),
    ],
    "2.3": [
        lambda o, t: psnr_loop(o[:1], t[:1]),
        lambda o, t: psnr_loop(o[:, :1], t[:, :1]),
        lambda o, t: -20 * math.log10(F.mse_loss(o.clamp(min=0), t) ** 0.5),
        lambda o, t: -20 * math.log10(F.mse_loss(o.clamp(max=1), t) ** 0.5),
        lambda o, t: -20 * math.log10(F.mse_loss(o.sigmoid(), t) ** 0.5),
        lambda o, t: -10 * torch.log10(((o.clip(0, 1) - t) ** 2).sum() / len(o)),
        lambda o, t: psnr_loop(o, t) + 3,
        lambda o, t: psnr_loop(o, t) * 2 - 1,
        lambda o, t: -20 * torch.log10((o.clip(0, 1) - t).abs().max()),
        lambda o, t: -20 * torch.log10((o.clip(0, 1) - t).std()),
        partly(psnr_loop, lambda o, t: len(o) == 1, lambda o, t: psnr_loop(o[:1], t[:1])),
        partly(psnr_loop, lambda o, t: o.shape[1] == 1, lambda o, t: 0.5 * psnr_loop(o, t)),
    ],
    "2.4": [
        lambda c, h, w: 2 * c * (h // 2) ** 2,
        lambda c, h, w: 2 * c * (w // 2) ** 2,
        lambda c, h, w: math.log2(4 * c) * (h // 2) * (w // 2),
        lambda c, h, w: 2 * (c + (h // 2) * (w // 2)),
        lambda c, h, w: 3 * c * h * w // 4,
        lambda c, h, w: c * h * w // 2 + 1,
        lambda c, h, w: 2 * c**2 * h * w // 4,
        lambda c, h, w: 8,
        lambda c, h, w: 2 * min(c, 3) * h * w // 4,
        lambda c, h, w: 4 ** (c * h * w // 4),
    ],
    "2.5": [
        lambda x: maxima(x.abs().amax(1, keepdim=True)),
        lambda x: maxima(x.amax((0, 1), keepdim=True)).expand(len(x), -1, -1, -1),
        lambda x: maxima(torch.maximum(x[:, :1], x[:, 1:2]) if x.shape[1] > 1 else x),
        lambda x: maxima(x[:, -1:]),
        lambda x: maxima(x.amin(1, keepdim=True)),
        lambda x: maxima(x.norm(dim=1, keepdim=True)),
        lambda x: loop_hmi(x).mT if x.shape[2] == x.shape[3] else loop_hmi(x),
        lambda x: loop_hmi(x[:1]).expand(len(x), -1, -1, -1),
        lambda x: loop_hmi(x)[:, 0],
        lambda x: 1 - loop_hmi(x),
        loudest_channel,
        partly(loop_hmi, lambda x: x.shape[1] == 3, lambda x: maxima(x[:, :1])),
        partly(loop_hmi, lambda x: x.min() >= 0, lambda x: maxima(x.abs().amax(1, True))),
    ],
}
