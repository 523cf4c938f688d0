"""Answers to the exercises of notebook 03, as learners write them."""

import math
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.partly import partly


def loop_pool(x, index_map, k):
    n, c, h, w = x.shape
    weighed = x * index_map
    y = x.new_zeros(n, c, h // k, w // k)
    for i in range(h // k):
        for j in range(w // k):
            y[:, :, i, j] = weighed[:, :, k * i : k * i + k, k * j : k * j + k].sum((2, 3))
    return y


def regions_pool(x, index_map, k):
    n, c, h, w = x.shape
    return (x * index_map).view(n, c, h // k, k, w // k, k).sum((3, 5))


def conv_pool(x, index_map, k):
    c = x.shape[1]
    return F.conv2d(x * index_map, torch.ones(c, 1, k, k).to(x), stride=k, groups=c)


def loop_map(columns):
    n, _, g, h, w = columns.shape
    y = torch.zeros(n, g, 2 * h, 2 * w)
    for p in range(4):
        y[:, :, p // 2 :: 2, p % 2 :: 2] = columns[:, p]
    return y


class Shuffled(nn.Module):
    def forward(self, columns):
        return F.pixel_shuffle(columns.transpose(1, 2).flatten(1, 2), 2)


def stacked_map(columns):
    a, b, c, d = columns.unbind(1)
    top, bottom = torch.stack([a, b], -1).flatten(-2), torch.stack([c, d], -1).flatten(-2)
    return torch.stack([top, bottom], -2).flatten(-3, -2)


def quadrants(columns):
    n, _, g, h, w = columns.shape
    y = columns.new_zeros(n, g, 2 * h, 2 * w)
    for p in range(4):
        i, j = divmod(p, 2)
        y[:, :, i * h : (i + 1) * h, j * w : (j + 1) * w] = columns[:, p]
    return y


def columns_down(columns):
    y = stacked_map(columns).clone()
    y[:, :, 0::2, 1::2], y[:, :, 1::2, 0::2] = columns[:, 2], columns[:, 1]
    return y


def by_hand(logits):
    decoder = 1 / (1 + torch.exp(-logits))
    e = torch.exp(decoder)
    return e / e.sum(1, keepdim=True), decoder


def over_map(logits):
    s = torch.sigmoid(logits)
    e = torch.exp(s)
    return e / e.sum((1, 3, 4), keepdim=True), s


def bounds_by_softmax(positions, temperature):
    one = torch.zeros(positions)
    one[0] = 1
    return (
        F.softmax((1 - one) / temperature, dim=0)[0],
        F.softmax(one / temperature, dim=0)[0],
    )


def loop_weight(sharpness):
    weight = torch.zeros(4, 1, 2, 2)
    for p in range(4):
        weight[p, 0, p // 2, p % 2] = sharpness
    return weight


def unfolded_pool(x, index_map, k):
    return (x * index_map).unfold(2, k, k).unfold(3, k, k).sum((-1, -2))


def einsum_pool(x, index_map, k):
    n, c, h, w = x.shape
    x, index_map = (
        t.expand(n, c, h, w).reshape(n, c, h // k, k, w // k, k) for t in (x, index_map)
    )
    return torch.einsum("nchawb,nchawb->nchw", x, index_map)


def im2col_pool(x, index_map, k):
    n, c, h, w = x.shape
    columns = F.unfold(x * index_map, k, stride=k).unflatten(1, (c, k * k))
    return columns.sum(2).unflatten(-1, (h // k, w // k))


def strided_pool(x, index_map, k):
    weighed = x * index_map
    return sum(weighed[..., a::k, b::k] for a in range(k) for b in range(k))


def square_pool(x, index_map, k):
    n, c, h, _ = x.shape
    return (x * index_map).view(n, c, h // k, k, h // k, k).sum((3, 5))


def einsum_map(columns):
    n, _, g, h, w = columns.shape
    return torch.einsum("nabghw->nghawb", columns.unflatten(1, (2, 2))).reshape(n, g, 2 * h, 2 * w)


def deconv_map(columns):
    g = columns.shape[2]
    kernel = torch.eye(4).view(4, 1, 2, 2).repeat(g, 1, 1, 1).to(columns)
    return F.conv_transpose2d(columns.transpose(1, 2).flatten(1, 2), kernel, stride=2, groups=g)


def pixel_map(columns):
    n, _, g, h, w = columns.shape
    y = columns.new_zeros(n, g, 2 * h, 2 * w)
    for i in range(2 * h):
        for j in range(2 * w):
            y[:, :, i, j] = columns[:, 2 * (i % 2) + j % 2, :, i // 2, j // 2]
    return y


def fold_map(columns):
    n, _, g, h, w = columns.shape
    flat = columns.transpose(1, 2).reshape(n, 4 * g, h * w)
    return F.fold(flat, (2 * h, 2 * w), kernel_size=2, stride=2)


def position_softmax(logits):
    s = logits.sigmoid()
    return nn.Softmax(dim=-4)(s), s


def exact_weight(sharpness):
    return torch.diag(torch.full((4,), float(sharpness))).unflatten(1, (1, 2, 2))


RIGHT = {
    "3.1": [
        loop_pool,
        regions_pool,
        conv_pool,
        unfolded_pool,
        einsum_pool,
        im2col_pool,
        strided_pool,
        lambda x, i, k: F.avg_pool2d(x * i, k, divisor_override=1),
        lambda x, i, k: nn.AvgPool2d(k)(i * x) * k * k,
        lambda x, i, k: (
            F.lp_pool2d((x * i).clamp(min=0), 1, k) - F.lp_pool2d((-x * i).clamp(min=0), 1, k)
        ),
        lambda x, i, k: loop_pool(x.double(), i.double(), k),
    ],
    "3.2": [
        loop_map,
        Shuffled(),
        stacked_map,
        einsum_map,
        deconv_map,
        pixel_map,
        fold_map,
        lambda columns: torch.cat([F.pixel_shuffle(c, 2) for c in columns.unbind(2)], 1),
        lambda c: F.pixel_shuffle(c.permute(0, 2, 1, 3, 4).reshape(len(c), -1, *c.shape[3:]), 2),
    ],
    "3.3": [
        by_hand,
        lambda logits: [torch.softmax(torch.sigmoid(logits), 1), torch.sigmoid(logits)],
        lambda logits: (F.softmax(F.sigmoid(logits.double()), dim=1), logits.double().sigmoid()),
        position_softmax,
        lambda logits: torch.stack(position_softmax(logits)),
        lambda z: ((z.sigmoid() - z.sigmoid().logsumexp(1, keepdim=True)).exp(), z.sigmoid()),
        lambda z: (F.log_softmax(z.sigmoid(), 1).exp(), 0.5 + 0.5 * torch.tanh(z / 2)),
        lambda z: (z.sigmoid().transpose(1, -1).softmax(-1).transpose(1, -1), z.sigmoid()),
    ],
    "3.4": [
        bounds_by_softmax,
        lambda positions, temperature: np.array(
            [
                1 / (1 + (positions - 1) * np.exp(1 / temperature)),
                1 / (1 + (positions - 1) * np.exp(-1 / temperature)),
            ]
        ).tolist(),
        lambda positions, temperature: (
            math.exp(-1 / temperature) / (math.exp(-1 / temperature) + positions - 1),
            math.exp(1 / temperature) / (math.exp(1 / temperature) + positions - 1),
        ),
        lambda n, t: torch.stack(bounds_by_softmax(n, t)),
        lambda n, t: torch.tensor(bounds_by_softmax(n, t), dtype=torch.float64),
        lambda n, t: np.array(bounds_by_softmax(n, t)),
        lambda n, t: [float(bound) for bound in bounds_by_softmax(n, t)],
        lambda n, t: sorted(bounds_by_softmax(n, t)),
        lambda n, t: tuple(1 / (1 + (n - 1) * np.exp(np.array([1, -1]) / t))),
        lambda n, t: torch.stack(bounds_by_softmax(n, t))[:, None],
    ],
    "3.5": [
        loop_weight,
        lambda sharpness: sharpness * (torch.eye(4) - 0.25).reshape(4, 1, 2, 2),
        lambda sharpness: sharpness * torch.eye(4).view(4, 1, 2, 2) + 7,
        exact_weight,
        lambda s: s * torch.eye(4).view(4, 1, 2, 2) - 1000,
        lambda s: torch.eye(4, dtype=torch.float64).view(4, 1, 2, 2) * s,
        lambda s: s * torch.eye(4).view(4, 1, 2, 2) + torch.arange(4.0).view(1, 1, 2, 2),
        lambda s: s * F.one_hot(torch.arange(4)).view(4, 1, 2, 2),
        lambda s: nn.Parameter(loop_weight(s)),
        lambda s: torch.block_diag(*[torch.tensor([[float(s)]])] * 4).reshape(4, 1, 2, 2),
    ],
}

WRONG = {
    "3.1": [
        ("this is the mean of each region", lambda x, i, k: F.avg_pool2d(i * x, k)),
        ("Right for k = 2 only", lambda x, i, k: F.avg_pool2d(i * x, k) * 4),
        ("moves one pixel at a time", lambda x, i, k: k * k * F.avg_pool2d(x * i, k, 1)),
        ("features and index apart", lambda x, i, k: regions_pool(x, 1, k) * regions_pool(i, 1, k)),
        (
            "divide by the sum of the index",
            lambda x, i, k: regions_pool(x, i, k) / regions_pool(i, 1, k),
        ),
        ("largest product", lambda x, i, k: F.max_pool2d(x * i, k)),
        ("as a convolution would", lambda x, i, k: loop_pool(x, i, k).sum(1, keepdim=True)),
        ("The map is not used", lambda x, i, k: regions_pool(x, 1, k)),
    ],
    "3.2": [
        ("Two positions are exchanged", columns_down),
        ("Right for a single map", lambda columns: F.pixel_shuffle(columns.flatten(1, 2), 2)),
        (
            "Only the shape was changed",
            lambda c: c.contiguous().view(len(c), c.shape[2], 2 * c.shape[3], 2 * c.shape[4]),
        ),
        ("a quadrant of its own", quadrants),
        ("wrong way round", lambda columns: loop_map(columns.flip(1))),
    ],
    "3.3": [
        ("softmax of the logits themselves", lambda z: (torch.softmax(z, 1), torch.sigmoid(z))),
        ("over the wrong axis", lambda z: (torch.softmax(torch.sigmoid(z), -1), z.sigmoid())),
        ("over the whole map", over_map),
        ("The two are exchanged", lambda z: by_hand(z)[::-1]),
        ("went through the softmax as well", lambda z: (by_hand(z)[0], by_hand(z)[0])),
        ("third row", lambda z: (z.softmax(1).sigmoid(), z.softmax(1))),
        (
            "divide the sigmoids by their sum",
            lambda z: (F.normalize(z.sigmoid(), p=1, dim=1), z.sigmoid()),
        ),
    ],
    "3.4": [
        (
            "The temperature is not used",
            lambda n, t: (1 / (1 + (n - 1) * math.e), math.e / (math.e + n - 1)),
        ),
        ("You multiply by the temperature", lambda n, t: bounds_by_softmax(n, 1 / t)),
        ("One position too many", lambda n, t: bounds_by_softmax(n + 1, t)),
        ("Right for 2×2 regions only", lambda n, t: bounds_by_softmax(4, t)),
        ("Exchanged", lambda n, t: bounds_by_softmax(n, t)[::-1]),
        ("from 0 to 1", lambda n, t: (0, 1)),
    ],
    "3.5": [
        ("picks the minimum", lambda sharpness: -loop_weight(sharpness)),
        ("average pooling", lambda sharpness: torch.full((4, 1, 2, 2), sharpness)),
        ("Top right and bottom left", lambda sharpness: loop_weight(sharpness).mT),
        ("the argument is not used", lambda sharpness: loop_weight(1)),
        ("the wrong way round", lambda sharpness: loop_weight(sharpness).flip(0)),
    ],
}

UNEXPLAINED = {
    "3.1": [
        square_pool,
        lambda x, i, k: regions_pool(x, i.abs(), k),
        lambda x, i, k: regions_pool(x, i[:, :1], k),
        lambda x, i, k: regions_pool(x.clamp(min=0), i, k),
        lambda x, i, k: regions_pool(x, i.clamp(0, 1), k),
        lambda x, i, k: F.avg_pool2d(x * i, k) * k,
        lambda x, i, k: F.avg_pool2d(x * i, k) * (4 if k == 2 else 9),
        lambda x, i, k: F.avg_pool2d(x * i, 2) * 4 if k == 2 else x,
        lambda x, i, k: regions_pool(x * i, 1, k)[:, :1],
        lambda x, i, k: regions_pool(x, i.softmax(-1), k),
        lambda x, i, k: regions_pool(x + i, 1, k),
        partly(regions_pool, lambda x, i, k: i.shape[1] == x.shape[1], lambda x, i, k: x),
        partly(regions_pool, lambda x, i, k: i.min() >= 0, lambda x, i, k: F.avg_pool2d(x * i, k)),
        partly(regions_pool, lambda x, i, k: len(x) < 3, lambda x, i, k: F.max_pool2d(x * i, k)),
        partial(lambda k, x, i, _: regions_pool(x, i, k), 2),
    ],
    "3.2": [
        partly(loop_map, lambda c: c.shape[2] == 1, lambda c: quadrants(c).mT),
        partly(loop_map, lambda c: c.shape[2] < 3, quadrants),
        partly(loop_map, lambda c: len(c) == 1, columns_down),
        lambda c: F.pixel_shuffle(c[:, :, 0], 2),
        lambda c: loop_map(c[:1]).expand(len(c), -1, -1, -1),
        lambda c: loop_map(c).mT,
        lambda c: loop_map(c).abs(),
        lambda c: loop_map(c).sum(1, keepdim=True),
        lambda c: c.flatten(1, 2),
        lambda c: loop_map(c.flip(-1)),
        lambda c: loop_map(c[:, [1, 0, 3, 2]]),
    ],
    "3.3": [
        lambda z: (z.sigmoid().softmax(1), z),
        lambda z: (z.sigmoid().softmax(1), z.sigmoid().round()),
        lambda z: ((10 * z.sigmoid()).softmax(1), z.sigmoid()),
        lambda z: (z.sigmoid().softmax(1), z.softmax(1)),
        lambda z: (z.sigmoid(), z.sigmoid()),
        lambda z: (z.softmax(1).sigmoid(), z.sigmoid()),
        lambda z: (z.sigmoid().sigmoid(), z.sigmoid()),
        lambda z: (z.sigmoid().softmax(1), (-z).sigmoid()),
        lambda z: z.sigmoid().softmax(1),
        lambda z: tuple(t[:, :, :1] for t in by_hand(z)),
        lambda z: (by_hand(z)[0], by_hand(z.abs())[1]),
        partly(by_hand, lambda z: z.shape[2] == 1, over_map),
        partly(by_hand, lambda z: len(z) == 1, lambda z: by_hand(z)[::-1]),
    ],
    "3.4": [
        lambda n, t: (0.109, 0.475),
        partly(bounds_by_softmax, lambda n, t: n == 4, lambda n, t: (0, 1)),
        partly(bounds_by_softmax, lambda n, t: t == 1, lambda n, t: bounds_by_softmax(n, 2 * t)),
        partly(bounds_by_softmax, lambda n, t: t <= 1, lambda n, t: (0, 1)),
        lambda n, t: (1 / n, bounds_by_softmax(n, t)[1]),
        lambda n, t: (0, bounds_by_softmax(n, t)[1]),
        lambda n, t: (bounds_by_softmax(n, t)[0], 1),
        lambda n, t: bounds_by_softmax(n, t)[1],
        lambda n, t: (*bounds_by_softmax(n, t), 0),
        lambda n, t: (1 / (1 + n * math.exp(1 / t)), 1 / (1 + (n - 1) * math.exp(-1 / t))),
        lambda n, t: bounds_by_softmax(n, t * 2),
    ],
    "3.5": [
        lambda s: loop_weight(2 * s),
        lambda s: loop_weight(s / 4),
        lambda s: loop_weight(s).roll(1, 0),
        lambda s: s * torch.randn(4, 1, 2, 2, generator=torch.Generator().manual_seed(0)),
        lambda s: loop_weight(s) * torch.tensor([1, 1, 1, 2.0]).view(4, 1, 1, 1),
        lambda s: loop_weight(s) + torch.arange(4.0).view(4, 1, 1, 1),
        lambda s: loop_weight(s**2),
        lambda s: s * torch.eye(4),
        lambda s: loop_weight(s).transpose(0, 1),
        partly(loop_weight, lambda s: s >= 1, lambda s: loop_weight(1)),
        lambda s: loop_weight(round(s)),
    ],
}
