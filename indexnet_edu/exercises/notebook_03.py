"""Exercises of notebook 03: learning to index."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..indexing import columns_to_map, indexed_pool2d
from .exercise import Case, Exercise, Misconception, distinct, signed

__all__ = ["EXERCISES"]

_F64: Any = {"dtype": torch.float64}


# --- 3.1 Indexed pooling with any window ---------------------------------------------------------


def _pool_cases() -> list[Case]:
    def index(*shape: int, seed: int) -> Tensor:
        return distinct(*shape, seed=seed) / 10

    return [
        Case(
            "one 4×4 channel, k = 2", (distinct(1, 1, 4, 4, seed=4), index(1, 1, 4, 4, seed=1), 2)
        ),
        Case("k = 3", (distinct(1, 1, 6, 6, seed=5), index(1, 1, 6, 6, seed=2), 3)),
        Case(
            "two images of three channels, each with a map of its own",
            (distinct(2, 3, 4, 6, seed=6, lowest=-40), index(2, 3, 4, 6, seed=3), 2),
        ),
        Case(
            "one map for all three channels",
            (distinct(2, 3, 4, 4, seed=7), index(2, 1, 4, 4, seed=4), 2),
        ),
        Case(
            "values and indices of both signs, two channels, k = 4",
            (signed(1, 2, 8, 4, seed=8), signed(1, 2, 8, 4, seed=9), 4),
        ),
        Case(
            "one map for all five channels, three images, k = 3",
            (signed(3, 5, 3, 6, seed=10), signed(3, 1, 3, 6, seed=11), 3),
        ),
        Case("nothing but zeros", (torch.zeros(1, 2, 2, 4), index(1, 2, 2, 4, seed=5), 2)),
    ]


def _sum_pool(x: Tensor, k: int, stride: int | None = None) -> Tensor:
    return F.avg_pool2d(x, k, stride) * k**2


POOL = Exercise(
    "3.1",
    "Indexed pooling with any window",
    ("x", "index_map", "k"),
    _pool_cases,
    indexed_pool2d,
    (
        Misconception(
            "The values are 1/k² of what they should be: this is the mean of each region. "
            "`avg_pool2d` divides by k², which has to be undone.",
            lambda x, index_map, k: F.avg_pool2d(x * index_map, k),
        ),
        Misconception(
            "Right for k = 2 only: the 4 is k², the number of values in a region.",
            lambda x, index_map, k: 4 * F.avg_pool2d(x * index_map, k),
        ),
        Misconception(
            "The window moves one pixel at a time. Regions do not overlap: it moves by k.",
            lambda x, index_map, k: _sum_pool(x * index_map, k, 1),
        ),
        Misconception(
            "You pool features and index apart and multiply the results. Each pixel meets its own "
            "index first; then the region is summed.",
            lambda x, index_map, k: F.avg_pool2d(x, k) * _sum_pool(index_map, k),
            also=(lambda x, index_map, k: _sum_pool(x, k) * _sum_pool(index_map, k),),
        ),
        Misconception(
            "You divide by the sum of the index. Indexed pooling takes the index as it is; that it "
            "sums to 1 is the normalisation's business.",
            lambda x, index_map, k: _sum_pool(x * index_map, k) / _sum_pool(index_map, k),
        ),
        Misconception(
            "This is the largest product of each region. All of them count: sum.",
            lambda x, index_map, k: F.max_pool2d(x * index_map, k),
        ),
        Misconception(
            "Right for one channel; for several you add them up, as a convolution would. Pooling "
            "keeps channels apart.",
            lambda x, index_map, k: _sum_pool((x * index_map).sum(1, keepdim=True), k),
        ),
        Misconception(
            "The map is not used: this sums the features themselves.",
            lambda x, index_map, k: _sum_pool(x, k),
        ),
    ),
)


# --- 3.2 From columns to a map -------------------------------------------------------------------


def _columns_cases() -> list[Case]:
    return [
        Case("one map, 2×2 regions", (distinct(1, 4, 1, 2, 2, seed=3),)),
        Case("regions in two rows and three columns", (distinct(1, 4, 1, 2, 3, seed=4),)),
        Case("three maps", (distinct(1, 4, 3, 2, 2, seed=5),)),
        Case("two images of two maps", (distinct(2, 4, 2, 1, 2, seed=6),)),
        Case("four maps of both signs, 3×1 regions", (signed(1, 4, 4, 3, 1, seed=7),)),
        Case("three images of five maps", (signed(3, 4, 5, 2, 1, seed=8),)),
    ]


def _plain_reshape(columns: Tensor) -> Tensor:
    n, _, g, h, w = columns.shape
    return columns.reshape(n, g, 2 * h, 2 * w)


def _quadrants(columns: Tensor) -> Tensor:
    a, b, c, d = columns.unbind(1)
    return torch.cat([torch.cat([a, b], -1), torch.cat([c, d], -1)], -2)


COLUMNS = Exercise(
    "3.2",
    "From columns to a map",
    ("columns",),
    _columns_cases,
    columns_to_map,
    (
        Misconception(
            "Two positions are exchanged: column 1 belongs at the top right, in yours it lies at "
            "the bottom left (and column 2 the other way round).",
            lambda columns: columns_to_map(columns[:, [0, 2, 1, 3]]),
        ),
        Misconception(
            "Right for a single map; with several, numbers of different maps meet in one region. "
            "`pixel_shuffle` wants the four positions of a map as neighbouring channels, so "
            "positions and maps have to change places first.",
            lambda columns: F.pixel_shuffle(columns.flatten(1, 2), 2),
        ),
        Misconception(
            "Only the shape was changed. `reshape` keeps the order in memory; here the positions "
            "of a region have to become neighbours.",
            _plain_reshape,
        ),
        Misconception(
            "Each column fills a quadrant of its own. A column holds one corner of *every* region, "
            "so its values belong two pixels apart.",
            _quadrants,
        ),
        Misconception(
            "The corners go the wrong way round: column 0 lies at the bottom right.",
            lambda columns: columns_to_map(columns.flip(1)),
        ),
    ),
)


# --- 3.3 The paper's normalisation ---------------------------------------------------------------


def _logit_cases() -> list[Case]:
    def normal(*shape: int, seed: int) -> Tensor:
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        return (drawn * 20).round() / 10

    return [
        Case("one region", (torch.tensor([2.0, 0, -1, 0.5]).reshape(1, 4, 1, 1, 1),)),
        Case("one map, 2×3 regions", (normal(1, 4, 1, 2, 3, seed=1),)),
        Case("two images of three maps", (normal(2, 4, 3, 2, 2, seed=2),)),
        Case("large logits, four maps, 1×3 regions", (normal(1, 4, 4, 1, 3, seed=3) * 10,)),
        Case("four images, 3×1 regions", (normal(4, 4, 2, 3, 1, seed=4),)),
        Case("nothing but zeros", (torch.zeros(1, 4, 2, 2, 2),)),
    ]


def _softmax_over(dim: int) -> Any:
    return lambda logits: (logits.sigmoid().softmax(dim), logits.sigmoid())


def _whole(logits: Tensor) -> Tensor:
    """Softmax over all the numbers of a map."""
    n, _, g, _, _ = logits.shape
    flat = logits.sigmoid().transpose(1, 2).reshape(n, g, -1).softmax(-1)
    return flat.reshape(n, g, 4, *logits.shape[3:]).transpose(1, 2)


NORMALISE = Exercise(
    "3.3",
    "The paper's normalisation",
    ("logits",),
    _logit_cases,
    lambda logits: (logits.sigmoid().softmax(1), logits.sigmoid()),
    (
        Misconception(
            "Your encoder's index is a softmax of the logits themselves. In the paper it is the "
            "softmax of what the sigmoid made of them: two normalisations, one after the other.",
            lambda logits: (logits.softmax(1), logits.sigmoid()),
        ),
        Misconception(
            "The softmax runs over the wrong axis: the four positions of a region must sum to 1, "
            "and they lie in dimension 1.",
            _softmax_over(-1),
            also=(_softmax_over(-2), _softmax_over(2), _softmax_over(0)),
        ),
        Misconception(
            "The softmax runs over the whole map. Each region is a competition of its own.",
            lambda logits: (_whole(logits), logits.sigmoid()),
        ),
        Misconception(
            "The two are exchanged: encoder first, then decoder.",
            lambda logits: (logits.sigmoid(), logits.sigmoid().softmax(1)),
        ),
        Misconception(
            "The decoder's index went through the softmax as well. In the paper it goes through "
            "the sigmoid only, so that all four places of a region may be open at once.",
            lambda logits: (logits.sigmoid().softmax(1), logits.sigmoid().softmax(1)),
        ),
        Misconception(
            "This is Table 6's third row, softmax first and sigmoid after. The worst of the four.",
            lambda logits: (logits.softmax(1).sigmoid(), logits.softmax(1)),
        ),
        Misconception(
            "You divide the sigmoids by their sum. That sums to 1, but the paper takes a softmax.",
            lambda logits: (
                logits.sigmoid() / logits.sigmoid().sum(1, keepdim=True),
                logits.sigmoid(),
            ),
        ),
    ),
)


# --- 3.4 The bounds ------------------------------------------------------------------------------


def _bounds(positions: int, temperature: float) -> tuple[float, float]:
    return _between(positions - 1, math.exp(1 / temperature))


def _between(others: int, e: float) -> tuple[float, float]:
    """An open position among closed ones, and a closed one among open ones."""
    return 1 / (1 + others * e), e / (e + others)


BOUNDS = Exercise(
    "3.4",
    "The bounds of an encoder index",
    ("positions", "temperature"),
    lambda: [
        Case("the paper's: four positions, temperature 1", (4, 1.0)),
        Case("a lower temperature", (4, 0.25)),
        Case("3×3 regions", (9, 1.0)),
        Case("both changed", (16, 0.5)),
        Case("a high temperature, a whole number", (4, 3)),
        Case("two positions", (2, 1.5)),
    ],
    _bounds,
    (
        Misconception(
            "The temperature is not used. It divides what enters the softmax, so the largest "
            "difference between two entries is no longer 1.",
            lambda positions, temperature: _between(positions - 1, math.e),
        ),
        Misconception(
            "You multiply by the temperature. It divides: a low one sharpens.",
            lambda positions, temperature: _between(positions - 1, math.exp(temperature)),
        ),
        Misconception(
            "One position too many: beside the one in question there are n − 1 others.",
            lambda positions, temperature: _between(positions, math.exp(1 / temperature)),
        ),
        Misconception(
            "Right for 2×2 regions only: the 3 is the number of the other positions.",
            lambda positions, temperature: _between(3, math.exp(1 / temperature)),
        ),
        Misconception(
            "Exchanged: the lower bound comes first.",
            lambda positions, temperature: _bounds(positions, temperature)[::-1],
        ),
        Misconception(
            "A softmax of any numbers reaches from 0 to 1. This one is not fed any numbers: a "
            "sigmoid has squeezed them into (0, 1) before.",
            lambda positions, temperature: (0.0, 1.0),
        ),
    ),
    tolerance=1e-5,  # the lower bound is small
)


# --- 3.5 A linear block that pools the maximum ---------------------------------------------------


def _identity(sharpness: float) -> Tensor:
    return sharpness * torch.eye(4, **_F64).reshape(4, 1, 2, 2)


def _not_the_features(weight: Tensor, sharpness: float) -> str | None:
    """A softmax ignores what all four logits have in common."""
    mine, right = weight.double().reshape(4, 4), _identity(sharpness).reshape(4, 4)
    off = (mine - mine.mean(0)) - (right - right.mean(0))
    if off.abs().max() <= 1e-5 * max(sharpness, float(mine.abs().max())):
        return None
    # Regions whose logits are 1 to 4, so that the index is never just one-hot.
    regions = torch.tensor(list(permutations((1.0, 2.0, 3.0, 4.0))), **_F64).T / sharpness
    wanted, got = (right @ regions).softmax(0), (mine @ regions).softmax(0)
    plainest = int((wanted - got).abs().amax(0).argmax())
    region, index, yours = (
        ", ".join(f"{value:.3g}" for value in column.tolist())
        for column in (regions[:, plainest], wanted[:, plainest], got[:, plainest])
    )
    return (
        "The index should be the softmax of sharpness times the features. For the region "
        f"{region} the index should be {index}; with your weight it is {yours}."
    )


MAX_WEIGHT = Exercise(
    "3.5",
    "A linear block that pools the maximum",
    ("sharpness",),
    lambda: [
        Case("sharpness 10", (10.0,)),
        Case("sharpness 2", (2.0,)),
        Case("sharpness 3, a whole number", (3,)),
        Case("sharpness ½", (0.5,)),
    ],
    _identity,
    (
        Misconception(
            "This picks the minimum: the larger a value, the smaller its logit.",
            lambda sharpness: -_identity(sharpness),
            also=(lambda sharpness: sharpness * torch.ones(4, 1, 2, 2) - _identity(sharpness),),
        ),
        Misconception(
            "All four logits are the same, and the softmax makes ¼ of each: average pooling. A "
            "logit must tell its own position from the others.",
            lambda sharpness: sharpness * torch.ones(4, 1, 2, 2),
            also=(
                lambda sharpness: torch.zeros(4, 1, 2, 2),
                lambda sharpness: sharpness / 4 * torch.ones(4, 1, 2, 2),
            ),
        ),
        Misconception(
            "Top right and bottom left are exchanged: the largest value is found, and its "
            "neighbour is pooled.",
            lambda sharpness: _identity(sharpness)[[0, 2, 1, 3]],
        ),
        Misconception(
            "The four positions stand the wrong way round: column 0 reads the bottom right.",
            lambda sharpness: _identity(sharpness).flip(0),
        ),
        Misconception(
            "The maximum is picked, but always with the same sharpness: the argument is not used.",
            lambda sharpness: _identity(1.0),
            also=(lambda sharpness: _identity(10.0),),
        ),
    ),
    _not_the_features,
)


EXERCISES = (POOL, COLUMNS, NORMALISE, BOUNDS, MAX_WEIGHT)
