"""Answers to the exercises of notebook 04, as learners write them."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.partly import partly


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


def by_jacobian(block, channels):
    x = torch.randn(1, channels, 2, 2, dtype=torch.float64)
    seen = torch.autograd.functional.jacobian(block, x)[0, :, :, 0, 0, 0]  # (4, G, C, 2, 2)
    if seen.shape[1] == 1:
        return "holistic"
    own = torch.eye(channels, dtype=torch.bool)
    if seen[:, ~own].abs().max() > 0:
        return "m2o"
    weights = seen[:, own]  # (4, C, 2, 2)
    return "shared" if torch.allclose(weights, weights[:, :1]) else "unshared"


def by_single_channels(block, channels):
    """Feeds ones to one channel after the other."""
    maps = []
    for c in range(channels):
        x = torch.zeros(2, channels, 4, 6)
        x[:, c] = 1
        maps.append(block(x)[0, :, :, 0, 0])
    if maps[0].shape[1] == 1:
        return "holistic"
    others = [m[:, g] for c, m in enumerate(maps) for g in range(channels) if g != c]
    if any(float(other.abs().sum()) > 0 for other in others):
        return "m2o"
    same = all(bool((m[:, c] - maps[0][:, 0]).abs().max() < 1e-5) for c, m in enumerate(maps))
    return "shared" if same else "unshared"


def by_batch(block, channels):
    """One image for each channel, a constant of its own in it."""
    x = torch.eye(channels)[:, :, None, None].expand(-1, -1, 2, 2)
    y = block(x)[..., 0, 0]  # (C, 4, G)
    if y.shape[2] < channels:
        return "holistic"
    own = y[range(channels), :, range(channels)]  # (C, 4)
    if not torch.allclose(y.sum(0).T, own, atol=1e-5):
        return "m2o"
    return "shared" if own.std(0).max() < 1e-5 else "unshared"


def by_lists(block, channels):
    def fed(values):
        x = torch.tensor(values).view(1, channels, 1, 1).expand(1, channels, 2, 2)
        return block(x).flatten(2).mT[0].tolist()  # a list of four numbers for each map

    ones = fed([1.0] * channels)
    if len(ones) == 1:
        return "holistic"
    poked = fed([5.0] + [1.0] * (channels - 1))
    if any(abs(a - b) > 1e-4 for a, b in zip(ones[1][:], poked[1][:], strict=True)):
        return "m2o"
    same = all(abs(a - b) < 1e-4 for one in ones for a, b in zip(one, ones[0], strict=True))
    return "shared" if same else "unshared"


def by_numpy(block, channels):
    x = np.random.default_rng(0).random((1, channels, 8, 8))
    first = block(torch.from_numpy(x)).numpy()
    if first.shape[2] == 1:
        return "holistic"
    x[:, 1:] = 0
    second = block(torch.from_numpy(x)).numpy()
    if not np.allclose(first[:, :, 0], second[:, :, 0]):
        return "m2o"
    x[:, 1:] = x[:, :1]
    third = block(torch.from_numpy(x)).numpy()
    return "shared" if np.ptp(third, axis=2).max() < 1e-9 else "unshared"


def by_swapping(block, channels):
    x = torch.rand(1, channels, 2, 2)
    order = [*range(1, channels), 0]
    y = block(x)
    if y.shape[2] != channels:
        return "holistic"
    alone = torch.zeros_like(x)
    alone[:, 0] = x[:, 0]
    if (block(alone)[:, :, 1:] != 0).any():
        return "m2o"
    return "shared" if torch.allclose(block(x[:, order]), y[:, :, order]) else "unshared"


def instead(**changes):
    def answer(block, channels):
        name = by_gradient(block, channels)
        return changes.get(name, name)

    return answer


def einsum_slices(x, weight):
    patches = F.unfold(x.flatten(0, 1)[:, None], 2, stride=2)  # (N·C, 4, h·w)
    y = weight.flatten(1) @ patches
    n, c, h, w = x.shape
    return y.view(n, c, 4, h // 2, w // 2).permute(0, 2, 1, 3, 4)


def dense_slices(x, weight):
    """One convolution over all channels, zero where a slice would see another."""
    c = x.shape[1]
    full = torch.zeros(4, c, c, 2, 2).to(x)
    full[:, range(c), range(c)] = weight.transpose(0, 1)[0][:, None]
    return F.conv2d(x, full.flatten(0, 1), stride=2).unflatten(1, (4, c))


def volume_slices(x, weight):
    """Channels as the depth of a volume."""
    return F.conv3d(x[:, None], weight[:, :, None], stride=(1, 2, 2))


def loop_pixels(x, weight):
    n, c, h, w = x.shape
    y = x.new_zeros(n, 4, c, h // 2, w // 2)
    for p in range(4):
        for i in range(h // 2):
            for j in range(w // 2):
                region = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                y[:, p, :, i, j] = (region * weight[p, 0]).sum((2, 3))
    return y


def one_family(name):
    return lambda family, c, k: formula(name, c, k)


RIGHT = {
    "4.2": [
        filled,
        lambda a, b, c, d: torch.stack([a, b, c, d]).flatten(0, 1),
        lambda a, b, c, d: torch.vstack((a, b, c, d)),
        lambda *columns: torch.cat(columns, dim=0),
        lambda *columns: torch.concatenate([w.double() for w in columns]),
        lambda a, b, c, d: torch.cat([torch.cat([a, b]), torch.cat([c, d])]),
        lambda *columns: torch.stack(columns).reshape(-1, *columns[0].shape[1:]),
        lambda *columns: torch.stack([kernel for column in columns for kernel in column]),
        lambda a, b, c, d: nn.Parameter(torch.cat((a, b, c, d))),
    ],
    "4.3": [
        loop_slices,
        grouped_slices,
        Regions(),
        einsum_slices,
        dense_slices,
        volume_slices,
        loop_pixels,
        lambda x, weight: torch.stack([loop_slices(image[None], weight)[0] for image in x]),
        lambda x, weight: folded(x, weight).unflatten(0, x.shape[:2]).permute(0, 2, 1, 3, 4),
        lambda x, weight: loop_slices(x.double(), weight.double()),
    ],
    "4.4": [
        formula,
        built,
        lambda family, c, k: torch.tensor(formula(family, c, k)),
        lambda family, c, k: float(formula(family, c, k)),
        lambda family, c, k: np.array([formula(family, c, k)]),
        lambda family, channels, kernel: {
            "holistic": 2 * channels**2 * kernel**2 + 12 * channels,
            "m2o": 4 * (2 * channels**2 * kernel**2 + 4 * channels + 2 * channels**2),
            "o2o_unshared_stagewise": 4 * channels * (2 * kernel**2 + 6),
        }.get(family, 4 * (2 * kernel**2 + 6)),
        lambda family, c, k: sum([formula(family, c, k)]) + 0.0,
    ],
    "4.5": [
        lambda c, size: (16 * c * (size // 2) ** 2, 16 * (size // 2) ** 2),
        lambda c, size: [4.0 * c * size * size, 4.0 * size * size],
        lambda c, size: (torch.tensor(4 * c * size**2), torch.tensor(4 * size**2)),
        lambda c, size: torch.tensor([c, 1]) * 4 * size**2,
        lambda c, size: np.array([c, 1]) * 4 * size**2,
        lambda c, size: torch.tensor([4.0 * c * size**2, 4.0 * size**2]),
        lambda c, size: [np.int64(4 * c * size * size), 4 * size * size],
        lambda c, size: np.array([[4 * c * size**2], [4 * size**2]]),
        lambda c, size: (
            4 * c * torch.rand(size, size).numel(),
            torch.rand(2 * size, 2 * size).numel(),
        ),
    ],
    "4.1": [
        by_gradient,
        by_jacobian,
        by_single_channels,
        by_swapping,
        by_batch,
        by_lists,
        by_numpy,
    ],
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
            "channels and positions are mixed",
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
        ("one-to-one to you", instead(m2o="unshared")),
        ("one-to-one to you", instead(m2o="unshared", shared="unshared")),
        ("not told apart", instead(unshared="shared")),
    ],
}

UNEXPLAINED = {
    "4.1": [
        lambda block, channels: "m2o",
        lambda block, channels: "shared",
        lambda block, channels: None,
        lambda block, channels: by_gradient(block, channels).upper(),
        lambda block, channels: by_gradient(block, 3),
        lambda block, channels: "o2o" if "shared" in by_gradient(block, channels) else "m2o",
        lambda block, channels: {16: "shared"}.get(block.weight.numel(), "m2o"),
        lambda block, channels: "m2o" if sum(p.numel() for p in block.parameters()) > 99 else "o2o",
        instead(holistic="shared"),
        instead(holistic="m2o", m2o="holistic"),
        instead(m2o="shared"),
        partly(by_gradient, lambda block, channels: channels == 3, lambda block, channels: "m2o"),
        partly(by_gradient, lambda block, channels: channels < 5, instead(shared="unshared")),
    ],
    "4.2": [
        lambda a, b, c, d: torch.cat([d, c, b, a]),
        lambda a, b, c, d: torch.cat([a, b, c]),
        lambda a, b, c, d: torch.cat([a, a, a, a]),
        lambda *w: torch.cat(w).flip(-1),
        lambda *w: torch.cat(w).transpose(0, 1),
        lambda *w: torch.cat(w).abs(),
        lambda *w: torch.cat(w) / 4,
        lambda *w: torch.cat(w)[: 4 * w[0].shape[1]],
        lambda *w: torch.cat([column[:2] for column in w]),
        lambda *w: torch.stack(w, 2).flatten(1, 2).reshape(-1, *w[0].shape[1:]),
        lambda *w: torch.cat([column.mT for column in w]),
        partly(filled, lambda *w: len(w[0]) == w[0].shape[1], lambda *w: torch.cat(w, 1)),
        partly(filled, lambda *w: w[0].shape[-1] == 2, lambda *w: torch.stack(w)),
    ],
    "4.3": [
        lambda x, weight: loop_slices(x, weight)[:, :, :3],
        lambda x, weight: loop_slices(x, weight).sum(2, keepdim=True),
        lambda x, weight: loop_slices(x, weight.mT),
        lambda x, weight: loop_slices(x, weight).abs(),
        lambda x, weight: loop_slices(x.clamp(min=0), weight),
        lambda x, weight: loop_slices(x, weight)[:, [0, 2, 1, 3]],
        lambda x, weight: loop_slices(x[:1], weight).expand(len(x), -1, -1, -1, -1),
        lambda x, weight: loop_slices(x, weight).flatten(1, 2),
        lambda x, weight: folded(x, weight),
        lambda x, weight: loop_slices(x, weight) / x.shape[1],
        partly(loop_slices, lambda x, w: x.shape[1] == 3, lambda x, w: loop_slices(x, w) * 2),
        partly(loop_slices, lambda x, w: len(x) == 1, lambda x, w: loop_slices(x, w).flip(0)),
    ],
    "4.4": [
        one_family("holistic"),
        one_family("m2o"),
        one_family("o2o_unshared_stagewise"),
        one_family("o2o_modelwise"),
        lambda f, c, k: formula(f, c, 2),
        lambda f, c, k: formula(f, c, k) + 1,
        lambda f, c, k: formula(f, c, k, expansion=4),
        lambda f, c, k: formula(f, c, k, norm=1),
        lambda f, c, k: formula(f, 32, k),
        lambda f, c, k: formula(f, c, k) if f != "o2o_modelwise" else 0,
        lambda f, c, k: formula(f, c, k) if f != "m2o" else formula("holistic", c, k),
        lambda f, c, k: formula(f, c, k) if f != "holistic" else formula("m2o", c, k),
        lambda f, c, k: formula(f, c, k) if c > 3 else 0,
        lambda f, c, k: {"holistic": 1}[f],
    ],
    "4.5": [
        lambda c, size: 4 * c * size**2,
        lambda c, size: (4 * c * size**2,),
        lambda c, size: torch.tensor([4 * c * size**2] * 3),
        lambda c, size: (4 * c * size**2 / 2**30, 4 * size**2 / 2**30),
        lambda c, size: (4 * c * size**2, 4 * size**2 // 4),
        lambda c, size: (4 * c * size**2, 4 * size**2 + 1),
        lambda c, size: (8 * c * size**2, 8 * size**2),
        lambda c, size: (4 * c * size, 4 * size),
        lambda c, size: (4 * 8 * size**2, 4 * size**2),
        partly(lambda c, s: (4 * c * s**2, 4 * s**2), lambda c, s: c != 3, lambda c, s: (0, 0)),
        lambda c, size: "4 c size²",
    ],
}
