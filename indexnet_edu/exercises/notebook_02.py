"""Exercises of notebook 02: blind and guided."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..indexing import max_index_map
from ..lessons.detours import psnr
from ..resampling import create_resampler
from .exercise import Case, Exercise, Misconception, distinct, signed

__all__ = ["EXERCISES"]


def _images() -> list[Case]:
    ties = torch.tensor([[1.0, 7, 2, -5], [7, 3, -5, 2]])[None, None]
    return [
        Case("one 4×4 channel", (distinct(1, 1, 4, 4, seed=4),)),
        Case("negative numbers", (distinct(1, 1, 4, 4, seed=2, lowest=-20),)),
        Case("a constant image", (torch.full((1, 1, 4, 4), 6.0),)),
        Case("two images of three channels, 4×6", (distinct(2, 3, 4, 6, seed=5, lowest=-60),)),
        Case("tenths of both signs, two channels, 6×2", (signed(1, 2, 6, 2, seed=1),)),
        Case("nothing but zeros, five channels", (torch.zeros(2, 5, 2, 4),)),
        Case("equal values beside and across from each other", (ties,)),
        Case("equal values in many regions", (distinct(1, 2, 4, 8, seed=3) // 6 - 4,)),
    ]


def _same(a: Tensor, b: Tensor, *like: Tensor) -> bool:
    """Whether they are one, but for the rounding of numbers as large as those of ``like``."""
    scale = max(1.0, *(float(each.nan_to_num(0, 0, 0).abs().amax()) for each in (b, *like)))
    return torch.allclose(a, b, rtol=0, atol=1e-5 * scale)


# --- 2.1 Two pictures with the same averages -----------------------------------------------------


def _double(x: Tensor) -> Tensor:
    """Left and right of each region exchanged; a constant one gets a pattern."""
    sign = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).to(x)
    return x + sign.repeat(x.shape[2] // 2, x.shape[3] // 2)


def _not_a_double(answer: Tensor, x: Tensor) -> str | None:
    if _same(answer, x):
        return "This is x itself. Another picture with the same averages is asked for."
    mine, wanted = F.avg_pool2d(answer, 2), F.avg_pool2d(x, 2)
    if not _same(mine, wanted, answer):
        off = (mine - wanted).abs()
        return (
            f"The averages are not those of x: {int((off > 1e-4).sum())} of {off.numel()} regions "
            f"differ, by up to {off.max():.4g}. What you add to a region must add up to 0."
        )
    return None


DOUBLE = Exercise(
    "2.1",
    "Two pictures, one average",
    ("x",),
    _images,
    _double,
    (
        Misconception(
            "Mirroring the whole picture carries regions to other places. Stay inside a region.",
            lambda x: x.flip(3),
            also=(lambda x: x.flip(2), lambda x: x.flip(2, 3)),
        ),
        Misconception(
            "Everything is a step to the side here, so regions exchange values across their "
            "borders. Stay inside a region.",
            lambda x: x.roll(1, 3),
            also=(lambda x: x.roll(-1, 3), lambda x: x.roll(1, 2), lambda x: x.roll(-1, 2)),
        ),
        Misconception(
            "This exchanges pixels inside the regions. A fine idea, but where they are equal "
            "nothing changes, as in a constant image.",
            lambda x: _exchanged(x),
            also=(lambda x: _exchanged(x.mT).mT, lambda x: _exchanged(_exchanged(x).mT).mT),
        ),
        Misconception(
            "This is what average pooling and nearest interpolation return. Fine, unless every "
            "region is constant already: then it is x itself.",
            lambda x: F.avg_pool2d(x, 2).repeat_interleave(2, 2).repeat_interleave(2, 3),
        ),
        Misconception(
            "This adds the same to every pixel, and so to every average.",
            lambda x: x + 1,
            also=(lambda x: x - 1,),
        ),
    ),
    complaint=_not_a_double,
)


def _exchanged(x: Tensor) -> Tensor:
    return x.unflatten(3, (-1, 2)).flip(4).flatten(3)


# --- 2.2 Two pictures with the same maxima -------------------------------------------------------


def _max_double(x: Tensor) -> Tensor:
    """All but the maxima lowered by 1."""
    return x - (1 - max_index_map(x))


def _not_a_max_double(answer: Tensor, x: Tensor) -> str | None:
    if _same(answer, x):
        return "This is x itself. Another picture with the same maxima is asked for."
    mine, places = F.max_pool2d(answer, 2, return_indices=True)
    wanted, right = F.max_pool2d(x, 2, return_indices=True)
    if not _same(mine, wanted):
        count = int((~torch.isclose(mine, wanted)).sum())
        return f"The maxima are not those of x: {count} of {wanted.numel()} differ."
    if not torch.equal(places, right):
        count = int((places != right).sum())
        return (
            f"The maxima have their values, but {count} of {right.numel()} lie in another place. "
            "The guide would tell the two pictures apart."
        )
    return None


MAX_DOUBLE = Exercise(
    "2.2",
    "Two pictures, one guide",
    ("x",),
    _images,
    _max_double,
    (
        Misconception(
            "Max unpooling's output is x at the maxima and 0 elsewhere. A good idea while x is "
            "positive; zeros are larger than negative maxima.",
            lambda x: x * max_index_map(x),
        ),
        Misconception(
            "Lowering everything alike keeps the places, but changes the maxima themselves, which "
            "the small picture shows.",
            lambda x: x - 1,
        ),
        Misconception(
            "Every pixel takes the maximum of its region. In reading order, the first of equal "
            "maxima counts, so the places have changed.",
            lambda x: F.max_pool2d(x, 2).repeat_interleave(2, 2).repeat_interleave(2, 3),
        ),
        Misconception(
            "Exchanging pixels inside the regions keeps the maxima and moves them. Max pooling "
            "alone would not notice, but its guide does.",
            _exchanged,
            also=(lambda x: _exchanged(x.mT).mT, lambda x: _exchanged(_exchanged(x).mT).mT),
        ),
        Misconception(
            "The other three are raised: some now pass their maximum. Change them downwards.",
            lambda x: x + (1 - max_index_map(x)),
            also=(lambda x: x + (1 - max_index_map(x)) * 20,),
        ),
    ),
    complaint=_not_a_max_double,
)


# --- 2.3 PSNR ------------------------------------------------------------------------------------


def _psnr_cases() -> list[Case]:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator)

    target = drawn(2, 1, 4, 4) * 0.8 + 0.1
    noise = torch.randn(2, 1, 4, 4, generator=generator)
    noise *= torch.tensor([0.02, 0.1])[:, None, None, None]
    small = torch.tensor([[0.1, 0.2], [0.3, 0.4]])[None, None]
    off = torch.tensor([[0.1, 0.0], [0.0, -0.2]])
    beyond = torch.tensor([[1.5, 0.2], [0.3, -0.6]])[None, None]
    black = torch.zeros(1, 5, 3, 1)
    return [
        Case("a 2×2 image", (small + off, small)),
        Case("two images, one noisier than the other", ((target + noise).clamp(0, 1), target)),
        Case("an output with values outside [0, 1]", (beyond, small)),
        Case("three images of two channels, 2×6", (drawn(3, 2, 2, 6) * 3 - 1, drawn(3, 2, 2, 6))),
        Case("a black image of five channels for a white one", (black, black + 1)),
    ]


def _errors(output: Tensor, target: Tensor) -> Tensor:
    return output.clamp(0, 1) - target


PSNR = Exercise(
    "2.3",
    "PSNR",
    ("output", "target"),
    _psnr_cases,
    psnr,
    (
        Misconception(
            "Values outside [0, 1] cannot be shown: clip the output first, as a display would.",
            lambda output, target: -20 * (output - target).square().mean().sqrt().log10(),
        ),
        Misconception(
            "This is the mean of the images' own PSNRs. Pool the squared errors over all pixels of "
            "all images first, then take the root and the logarithm once.",
            lambda output, target: (
                -10 * _errors(output, target).square().mean((1, 2, 3)).log10()
            ).mean(),
        ),
        Misconception(
            "10·log₁₀ belongs to the mean square error, 20·log₁₀ to its root. With 10 and the root "
            "you get half of the decibels.",
            lambda output, target: -10 * _errors(output, target).square().mean().sqrt().log10(),
        ),
        Misconception(
            "20·log₁₀ belongs to the root of the mean square error; the root is missing, so you "
            "get twice the decibels.",
            lambda output, target: -20 * _errors(output, target).square().mean().log10(),
        ),
        Misconception(
            "This is the natural logarithm. Decibels take the one to base 10.",
            lambda output, target: -20 * _errors(output, target).square().mean().sqrt().log(),
        ),
        Misconception(
            "The sign is turned round: the smaller the error, the larger the PSNR.",
            lambda output, target: 20 * _errors(output, target).square().mean().sqrt().log10(),
        ),
        Misconception(
            "This takes the mean absolute error. PSNR squares, so large errors count more.",
            lambda output, target: -20 * _errors(output, target).abs().mean().log10(),
        ),
        Misconception(
            "This is the RMSE itself; PSNR is a logarithm of it.",
            lambda output, target: _errors(output, target).square().mean().sqrt(),
        ),
    ),
)


# --- 2.4 Bits of a guide -------------------------------------------------------------------------


def _guide_bits(channels: int, height: int, width: int) -> int:
    return 2 * channels * (height // 2) * (width // 2)


GUIDE_BITS = Exercise(
    "2.4",
    "The bits of a guide",
    ("channels", "height", "width"),
    lambda: [
        Case("one 4×4 channel", (1, 4, 4)),
        Case("three channels, 6×10", (3, 6, 10)),
        Case("64 channels, 112×112", (64, 112, 112)),
        Case("five channels, 14×2", (5, 14, 2)),
    ],
    _guide_bits,
    (
        Misconception(
            "This counts four bits a region, one for each place. Only four masks can occur, not "
            "2⁴: to name one of four takes log₂ 4 bits.",
            lambda channels, height, width: channels * height * width,
        ),
        Misconception(
            "This counts two bits for every pixel. A region of four pixels has one maximum.",
            lambda channels, height, width: 2 * channels * height * width,
        ),
        Misconception(
            "The channels are missing: each has maxima of its own. (One guide for all channels is "
            "the holistic max index, further below.)",
            lambda channels, height, width: height * width / 2,
        ),
        Misconception(
            "These are the 64 bits that PyTorch stores for each position. To name one of four "
            "places takes far fewer.",
            lambda channels, height, width: 16 * channels * height * width,
        ),
        Misconception(
            "This is the number of regions. Now count the bits of each.",
            lambda channels, height, width: channels * height * width / 4,
        ),
        Misconception(
            "This spells out where in the whole channel a maximum lies. The region is known from "
            "the place in the small picture; only the place in the region is news.",
            lambda channels, height, width: (
                channels * height * width / 4 * math.log2(height * width)
            ),
        ),
    ),
    tolerance=1e-6,
)


# --- 2.5 The holistic max index ------------------------------------------------------------------


def _hmi(x: Tensor) -> Tensor:
    down = create_resampler("hmi").downsampling([x.shape[1]])
    guide: Tensor = down(x)[1].encoder
    return guide


def _hmi_cases() -> list[Case]:
    ties = torch.tensor([[[3.0, 1], [0, 2]], [[0, 3], [3, 1]]])[None]  # 3 in three places
    across = torch.tensor([[[0.0, 1], [2, 3]], [[1, 3], [3, 0]]])[None]  # and three orders
    return [
        Case("three channels of 2×2", (distinct(1, 3, 2, 2, seed=257),)),
        Case("two images of three channels, 4×6", (distinct(2, 3, 4, 6, seed=5, lowest=-60),)),
        Case("two channels with equal maxima", (ties,)),
        Case("equal maxima in three places of two channels", (across,)),
        Case("four channels of 4×4", (distinct(1, 4, 4, 4, seed=6),)),
        Case("a single channel", (distinct(1, 1, 4, 2, seed=2, lowest=-4),)),
        Case("tenths of both signs, five channels, 2×6", (signed(2, 5, 2, 6, seed=1),)),
        Case("nothing but zeros", (torch.zeros(1, 2, 2, 4),)),
    ]


def _first_channel_first(x: Tensor) -> Tensor:
    """Of equal maxima, the one in the first channel."""
    n, c, h, w = x.shape
    regions = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))  # (N, C, h, 2, w, 2)
    place = regions.permute(0, 2, 4, 1, 3, 5).flatten(3).argmax(-1) % 4
    hot = F.one_hot(place, 4).unflatten(-1, (2, 2)).permute(0, 1, 3, 2, 4)
    return hot.reshape(n, 1, h, w).to(x)


HMI = Exercise(
    "2.5",
    "One guide for all channels",
    ("x",),
    _hmi_cases,
    _hmi,
    (
        Misconception(
            "Each channel has a map of its own here: that is max pooling's guide, C times as many "
            "bits. All channels must share one map, (N, 1, H, W).",
            max_index_map,
        ),
        Misconception(
            "You average the channels, or add them up, and then look for the maximum. The maximum "
            "over the channels comes first: a peak in one channel must not be averaged away.",
            lambda x: max_index_map(x.mean(1, keepdim=True)),
        ),
        Misconception(
            "Equal maxima: the map has more than one 1 in a region. The first counts.",
            lambda x: _marks(x.amax(1, keepdim=True)),
        ),
        Misconception(
            "Equal maxima: the first in reading order counts, row by row. You read a region down "
            "its columns.",
            lambda x: _hmi(x.mT).mT,
        ),
        Misconception(
            "Equal maxima: the first *place* of a region counts, whichever channel it is in. Yours "
            "is the place in the first channel.",
            _first_channel_first,
        ),
        Misconception(
            "You took the first channel's map for all. Every channel has a say.",
            lambda x: max_index_map(x[:, :1]),
        ),
        Misconception(
            "These are the maps of all channels laid over each other, with several places a "
            "region. One place is asked for: that of the largest value in any channel.",
            lambda x: max_index_map(x).amax(1, keepdim=True),
        ),
        Misconception(
            "This is the mean of the channels' maps, a soft index. One place is asked for.",
            lambda x: max_index_map(x).mean(1, keepdim=True),
        ),
        Misconception(
            "This is the largest value over the channels; now mark its maximum in each region.",
            lambda x: x.amax(1, keepdim=True),
        ),
        Misconception(
            "The map is right; it was copied to all channels. One channel, (N, 1, H, W), is the "
            "point: it is what crosses.",
            lambda x: _hmi(x).expand_as(x),
        ),
    ),
)


def _marks(x: Tensor) -> Tensor:
    largest = F.max_pool2d(x, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    return (x == largest).to(x)


EXERCISES = (DOUBLE, MAX_DOUBLE, PSNR, GUIDE_BITS, HMI)
