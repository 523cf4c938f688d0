"""Answers to the exercises of notebook 01, as learners write them.

RIGHT: id → formulations that must pass. WRONG: id → (words of the misconception, answer).
UNEXPLAINED: id → wrong answers that no misconception explains on every case.
"""

from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.partly import partly


def loop_max(x):
    index_map = torch.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(0, x.shape[2], 2):
                for j in range(0, x.shape[3], 2):
                    place = x[n, c, i : i + 2, j : j + 2].argmax()
                    index_map[n, c, i + place // 2, j + place % 2] = 1
    return index_map


def scattered_max(x):
    values, places = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(torch.ones_like(values), places, 2)


def one_hot_max(x):
    n, c, h, w = x.shape
    regions = x.view(n, c, h // 2, 2, w // 2, 2).transpose(3, 4).reshape(n, c, h // 2, w // 2, 4)
    hot = F.one_hot(regions.argmax(-1), 4)  # int64
    return hot.view(n, c, h // 2, w // 2, 2, 2).transpose(3, 4).reshape(x.shape)


def boolean_max(x):
    regions = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    rank = regions.argmax(-1, keepdim=True)
    hot = torch.arange(4).eq(rank).unflatten(-1, (2, 2))
    return hot.transpose(3, 4).flatten(4, 5).flatten(2, 3)


def all_maxima(x):
    return (x == F.interpolate(F.max_pool2d(x, 2), scale_factor=2)).float()


def last_maximum(x):
    index_map = torch.zeros_like(x)
    for n, c, i, j in np.ndindex(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2):
        best = None
        for r in range(2):
            for s in range(2):
                value = x[n, c, 2 * i + r, 2 * j + s]
                if best is None or value >= best:
                    best, place = value, (2 * i + r, 2 * j + s)
        index_map[n, c, place[0], place[1]] = 1
    return index_map


def whole_channel(x):
    index_map = torch.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            index_map[n, c].view(-1)[x[n, c].argmax()] = 1
    return index_map


def memory_neighbours(x):
    return F.one_hot(x.reshape(-1, 4).argmax(1), 4).reshape(x.shape).float()


def flat_positions(x):
    return F.max_pool2d(x, 2, return_indices=True)[1]


def columns_only(x):
    top, bottom = x[:, :, 0::2], x[:, :, 1::2]
    index_map = torch.zeros_like(x)
    index_map[:, :, 0::2] = (top >= bottom).to(x)
    index_map[:, :, 1::2] = (top < bottom).to(x)
    return index_map


class Copies(nn.Module):
    """1.2 as a module, and the copies as an einsum."""

    def forward(self, d, index_map):
        ones = torch.ones(2, 2, dtype=d.dtype)
        copies = torch.einsum("nchw,ab->nchawb", d, ones).flatten(4, 5).flatten(2, 3)
        return copies * index_map


def loop_upsample(d, index_map):
    n, c, h, w = d.shape
    y = d.new_zeros(n, c, 2 * h, 2 * w)
    for i in range(2 * h):
        for j in range(2 * w):
            y[:, :, i, j] = d[:, :, i // 2, j // 2] * index_map[:, :, i, j]
    return y


def untyped_upsample(d, index_map):
    y = torch.zeros(*d.shape[:2], 2 * d.shape[2], 2 * d.shape[3], dtype=torch.float64)
    y[:, :, ::2, ::2] = y[:, :, ::2, 1::2] = y[:, :, 1::2, ::2] = y[:, :, 1::2, 1::2] = d.double()
    return y * index_map.double()


def nails(d, index_map):
    y = torch.zeros(*d.shape[:2], 2 * d.shape[2], 2 * d.shape[3]).to(d)
    y[:, :, ::2, ::2] = d
    return y * index_map


def loop_line(n, half=True, clamp=True, swap=False):
    matrix = torch.zeros(2 * n, n)
    for i in range(2 * n):
        source = (i + 0.5) / 2 - 0.5 if half else i / 2
        if clamp:
            source = min(max(source, 0), n - 1)
        left = int(np.floor(source))
        share = source - left
        if swap and 0 < share < 1:
            share = 1 - share
        if 0 <= left < n:
            matrix[i, left] += 1 - share
        if 0 <= left + 1 < n:
            matrix[i, left + 1] += share
    return matrix


def exchanged_line(n):
    matrix = torch.zeros(2 * n, n)
    for i in range(2 * n):
        source = max((i + 0.5) / 2 - 0.5, 0)
        left = int(source)
        matrix[i, left] += source - left
        matrix[i, min(left + 1, n - 1)] += 1 - (source - left)
    return matrix


def interpolated_line(n, **options):
    return F.interpolate(torch.eye(n)[None], scale_factor=2, mode="linear", **options)[0].T


def padded_line(n):
    eye = torch.eye(n, dtype=torch.float64)
    before, after = torch.cat([eye[:1], eye[:-1]]), torch.cat([eye[1:], eye[-1:]])
    return torch.stack([0.25 * before + 0.75 * eye, 0.75 * eye + 0.25 * after], 1).flatten(0, 1)


def kernel(channels, line, scale=1.0):
    weight = torch.zeros(channels, channels, 4, 4)
    for c in range(channels):
        weight[c, c] = torch.tensor(line)[:, None] * torch.tensor(line)[None] * scale
    return weight


def einsum_kernel(channels):
    line = torch.tensor([1, 3, 3, 1], dtype=torch.float64) / 4
    return torch.einsum("cd,i,j->cdij", torch.eye(channels, dtype=torch.float64), line, line)


def distance_kernel(channels):
    line = 1 - (torch.arange(4) - 1.5).abs() / 2
    return torch.diag_embed((line[:, None] * line).expand(channels, 4, 4).permute(1, 2, 0)).permute(
        2, 3, 0, 1
    )


def one_kernel(channels, c=None):
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    return torch.outer(line, line).repeat(channels, c or channels, 1, 1)


def same_rows(channels):
    weight = torch.zeros(channels, channels, 4, 4)
    for c in range(channels):
        weight[c, c, :] = torch.tensor([0.25, 0.75, 0.75, 0.25])
    return weight


def loop_shuffle(z, r, channel=lambda c, m, n, r, groups: c * r * r + r * m + n):
    n_images, c_in, h, w = z.shape
    groups = c_in // r**2
    y = z.new_zeros(n_images, groups, r * h, r * w)
    for c in range(groups):
        for m in range(r):
            for n in range(r):
                y[:, c, m::r, n::r] = z[:, channel(c, m, n, r, groups)]
    return y


def view_shuffle(z, r):
    n, c, h, w = z.shape
    return z.view(n, c // r**2, r, r, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, h * r, w * r)


def side_by_side(z, r):
    n, c, h, w = z.shape
    y = z.new_zeros(n, c // r**2, r * h, r * w)
    for group in range(c // r**2):
        for m in range(r):
            for k in range(r):
                block = z[:, group * r**2 + m * r + k]
                y[:, group, m * h : (m + 1) * h, k * w : (k + 1) * w] = block
    return y


def copies(d):
    return F.interpolate(d, scale_factor=2, mode="nearest")


def first_of_equals(x):
    """Compares first, then keeps the first 1 of each region."""
    regions = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    equal = regions == regions.amax(-1, keepdim=True)
    first = equal & (equal.cumsum(-1) == 1)
    return first.unflatten(-1, (2, 2)).transpose(3, 4).reshape(x.shape)


def numpy_max(x):
    image = x.numpy()
    index_map = np.zeros(image.shape, dtype=np.int8)
    for n, c, i, j in np.ndindex(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2):
        region = image[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        row, column = np.unravel_index(region.argmax(), (2, 2))
        index_map[n, c, 2 * i + row, 2 * j + column] = 1
    return torch.from_numpy(index_map)


def strided_max(x):
    corners = torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)])
    place = corners.argmax(0)
    index_map = torch.zeros_like(x)
    for p in range(4):
        index_map[..., p // 2 :: 2, p % 2 :: 2] = place == p
    return index_map


def scatter_max(x):
    places = nn.MaxPool2d(2, return_indices=True)(x)[1].flatten(2)
    return torch.zeros_like(x).flatten(2).scatter_(2, places, 1).reshape(x.shape)


def column_order(x):
    regions = x.unfold(2, 2, 2).unfold(3, 2, 2).mT.flatten(-2)
    hot = F.one_hot(regions.argmax(-1), 4).unflatten(-1, (2, 2)).mT
    return hot.permute(0, 1, 2, 4, 3, 5).reshape(x.shape)


def without_permute(x):
    regions = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    return F.one_hot(regions.argmax(-1), 4).reshape(x.shape)


def square_only(x):
    n, c, h, _ = x.shape
    regions = x.reshape(n, c, h // 2, 2, h // 2, 2).transpose(3, 4).flatten(-2)
    hot = F.one_hot(regions.argmax(-1), 4).unflatten(-1, (2, 2))
    return hot.transpose(3, 4).reshape(n, c, h, h)


def above_zero(x):
    """Wrong where a maximum is 0 or less."""
    return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2) > 0


def not_zero(x):
    return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2) != 0


def indexed_copies(d, index_map):
    rows = torch.arange(2 * d.shape[2]) // 2
    columns = torch.arange(2 * d.shape[3]) // 2
    return d[:, :, rows][..., columns] * index_map


def expanded_copies(d, index_map):
    n, c, h, w = d.shape
    return d[:, :, :, None, :, None].expand(n, c, h, 2, w, 2).reshape(n, c, 2 * h, -1) * index_map


def deconv_copies(d, index_map):
    c = d.shape[1]
    return F.conv_transpose2d(d, torch.ones(c, 1, 2, 2).to(d), stride=2, groups=c) * index_map


def regions_upsample(d, index_map):
    n, g, h, w = index_map.shape
    regions = index_map.reshape(n, g, h // 2, 2, w // 2, 2)
    return (d[:, :, :, None, :, None] * regions).flatten(4, 5).flatten(2, 3)


def own_maps_only(d, index_map):
    """Reads a map for every channel, the last one where there is no other."""
    maps = index_map[:, [min(c, index_map.shape[1] - 1) for c in range(d.shape[1])]]
    return copies(d[:, : index_map.shape[1]]) * maps[:, : index_map.shape[1]]


def tent_line(n):
    outputs, inputs = np.arange(2 * n)[:, None], np.arange(n)[None]
    place = np.clip((outputs + 0.5) / 2 - 0.5, 0, n - 1)
    return torch.tensor(np.maximum(0, 1 - np.abs(place - inputs)))


def bands(n):
    matrix = torch.zeros(2 * n, n)
    for i in range(n):
        matrix[2 * i, i] += 0.75
        matrix[2 * i + 1, i] += 0.75
        matrix[2 * i, max(i - 1, 0)] += 0.25
        matrix[2 * i + 1, min(i + 1, n - 1)] += 0.25
    return matrix


def image_line(n):
    eye = torch.eye(n)[None, None]
    size = (2 * n, n)
    return F.interpolate(eye, size=size, mode="bilinear")[0, 0]


def list_line(n):
    def row(o):
        place = min(max((o + 0.5) / 2 - 0.5, 0), n - 1)
        return [max(0.0, 1 - abs(place - i)) for i in range(n)]

    return torch.tensor([row(o) for o in range(2 * n)])


def four_by_two(n):
    return torch.tensor([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])


def loop_kernel(channels):
    weight = torch.zeros(channels, channels, 4, 4, dtype=torch.float64)
    for c in range(channels):
        for i in range(4):
            for j in range(4):
                weight[c, c, i, j] = (0.75 if i in (1, 2) else 0.25) * (0.75 if 0 < j < 3 else 0.25)
    return weight


def copied_kernel(channels):
    line = torch.tensor([[1.0, 3, 3, 1]])
    weight = torch.zeros(channels, channels, 4, 4)
    weight[range(channels), range(channels)] = line.T @ line / 16
    return weight


def einsum_shuffle(z, r):
    n, c, h, w = z.shape
    blocks = z.unflatten(1, (c // r**2, r, r))
    return torch.einsum("ncabhw->nchawb", blocks).reshape(n, c // r**2, h * r, w * r)


def deconv_shuffle(z, r):
    """A transposed convolution with a kernel of ones and zeros."""
    c = z.shape[1] // r**2
    kernel = torch.eye(r * r).reshape(r * r, 1, r, r).repeat(c, 1, 1, 1).to(z)
    return F.conv_transpose2d(z, kernel, stride=r, groups=c)


def stacked_shuffle(z, r):
    groups = z.split(r * r, dim=1)
    rows = []
    for group in groups:
        blocks = [torch.stack([group[:, r * m + n] for n in range(r)], -1) for m in range(r)]
        rows.append(torch.stack([b.flatten(-2) for b in blocks], 2).flatten(1, 2))
    return torch.stack(rows, 1)


RIGHT = {
    "1.1": [
        loop_max,
        scattered_max,
        one_hot_max,
        boolean_max,
        first_of_equals,
        numpy_max,
        strided_max,
        scatter_max,
        lambda x: first_of_equals(x).to(torch.uint8),
        lambda x: -scatter_max(x) * -1.0,
    ],
    "1.2": [
        Copies(),
        loop_upsample,
        untyped_upsample,
        lambda d, m: torch.kron(d, m[:1, :1, :2, :2] * 0 + 1) * m,
        indexed_copies,
        expanded_copies,
        deconv_copies,
        regions_upsample,
        partial(lambda k, d, m: d.repeat_interleave(k, 3).repeat_interleave(k, 2) * m, 2),
        lambda d, m: nn.UpsamplingNearest2d(scale_factor=2)(d) * m.expand(-1, d.shape[1], -1, -1),
        lambda d, m: nn.Upsample(scale_factor=2)(d).mul(m),
    ],
    "1.3": [
        loop_line,
        interpolated_line,
        padded_line,
        tent_line,
        bands,
        image_line,
        list_line,
        lambda n: F.interpolate(torch.eye(n)[None], size=2 * n, mode="linear").squeeze(0).mT,
    ],
    "1.4": [
        einsum_kernel,
        distance_kernel,
        lambda channels: kernel(channels, [0.25, 0.75, 0.75, 0.25]),
        loop_kernel,
        copied_kernel,
        lambda channels: kernel(channels, [1.0, 3, 3, 1], 1 / 16),
        lambda channels: torch.stack(
            [
                torch.stack(
                    [kernel(1, [0.25, 0.75, 0.75, 0.25])[0, 0] * (i == j) for j in range(channels)]
                )
                for i in range(channels)
            ]
        ),
    ],
    "1.5": [
        loop_shuffle,
        view_shuffle,
        F.pixel_shuffle,
        lambda z, r: nn.PixelShuffle(r)(z),
        einsum_shuffle,
        deconv_shuffle,
        stacked_shuffle,
    ],
}

WRONG = {
    "1.1": [
        ("marks all of them", all_maxima),
        ("the first counts", last_maximum),
        ("of the whole channel", whole_channel),
        ("They lie in one row", memory_neighbours),
        ("within columns only", columns_only),
        ("the minimum", lambda x: loop_max(-x)),
        ("you put the maxima there", lambda x: x * loop_max(x)),
        ("max pooling itself", lambda x: F.max_pool2d(x, 2)),
        ("natural order", flat_positions),
        ("row by row", column_order),
        ("the largest magnitude", lambda x: loop_max(x.abs())),
        (
            "All channels share one map",
            lambda x: loop_max(x.max(1, keepdim=True).values).repeat(1, x.shape[1], 1, 1),
        ),
    ],
    "1.2": [
        ("the map is not used", lambda d, m: copies(d)),
        ("like tiles", lambda d, m: d.repeat(1, 1, 2, 2) * m),
        ("a quarter of what", lambda d, m: copies(d) * m / 4),
        ("into the top left", nails),
        ("It is a weight: multiply", lambda d, m: copies(d) + m),
        ("mixes neighbouring values", lambda d, m: F.interpolate(d, None, 2, "bilinear") * m),
        ("the map itself", lambda d, m: m),
    ],
    "1.3": [
        ("align_corners=True", lambda n: interpolated_line(n, align_corners=True)),
        ("both halves are missing", lambda n: loop_line(n, half=False)),
        ("shares are exchanged", exchanged_line),
        ("the border gets darker", lambda n: loop_line(n, clamp=False)),
        ("nearest interpolation", lambda n: torch.eye(n).repeat_interleave(2, dim=0)),
        ("This is the transpose", lambda n: loop_line(n).T),
        ("half of what it should be", lambda n: loop_line(n) / loop_line(n).sum(0).mean()),
    ],
    "1.4": [
        (
            "factor 4 is forgotten",
            lambda channels: kernel(channels, [0.25, 0.75, 0.75, 0.25], 0.25),
        ),
        ("sent to every channel", one_kernel),
        ("copied to its four places", lambda channels: kernel(channels, [0.0, 1, 1, 0])),
        ("groups=channels", lambda channels: one_kernel(channels, 1)),
        ("a tent over odd places", lambda channels: kernel(channels, [0.5, 1, 0.5, 0])),
        ("All sixteen weights are equal", lambda channels: kernel(channels, [0.5] * 4)),
        ("the product of two lines", same_rows),
    ],
    "1.5": [
        (
            "in yours it lies below",
            lambda z, r: loop_shuffle(z, r, lambda c, m, n, r, g: c * r * r + r * n + m),
        ),
        (
            "C comes before r²",
            lambda z, r: loop_shuffle(z, r, lambda c, m, n, r, g: (r * m + n) * g + c),
        ),
        (
            "keeps the order in memory",
            lambda z, r: z.view(len(z), z.shape[1] // r**2, r * z.shape[2], r * z.shape[3]),
        ),
        (
            "to the letter",
            lambda z, r: loop_shuffle(
                z, r, lambda c, m, n, r, g: c * r * r + (r - 1) * (m + 1) + (n + 1) - 1
            ),
        ),
        ("like a contact sheet", side_by_side),
        ("the other way", F.pixel_unshuffle),
    ],
}

UNEXPLAINED = {
    "1.1": [
        partly(loop_max, lambda x: x.shape[1] in (1, 3), all_maxima),
        partly(loop_max, lambda x: len(x) == 1, lambda x: loop_max(x[:1]).expand_as(x)),
        square_only,
        without_permute,
        above_zero,
        not_zero,
        lambda x: torch.zeros_like(x),
        lambda x: loop_max(x).mT if x.shape[2] == x.shape[3] else loop_max(x),
        lambda x: loop_max(x) + loop_max(-x),
        lambda x: F.interpolate(F.max_pool2d(x, 2), scale_factor=2) - x,
        lambda x: torch.cat([loop_max(x[:, :3]), x[:, 3:]], 1),
        partly(loop_max, lambda x: x.shape[3] <= 6, last_maximum),
    ],
    "1.2": [
        own_maps_only,
        lambda d, m: copies(d) * m.clamp(0, 1),
        lambda d, m: copies(d) * m.abs(),
        lambda d, m: copies(d.clamp(min=0)) * m,
        lambda d, m: copies(d) * (m > 0),
        lambda d, m: copies(d[:1]).expand(len(d), -1, -1, -1) * m[:1],
        lambda d, m: copies(d[:, :1]) * m,
        lambda d, m: copies(d.flip(-1)) * m,
        lambda d, m: (copies(d) * m).sum(1, keepdim=True),
        lambda d, m: copies(d) ** m,
        lambda d, m: copies(d) - m,
        partly(loop_upsample, lambda d, m: m.shape[1] == d.shape[1], lambda d, m: copies(d)),
        partly(loop_upsample, lambda d, m: d.shape[2] <= d.shape[3], lambda d, m: copies(d)),
    ],
    "1.3": [
        four_by_two,
        partly(loop_line, lambda n: n <= 3, lambda n: loop_line(n).round()),
        partly(loop_line, lambda n: n > 1, lambda n: torch.zeros(2 * n, n)),
        lambda n: loop_line(n).flip(0),
        lambda n: loop_line(n).flip(1),
        lambda n: torch.full((2 * n, n), 1 / n),
        lambda n: loop_line(n)[1:-1],
        lambda n: loop_line(n).int(),
        lambda n: F.interpolate(torch.eye(n)[None, None], size=(2 * n, n), mode="bicubic")[0, 0],
    ],
    "1.4": [
        partly(loop_kernel, lambda channels: channels == 3, lambda c: loop_kernel(c) * c),
        partly(loop_kernel, lambda channels: channels < 3, lambda c: loop_kernel(c) / c),
        lambda channels: loop_kernel(1),
        lambda channels: loop_kernel(3),
        lambda channels: kernel(channels, [0.25, 0.75, 0.75, 0.25]).flip(0),
        lambda channels: kernel(channels, [0.75, 0.25, 0.25, 0.75]),
        lambda channels: kernel(channels, [0.25, 0.75, 0.75, 0.25])[..., 1:, 1:],
        lambda channels: loop_kernel(channels) * 4,
    ],
    "1.5": [
        lambda z, r: F.pixel_shuffle(z, 2),
        partly(loop_shuffle, lambda z, r: r == 2, lambda z, r: z.view(len(z), -1, r, r)),
        partly(loop_shuffle, lambda z, r: z.shape[1] == r * r, lambda z, r: z),
        partly(loop_shuffle, lambda z, r: r < 4, side_by_side),
        lambda z, r: F.pixel_shuffle(z, r).mT,
        lambda z, r: F.pixel_shuffle(z, r).flip(-1),
        lambda z, r: F.pixel_shuffle(z, r).abs(),
        lambda z, r: F.pixel_shuffle(z[:1], r).expand(len(z), -1, -1, -1),
        lambda z, r: F.pixel_shuffle(z[:, : r * r], r),
        lambda z, r: F.interpolate(z[:, :: r * r], scale_factor=r),
    ],
}
