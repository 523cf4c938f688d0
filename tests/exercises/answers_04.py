"""Answers to the exercises of notebook 04, as learners write them."""

import torch
from torch import nn
from torch.nn import functional as F


def filled(a, b, c, d):
    n = a.shape[0]
    weight = torch.empty(4 * n, *a.shape[1:], dtype=a.dtype)
    for p, column in enumerate((a, b, c, d)):
        weight[p * n : (p + 1) * n] = column
    return weight


def loop_slices(x, weight):
    return torch.stack([F.conv2d(x[:, [c]], weight, stride=2) for c in range(x.shape[1])], 2)


def grouped_slices(x, weight):
    c = x.shape[1]
    y = F.conv2d(x, weight.repeat(c, 1, 1, 1), stride=2, groups=c)
    return y.unflatten(1, (c, 4)).transpose(1, 2)


class Regions(nn.Module):
    def forward(self, x, weight):
        regions = x.unfold(2, 2, 2).unfold(3, 2, 2)  # (N, C, h, w, 2, 2)
        return torch.einsum("nchwij,pij->npchw", regions, weight[:, 0])


def folded(x, weight):
    n, c, h, w = x.shape
    return F.conv2d(x.reshape(-1, 1, h, w), weight, stride=2)


def formula(family, channels, kernel, norm=2, bias=0, columns=4, expansion=2):
    c, k2, e = channels, kernel * kernel, expansion
    if family == "holistic":
        return e * k2 * c * c + norm * e * c + 4 * e * c + bias * (e * c + 4)
    if family == "m2o":
        return columns * (e * k2 * c * c + norm * e * c + e * c * c + bias * (e * c + c))
    one = columns * (e * k2 + norm * e + e + bias * (e + 1))
    return one * c if "unshared" in family else one


def built(family, channels, kernel):
    """Counts modules instead of using a formula; columns as modules of their own."""
    if family == "holistic":
        sizes, columns = (channels, 2 * channels, 4, 1), 1
    elif family == "m2o":
        sizes, columns = (channels, 2 * channels, channels, 1), 4
    elif family == "o2o_unshared_stagewise":
        sizes, columns = (channels, 2 * channels, channels, channels), 4
    else:
        sizes, columns = (1, 2, 1, 1), 4
    i, h, o, g = sizes
    column = nn.Sequential(
        nn.Conv2d(i, h, kernel, bias=False, groups=g),
        nn.BatchNorm2d(h),
        nn.Conv2d(h, o, 1, bias=False, groups=g),
    )
    return columns * sum(p.numel() for p in column.parameters())


def by_gradient(block, channels):
    x = torch.randn(1, channels, 4, 4, requires_grad=True)
    z = block(x)
    if z.shape[2] == 1:
        return "holistic"
    z[0, :, 0].sum().backward()
    if x.grad[0, 1:].abs().sum() > 0:
        return "m2o"
    same = block(x[:, :1].detach().repeat(1, channels, 1, 1))
    return "shared" if torch.allclose(same[:, :, 0], same[:, :, 1]) else "unshared"


def by_parameters(block, channels):
    count = sum(p.numel() for p in block.parameters())
    if count == 16:
        return "shared"
    if count == 16 * channels**2:
        return "m2o"
    return "holistic" if block(torch.zeros(1, channels, 2, 2)).shape[2] == 1 else "unshared"


def instead(**changes):
    def answer(block, channels):
        name = by_gradient(block, channels)
        return changes.get(name, name)

    return answer


RIGHT = {
    "4.2": [
        filled,
        lambda a, b, c, d: torch.stack([a, b, c, d]).flatten(0, 1),
        lambda a, b, c, d: torch.vstack((a, b, c, d)),
    ],
    "4.3": [loop_slices, grouped_slices, Regions()],
    "4.4": [formula, built, lambda family, c, k: torch.tensor(formula(family, c, k))],
    "4.5": [
        lambda c, size: (16 * c * (size // 2) ** 2, 16 * (size // 2) ** 2),
        lambda c, size: [4.0 * c * size * size, 4.0 * size * size],
        lambda c, size: (torch.tensor(4 * c * size**2), torch.tensor(4 * size**2)),
    ],
    "4.1": [by_gradient, by_parameters],
}

WRONG = {
    "4.2": [
        ("along the inputs", lambda a, b, c, d: torch.hstack((a, b, c, d))),
        ("are interleaved", lambda a, b, c, d: torch.stack((a, b, c, d), 1).flatten(0, 1)),
        ("Top right and bottom left", lambda a, b, c, d: filled(a, c, b, d)),
        ("One dimension too many", lambda a, b, c, d: torch.stack((a, b, c, d))),
        ("This adds the columns", lambda a, b, c, d: a + b + c + d),
    ],
    "4.3": [
        (
            "has mixed channels and positions",
            lambda x, weight: folded(x, weight).view(
                len(x), 4, x.shape[1], x.shape[2] // 2, x.shape[3] // 2
            ),
        ),
        ("channel before position", lambda x, weight: loop_slices(x, weight).transpose(1, 2)),
        (
            "the sum of all channels",
            lambda x, weight: torch.stack(
                [F.conv2d(x, weight.repeat(1, x.shape[1], 1, 1), stride=2)] * x.shape[1], 2
            ),
        ),
        (
            "the index of the first channel",
            lambda x, weight: loop_slices(x, weight)[:, :, [0] * x.shape[1]],
        ),
        (
            "one pixel at a time",
            lambda x, weight: torch.stack(
                [F.conv2d(x[:, [c]], weight) for c in range(x.shape[1])], 2
            ),
        ),
        ("The kernel is flipped", lambda x, weight: loop_slices(x, weight.flip(2, 3))),
    ],
    "4.4": [
        ("Batch normalisation is missing", lambda f, c, k: formula(f, c, k, norm=0)),
        ("Running mean and variance", lambda f, c, k: formula(f, c, k, norm=4)),
        ("have no bias", lambda f, c, k: formula(f, c, k, bias=1)),
        ("You count one.", lambda f, c, k: formula(f, c, k, columns=1)),
        ("Yours is as wide", lambda f, c, k: formula(f, c, k, expansion=1)),
        ("You count M2O", lambda f, c, k: formula("m2o" if "unshared" in f else f, c, k)),
        (
            "You count one for each",
            lambda f, c, k: formula("o2o_unshared_stagewise" if "_shared" in f else f, c, k),
        ),
    ],
    "4.5": [
        ("The two are exchanged", lambda c, size: (4 * size**2, 4 * c * size**2)),
        ("at every pixel", lambda c, size: (16 * c * size**2, 16 * size**2)),
        ("You count one column", lambda c, size: (c * size**2, size**2)),
        ("Both are the true count", lambda c, size: (4 * c * size**2,) * 2),
        ("Both are the paper's count", lambda c, size: (4 * size**2,) * 2),
        ("This is M2O", lambda c, size: ((2 * c * size) ** 2,) * 2),
    ],
    "4.1": [
        ("call all depthwise ones", instead(shared="m2o", unshared="m2o")),
        ("not told apart", instead(shared="unshared")),
        ("are exchanged", instead(shared="unshared", unshared="shared")),
        ("you call it many-to-one", instead(holistic="m2o")),
    ],
}
