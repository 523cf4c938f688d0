"""Exercises of notebook 01: upsampling is indexing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..indexing import bilinear_index, indexed_upsample2d, max_index_map
from .exercise import Case, Exercise, Misconception, distinct, signed

__all__ = ["EXERCISES"]

_F64: Any = {"dtype": torch.float64}


# --- 1.1 The index of max pooling ----------------------------------------------------------------


def _max_cases() -> list[Case]:
    ties = torch.tensor([[3.0, 3, 0, 0], [1, 3, 0, 0], [5, 2, 4, 7], [5, 5, 7, 1]])[None, None]
    return [
        Case("one 4×4 channel", (distinct(1, 1, 4, 4, seed=4),)),
        Case("negative numbers", (distinct(1, 1, 4, 4, seed=2, lowest=-20),)),
        Case("regions with two or more equal maxima", (ties,)),
        Case("a constant image of zeros, 2×6", (torch.zeros(1, 1, 2, 6),)),
        Case("tenths of both signs, two channels, 6×2", (signed(1, 2, 6, 2, seed=1),)),
        Case("two images of three channels, 4×6", (distinct(2, 3, 4, 6, seed=5, lowest=-60),)),
        Case("three images of five channels, with ties", (distinct(3, 5, 2, 8, seed=3) // 4,)),
    ]


def _marked(values: Tensor, largest: Tensor) -> Tensor:
    """1 where the values are their region's ``largest``."""
    return (values == F.interpolate(largest, scale_factor=2.0)).to(values)


def _max_of_groups(x: Tensor) -> Tensor:
    groups = x.reshape(-1, 4)
    return F.one_hot(groups.argmax(-1), 4).to(x).view_as(x)


def _max_of_channel(x: Tensor) -> Tensor:
    return F.one_hot(x.flatten(2).argmax(-1), x[0, 0].numel()).to(x).view_as(x)


def _max_down_columns(x: Tensor) -> Tensor:
    """Of equal maxima, the first when a region is read column by column."""
    return max_index_map(x.mT.contiguous()).mT


