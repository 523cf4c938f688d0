"""Answers to the exercises of notebook 03, as learners write them."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


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


RIGHT = {
    "3.1": [loop_pool, regions_pool, conv_pool],
    "3.2": [loop_map, Shuffled(), stacked_map],
    "3.3": [
        by_hand,
        lambda logits: [torch.softmax(torch.sigmoid(logits), 1), torch.sigmoid(logits)],
        lambda logits: (F.softmax(F.sigmoid(logits.double()), dim=1), logits.double().sigmoid()),
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
    ],
    "3.5": [
        loop_weight,
        lambda sharpness: sharpness * (torch.eye(4) - 0.25).reshape(4, 1, 2, 2),
        lambda sharpness: sharpness * torch.eye(4).view(4, 1, 2, 2) + 7,
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
        ("your weight makes the index", lambda sharpness: loop_weight(2 * sharpness)),
    ],
}