def _max_of_columns(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    columns = x.reshape(n, c, h // 2, 2, w).argmax(3)
    return F.one_hot(columns, 2).permute(0, 1, 2, 4, 3).reshape(x.shape).to(x)


MAX = Exercise(
    "1.1",
    "The index of max pooling",
    ("x",),
    _max_cases,
    max_index_map,
    (
        Misconception(
            "Equal maxima: your map marks all of them, as Eq. 1 does to the letter. PyTorch, and "
            "max unpooling with it, takes the first of them alone: each region has a single 1.",
            lambda x: _marked(x, F.max_pool2d(x, 2)),
        ),
        Misconception(
            "Equal maxima: of several, the first counts (in reading order), not the last.",
            lambda x: max_index_map(x.flip(2, 3)).flip(2, 3),
        ),
        Misconception(
            "Equal maxima: the first in reading order counts, row by row. You read a region down "
            "its columns.",
            _max_down_columns,
        ),
        Misconception(
            "This marks the maximum of the whole channel. The maximum of each 2×2 region is asked "
            "for, so a quarter of the map is 1.",
            _max_of_channel,
        ),
        Misconception(
            "This takes four neighbours in memory for a region. They lie in one row; a 2×2 region "
            "takes two from each of two rows.",
            _max_of_groups,
        ),
        Misconception(
            "This compares within columns only: two pixels above each other, not all four of the "
            "region. Half of the map is 1, a quarter should be.",
            _max_of_columns,
        ),
        Misconception(
            "This marks the minimum of each region.",
            lambda x: max_index_map(-x),
            also=(lambda x: _marked(-x, F.max_pool2d(-x, 2)),),
        ),
        Misconception(
            "This marks the largest magnitude. Below 0 the maximum is the value nearest to 0.",
            lambda x: max_index_map(x.abs()),
        ),
        Misconception(
            "The places are right, but you put the maxima there. An index map holds 1 and 0: it "
            "says where, not how much.",
            lambda x: max_index_map(x) * x,
            also=(lambda x: _marked(x, F.max_pool2d(x, 2)) * x,),
        ),
        Misconception(
            "This is max pooling itself, one value a region. The map is as large as x and says "
            "where in the region the value came from.",
            lambda x: F.max_pool2d(x, 2),
        ),
        Misconception(
            "These are the flat positions that `max_pool2d(…, return_indices=True)` returns, the "
            "index in its natural order. The map is its other form: a 1 at each of these places.",
            lambda x: F.max_pool2d(x, 2, return_indices=True)[1],
        ),
        Misconception(
            "All channels share one map here. Each channel has maxima of its own.",
            lambda x: max_index_map(x.amax(1, keepdim=True)).expand_as(x),
        ),
    ),
)


# --- 1.2 Upsampling with an index map ------------------------------------------------------------


def _upsample_cases() -> list[Case]:
    return [
        Case(
            "a 2×2 input and the map of some maxima",
            (distinct(1, 1, 2, 2, seed=3, lowest=3), max_index_map(distinct(1, 1, 4, 4, seed=4))),
        ),
        Case(
            "a map of any weights",
            (distinct(1, 1, 2, 3, seed=1), distinct(1, 1, 4, 6, seed=2) / 10),
        ),
        Case(
            "values and weights of both signs, two channels, 3×1",
            (signed(1, 2, 3, 1, seed=3), signed(1, 2, 6, 2, seed=4)),
        ),
        Case(
            "two images of three channels, each with a map of its own",
            (distinct(2, 3, 2, 2, seed=5, lowest=-10), distinct(2, 3, 4, 4, seed=6) / 10),
        ),
        Case(
            "one map for all three channels",
            (distinct(2, 3, 2, 2, seed=7), distinct(2, 1, 4, 4, seed=8) / 10),
        ),
        Case(
            "one map for all five channels, three images of 1×3",
            (signed(3, 5, 1, 3, seed=9), signed(3, 1, 2, 6, seed=10)),
        ),
        Case("zeros", (torch.zeros(1, 2, 2, 2), signed(1, 2, 4, 4, seed=11))),
    ]


def _nearest(d: Tensor) -> Tensor:
    return d.repeat_interleave(2, 2).repeat_interleave(2, 3)


def _bed_of_nails(d: Tensor) -> Tensor:
    corner = torch.tensor([[1, 0], [0, 0]]).to(d)
    return torch.kron(d, corner)


UPSAMPLE = Exercise(
    "1.2",
    "Upsampling with an index map",
    ("d", "index_map"),
    _upsample_cases,
    indexed_upsample2d,
    (
        Misconception(
            "This is nearest interpolation: the map is not used. Each copy still has to be weighed "
            "with its own index.",
            lambda d, index_map: _nearest(d),
        ),
        Misconception(
            "`repeat` lays the whole input side by side, like tiles. Each value must be copied "
            "beside itself, so that a region holds copies of one value.",
            lambda d, index_map: d.repeat(1, 1, 2, 2) * index_map,
        ),
        Misconception(
            "The values are a quarter of what they should be. Pooling a region averages; "
            "upsampling copies, nothing is divided.",
            lambda d, index_map: _nearest(d) * index_map / 4,
        ),
        Misconception(
            "Each value is put into the top left of its region and then weighed. It must reach "
            "all four places; the map decides which of them remain.",
            lambda d, index_map: _bed_of_nails(d) * index_map,
        ),
        Misconception(
            "The map is added to the copies. It is a weight: multiply.",
            lambda d, index_map: _nearest(d) + index_map,
        ),
        Misconception(
            "Bilinear interpolation mixes neighbouring values before the map is applied. An index "
            "map has one tap an output: the value of its own region.",
            lambda d, index_map: F.interpolate(d, scale_factor=2, mode="bilinear") * index_map,
        ),
        Misconception(
            "This is the map itself, weighed with nothing.",
            lambda d, index_map: index_map,
        ),
    ),
)


# --- 1.3 Linear interpolation as a matrix --------------------------------------------------------


def _line(
    n: int, source: Tensor, *, clamp_start: bool = True, swap: bool = False, drop: bool = False
) -> Tensor:
    """(2n, n): row i spreads weight 1 over the two neighbours of ``source[i]``."""
    if clamp_start:
        source = source.clamp(min=0)
    first = source.floor()
    share = source - first
    matrix = torch.zeros(len(source), n, **_F64)
    for i, (f, s) in enumerate(zip(first.long().tolist(), share.tolist(), strict=True)):
        for tap, weight in ((f, 1 - s), (f + 1, s)):
            if swap:
                weight = 1 - weight
            if 0 <= tap < n or not drop:
                matrix[i, min(max(tap, 0), n - 1)] += weight
    return matrix


def _half_pixel(n: int) -> Tensor:
    return (torch.arange(2 * n, **_F64) + 0.5) / 2 - 0.5


def _with_neighbours_exchanged(n: int) -> list[int]:
    """The rows of the matrix with ¾ and ¼ exchanged inside: outputs 1 and 2, 3 and 4 … swap."""
    return [0, *(i + 1 if i % 2 else i - 1 for i in range(1, 2 * n - 1)), 2 * n - 1]


def _line_matrix(n: int) -> Tensor:
    # The package's index of a column of n pixels, written out.
    index = bilinear_index((1, 1, n, 1), output_size=(2 * n, 1))
    positions, weights = (t.expand(1, 1, 2 * n, 1, 4).reshape(2 * n, 4) for t in index)
    return torch.zeros(2 * n, n, **_F64).scatter_add(1, positions, weights)


LINEAR = Exercise(
    "1.3",
    "Linear interpolation as a matrix",
    ("n",),
    lambda: [
        Case("2 inputs", (2,)),
        Case("3 inputs", (3,)),
        Case("4 inputs", (4,)),
        Case("7 inputs", (7,)),
        Case("a single input", (1,)),
    ],
    _line_matrix,
    (
        Misconception(
            "This is `align_corners=True`: first and last output sit on first and last input. Here "
            "the borders coincide, not the centres of the corner pixels.",
            lambda n: _line(n, torch.arange(2 * n, **_F64) * ((n - 1) / (2 * n - 1))),
        ),
        Misconception(
            "Your outputs start at input 0 and go on in steps of ½. A pixel's centre is half a "
            "pixel from its border, in the output and in the input: both halves are missing.",
            lambda n: _line(n, torch.arange(2 * n, **_F64) / 2),
        ),
        Misconception(
            "The two shares are exchanged: the nearer input must have the larger one, ¾.",
            lambda n: _line(n, _half_pixel(n), swap=True),
            also=(lambda n: _line_matrix(n)[_with_neighbours_exchanged(n)],),
        ),
        Misconception(
            "The inside is right; at the border the rows add up to ¾ only, so the border gets "
            "darker. What would lie outside is replaced by the border pixel.",
            lambda n: _line(n, _half_pixel(n), clamp_start=False, drop=True),
        ),
        Misconception(
            "This is nearest interpolation: one input an output. Linear interpolation shares "
            "between two.",
            lambda n: torch.eye(n).repeat_interleave(2, 0),
        ),
        Misconception(
            "This is the transpose. A row belongs to an output, a column to an input: (2n, n).",
            lambda n: _line_matrix(n).mT,
        ),
        Misconception(
            "Every weight is half of what it should be. The rows must add up to 1, so that a "
            "constant stays the same; here the columns do.",
            lambda n: _line_matrix(n) / 2,
        ),
    ),
)


# --- 1.4 A deconvolution that is bilinear --------------------------------------------------------


def _kernel(channels: int, *taps: float) -> Tensor:
    line = torch.tensor(taps, **_F64)
    return torch.eye(channels, **_F64)[:, :, None, None] * torch.outer(line, line)


def _bilinear_kernel(channels: int) -> Tensor:
    return _kernel(channels, 0.25, 0.75, 0.75, 0.25)


DECONV = Exercise(
    "1.4",
    "A deconvolution that is bilinear",
    ("channels",),
    lambda: [
        Case("one channel", (1,)),
        Case("two channels", (2,)),
        Case("three channels", (3,)),
        Case("five channels", (5,)),
    ],
    _bilinear_kernel,
    (
        Misconception(
            "The factor 4 is forgotten. The kernel adds up to 1, as a blur's does; but stride 2 "
            "spreads it over four outputs, each of which needs weights that add up to 1.",
            lambda channels: _bilinear_kernel(channels) / 4,
        ),
        Misconception(
            "Every channel is sent to every channel, so the output is their sum. Channel c must "
            "reach channel c alone: zeros off the diagonal of the first two dimensions.",
            lambda channels: _bilinear_kernel(1).expand(channels, channels, 4, 4),
        ),
        Misconception(
            "This is the kernel of nearest interpolation: each value is copied to its four "
            "places. Its neighbours' places, a quarter each along a line, belong to it as well.",
            lambda channels: _kernel(channels, 0, 1, 1, 0),
        ),
        Misconception(
            "This has the shape for `groups=channels`. Without groups the weight is "
            "(C_in, C_out, 4, 4).",
            lambda channels: _bilinear_kernel(1).expand(channels, 1, 4, 4),
        ),
        Misconception(
            "These weights fall off as those of a tent over odd places: ½, 1, ½. With an even "
            "factor an output lies ¼ or ¾ from an input, never on it.",
            lambda channels: _kernel(channels, 0.5, 1, 0.5, 0),
        ),
        Misconception(
            "All sixteen weights are equal, which averages 2×2 inputs for each output. The nearer "
            "input must count more.",
            lambda channels: _kernel(channels, 0.5, 0.5, 0.5, 0.5),
        ),
        Misconception(
            "The four weights of a line are right, but you put them in all rows alike. The weight "
            "in two dimensions is the product of two lines.",
            lambda channels: (
                torch.eye(channels)[:, :, None, None]
                * torch.tensor([0.25, 0.75, 0.75, 0.25]).expand(4, 4)
            ),
        ),
    ),
)


# --- 1.5 Pixel shuffle ---------------------------------------------------------------------------


def _blocks(z: Tensor, r: int) -> Tensor:
    """(N, C, m, n, H, W), channel r·m + n of each group of r²."""
    return z.reshape(z.shape[0], -1, r, r, *z.shape[2:])


def _put(blocks: Tensor) -> Tensor:
    n, c, r, _, h, w = blocks.shape
    return blocks.permute(0, 1, 4, 2, 5, 3).reshape(n, c, r * h, r * w)


def _grouped_last(z: Tensor, r: int) -> Tensor:
    grouped = z.reshape(z.shape[0], r * r, -1, *z.shape[2:])
    return F.pixel_shuffle(grouped.transpose(1, 2).reshape(z.shape), r)


def _as_printed(z: Tensor, r: int) -> Tensor:
    """Counted from 1: l = (r-1)·m + n."""
    blocks = torch.empty_like(_blocks(z, r))
    groups = z.reshape(z.shape[0], -1, r * r, *z.shape[2:])
    for m in range(1, r + 1):
        for n in range(1, r + 1):
            blocks[:, :, m - 1, n - 1] = groups[:, :, (r - 1) * m + n - 1]
    return _put(blocks)


def _mosaic(z: Tensor, r: int) -> Tensor:
    n, c, _, _, h, w = _blocks(z, r).shape
    return _blocks(z, r).permute(0, 1, 2, 4, 3, 5).reshape(n, c, r * h, r * w)


SHUFFLE = Exercise(
    "1.5",
    "Pixel shuffle",
    ("z", "r"),
    lambda: [
        Case("four channels of 2×2", (distinct(1, 4, 2, 2, seed=1), 2)),
        Case("nine channels of 1×2, r = 3", (distinct(1, 9, 1, 2, seed=2), 3)),
        Case("eight channels, which become two", (distinct(1, 8, 2, 2, seed=3), 2)),
        Case("two images of eight channels, 2×3", (distinct(2, 8, 2, 3, seed=4), 2)),
        Case("three output channels of both signs, 3×1", (signed(1, 12, 3, 1, seed=5), 2)),
        Case("two images, two output channels, r = 3", (signed(2, 18, 2, 1, seed=6), 3)),
        Case("r = 4", (distinct(1, 16, 1, 2, seed=7), 4)),
    ],
    F.pixel_shuffle,
    (
        Misconception(
            "Rows and columns of the blocks are exchanged: channel 1 is the right neighbour of "
            "channel 0 (l = r·m + n), in yours it lies below.",
            lambda z, r: _put(_blocks(z, r).transpose(2, 3)),
        ),
        Misconception(
            "Right for one output channel. For several, the r² input channels of an output channel "
            "are neighbours: C comes before r² in the order of channels, in yours after.",
            _grouped_last,
        ),
        Misconception(
            "The values are the right ones, but only their shape was changed. `reshape` keeps the "
            "order in memory; the axes of a block must first be moved beside H and W.",
            lambda z, r: z.reshape(z.shape[0], -1, r * z.shape[2], r * z.shape[3]),
        ),
        Misconception(
            "You followed the paper to the letter: l = (r−1)·m + n. It sends two places of a block "
            "to the same channel; it should read r·(m−1) + n.",
            _as_printed,
        ),
        Misconception(
            "Each channel is laid as a whole beside the others, like a contact sheet. Its values "
            "must be spread, one to a block.",
            _mosaic,
        ),
        Misconception(
            "This shuffles the other way: `pixel_unshuffle` makes channels out of blocks.",
            F.pixel_unshuffle,
        ),
    ),
)

EXERCISES = (MAX, UPSAMPLE, LINEAR, DECONV, SHUFFLE)
