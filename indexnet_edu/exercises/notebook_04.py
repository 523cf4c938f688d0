"""Exercises of notebook 04: the families."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..indexing import FAMILIES, create_index_block
from .exercise import Case, Exercise, Misconception, distinct, signed
from .values import Made

__all__ = ["EXERCISES"]


# --- 4.1 Which family is it? ---------------------------------------------------------------------

Block = Callable[[Tensor], Tensor]


def _block(family: str, channels: int, seed: int) -> Block:
    """A linear block of random weights, as a function that tells nothing but its outputs.

    Whatever the family, it computes with one weight for each map and channel: there are no
    parameters to count, and nothing that an answer could change for others.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = create_index_block(channels, family, "linear")
        for weight in module.parameters():
            nn.init.uniform_(weight, 0.1, 1.0)
            weight.data *= torch.where(torch.rand(weight.shape) < 0.3, -1, 1)
    one_by_one = torch.eye(4 * channels).view(-1, channels, 2, 2)  # (4·C, C, 2, 2)
    seen = module(one_by_one).detach()[..., 0, 0]  # (4·C, 4, G)
    weight = seen.permute(1, 2, 0).reshape(-1, channels, 2, 2)  # (4·G, C, 2, 2)

    def block(x: Tensor) -> Tensor:
        return F.conv2d(x, weight.to(x), stride=2).unflatten(1, (4, -1))

    return block


def _family_cases() -> list[Case]:
    names = ("m2o", "o2o_unshared_stagewise", "holistic", "o2o_shared_stagewise")
    hidden = [(name, channels) for channels in (3, 2, 5) for name in names]
    return [
        Case(
            f"block {number} of {len(hidden)}, {channels} channels",
            (Made("a function", partial(_block, name, channels, number)), channels),
        )
        for number, (name, channels) in enumerate(hidden, start=1)
    ]


def _probe(block: Block, channels: int) -> Tensor:
    """(C, G): the indices of map g when feature channel c alone is 1 at the top left."""
    x = torch.zeros(channels, channels, 2, 2)
    x[range(channels), range(channels), 0, 0] = 1
    return block(x)[:, 0, :, 0, 0]


def _family(block: Block, channels: int) -> str:
    seen = _probe(block, channels)
    if seen.shape[1] == 1:
        return "holistic"
    if (seen - seen.diag().diag()).abs().max() > 1e-6:
        return "m2o"
    return "shared" if torch.allclose(seen.diag(), seen[0, 0]) else "unshared"


def _told(**changes: str) -> Callable[..., str]:
    def tell(block: Block, channels: int) -> str:
        family = _family(block, channels)
        return changes.get(family, family)

    return tell


FAMILY = Exercise(
    "4.1",
    "Which family is it?",
    ("block", "channels"),
    _family_cases,
    _family,
    (
        Misconception(
            "You tell holistic from depthwise, by the number of maps, and call all depthwise ones "
            "many-to-one. Change one channel and see whether the *other* maps move.",
            _told(shared="m2o", unshared="m2o"),
        ),
        Misconception(
            "One-to-one is recognised, its two kinds are not told apart. Feed two channels the "
            "same values: does the same index come out?",
            _told(shared="unshared"),
            also=(_told(unshared="shared"),),
        ),
        Misconception(
            "The two kinds of one-to-one are exchanged: shared means one function, so equal "
            "channels get equal indices.",
            _told(shared="unshared", unshared="shared"),
        ),
        Misconception(
            "A block with one map for all channels is holistic; you call it many-to-one. It does "
            "look at all channels, but there is only one map.",
            _told(holistic="m2o"),
        ),
        Misconception(
            "All depthwise blocks are one-to-one to you. Change one channel and see whether the "
            "*other* maps move.",
            _told(m2o="unshared"),
            also=(_told(m2o="unshared", shared="unshared"),),
        ),
    ),
)


# --- 4.2 Four columns, one convolution -----------------------------------------------------------


def _column_cases() -> list[Case]:
    def weights(outputs: int, channels: int, k: int, seed: int) -> tuple[Tensor, ...]:
        return signed(4, outputs, channels, k, k, seed=seed).unbind(0)

    return [
        Case("two channels, 2×2 kernels", distinct(4, 2, 2, 2, 2, seed=1).unbind(0)),
        Case("three channels", weights(3, 3, 2, 2)),
        Case("4×4 kernels", weights(2, 2, 4, 3)),
        Case("three channels to six", weights(6, 3, 2, 4)),
        Case("four channels to four", weights(4, 4, 2, 5)),
        Case("five channels to one, 3×3 kernels", weights(1, 5, 3, 6)),
    ]


FUSE = Exercise(
    "4.2",
    "Four columns, one convolution",
    ("top_left", "top_right", "bottom_left", "bottom_right"),
    _column_cases,
    lambda *weights: torch.cat(weights),
    (
        Misconception(
            "This joins the weights along the inputs. All four columns read the same input; it is "
            "their outputs that stand side by side.",
            lambda *weights: torch.cat(weights, 1),
        ),
        Misconception(
            "The outputs are interleaved: the four positions of channel 0, then those of channel "
            "1. `unflatten(1, (4, C))` reads a whole column first, then the next.",
            lambda *weights: torch.stack(weights, 1).flatten(0, 1),
        ),
        Misconception(
            "Top right and bottom left are exchanged.",
            lambda a, b, c, d: torch.cat([a, c, b, d]),
        ),
        Misconception(
            "One dimension too many: a convolution's weight has four. Join the columns along one "
            "that is there.",
            lambda *weights: torch.stack(weights),
        ),
        Misconception(
            "This adds the columns, so their answers can no longer be told apart.",
            lambda *weights: torch.stack(weights).sum(0),
            also=(lambda *weights: torch.stack(weights).mean(0),),
        ),
    ),
)


# --- 4.3 One small function for every slice ------------------------------------------------------


def _slice_cases() -> list[Case]:
    return [
        Case("one channel", (distinct(1, 1, 4, 4, seed=1), distinct(4, 1, 2, 2, seed=2))),
        Case("three channels", (distinct(1, 3, 4, 4, seed=3), distinct(4, 1, 2, 2, seed=4))),
        Case(
            "two images of two channels, 2×6",
            (distinct(2, 2, 2, 6, seed=5, lowest=-20), distinct(4, 1, 2, 2, seed=6)),
        ),
        Case(
            "values and weights of both signs, four channels, 6×2",
            (signed(1, 4, 6, 2, seed=7), signed(4, 1, 2, 2, seed=8)),
        ),
        Case(
            "three images of five channels",
            (signed(3, 5, 2, 4, seed=9), signed(4, 1, 2, 2, seed=10)),
        ),
    ]


def _shared(x: Tensor, weight: Tensor) -> Tensor:
    n, c, h, w = x.shape
    logits = F.conv2d(x.reshape(n * c, 1, h, w), weight, stride=2)
    return logits.unflatten(0, (n, c)).transpose(1, 2)


def _as_one_batch(x: Tensor, weight: Tensor) -> Tensor:
    n, c, h, w = x.shape
    logits = F.conv2d(x.reshape(n * c, 1, h, w), weight, stride=2)
    return logits.reshape(n, 4, c, h // 2, w // 2)


SHARED = Exercise(
    "4.3",
    "One small function for every slice",
    ("x", "weight"),
    _slice_cases,
    _shared,
    (
        Misconception(
            "Right for one channel; for several, channels and positions are mixed. After the "
            "convolution the order is image, channel, position: cut them apart in this order, then "
            "exchange the last two.",
            _as_one_batch,
        ),
        Misconception(
            "This gives (N, C, 4, h, w): channel before position. Columns have the position in "
            "dimension 1.",
            lambda x, weight: _shared(x, weight).transpose(1, 2),
        ),
        Misconception(
            "Every index sees the sum of all channels: that is many-to-one, with the weight "
            "repeated. A slice must see itself only.",
            lambda x, weight: F.conv2d(x.sum(1, keepdim=True), weight, stride=2)[:, :, None].expand(
                -1, -1, x.shape[1], -1, -1
            ),
        ),
        Misconception(
            "All slices of the result are the index of the first channel. They share the "
            "*function*, not its value.",
            lambda x, weight: _shared(x[:, :1], weight).expand(-1, -1, x.shape[1], -1, -1),
        ),
        Misconception(
            "The kernel moves one pixel at a time. One index for each region: stride 2.",
            lambda x, weight: (
                F.conv2d(x.flatten(0, 1)[:, None], weight).unflatten(0, x.shape[:2]).transpose(1, 2)
            ),
        ),
        Misconception(
            "The kernel is flipped, as in a mathematician's convolution. PyTorch's `conv2d` does "
            "not flip.",
            lambda x, weight: _shared(x, weight.flip(-1, -2)),
        ),
    ),
)


# --- 4.4 Parameters by formula -------------------------------------------------------------------


@cache
def _parameters(family: str, channels: int, kernel: int) -> int:
    mode = "nonlinear_context" if kernel == 4 else "nonlinear"
    with torch.device("meta"):
        block = create_index_block(channels, family, mode)
    return sum(parameter.numel() for parameter in block.parameters())


def _formula(
    family: str,
    channels: int,
    kernel: int,
    *,
    columns: int = 4,
    norm: int = 2,
    bias: int = 0,
    expansion: int = 2,
    outputs: int = 4,
) -> int:
    """The count, with what people forget as arguments."""
    c, k2 = channels, kernel**2
    if family == "holistic":
        hidden = expansion * c
        return c * hidden * k2 + norm * hidden + hidden * outputs + bias * (hidden + outputs)
    hidden = expansion * (c if family in ("m2o", "o2o_unshared_stagewise") else 1)
    seen = c if family == "m2o" else 1
    last = hidden * c if family == "m2o" else hidden
    out = hidden // expansion
    return columns * (seen * hidden * k2 + norm * hidden + last + bias * (hidden + out))


def _variant(**changes: int) -> Callable[..., int]:
    return lambda family, channels, kernel: _formula(family, channels, kernel, **changes)


def _as(wrong: str, *right: str) -> Callable[..., int]:
    """The count of another family where one of these is asked for."""
    return lambda family, channels, kernel: _parameters(
        wrong if family in right else family, channels, kernel
    )


PARAMETERS = Exercise(
    "4.4",
    "Parameters by formula",
    ("family", "channels", "kernel"),
    lambda: [
        Case(f"{family}, {channels} channels, {kernel}×{kernel}", (family, channels, kernel))
        for channels in (32, 160, 3)
        for kernel in (2, 4)
        for family in FAMILIES
    ],
    _parameters,
    (
        Misconception(
            "Batch normalisation is missing: a scale and a shift for each hidden channel.",
            _variant(norm=0),
        ),
        Misconception(
            "Running mean and variance are not learned: batch normalisation has two parameters for "
            "a hidden channel, not four.",
            _variant(norm=4),
        ),
        Misconception(
            "These convolutions have no bias.",
            _variant(bias=1),
        ),
        Misconception(
            "The depthwise families have four columns, one for each position, each with weights of "
            "its own. You count one.",
            _variant(columns=1),
        ),
        Misconception(
            "The hidden layer is twice as wide as the input in the paper. Yours is as wide.",
            _variant(expansion=1),
        ),
        Misconception(
            "Unshared O2O: every output sees one channel only (`groups=C`), so a weight has 1, not "
            "C, inputs. You count M2O.",
            _as("m2o", "o2o_unshared_stagewise"),
        ),
        Misconception(
            "Shared O2O, stagewise or modelwise: one small function serves all slices, however "
            "many. You count one for each.",
            _as("o2o_unshared_stagewise", "o2o_shared_stagewise", "o2o_modelwise"),
            also=(
                _as("o2o_unshared_stagewise", "o2o_shared_stagewise"),
                _as("o2o_unshared_stagewise", "o2o_modelwise"),
            ),
        ),
    ),
    tolerance=1e-6,
)


# --- 4.5 Two ways to count -----------------------------------------------------------------------


COUNTS = Exercise(
    "4.5",
    "Two ways to count",
    ("channels", "size"),
    lambda: [
        Case("8 channels, 16×16", (8, 16)),
        Case("Table 5's first stage", (32, 224)),
        Case("a deep stage", (512, 14)),
        Case("a single channel", (1, 4)),
        Case("three channels, 6×6", (3, 6)),
    ],
    lambda channels, size: (4 * channels * size**2, 4 * size**2),
    (
        Misconception(
            "The two are exchanged: the true count first.",
            lambda channels, size: (4 * size**2, 4 * channels * size**2),
        ),
        Misconception(
            "You run the kernel at every pixel. Its stride is 2: H/2 · W/2 places.",
            lambda channels, size: (16 * channels * size**2, 16 * size**2),
        ),
        Misconception(
            "You count one column. Four of them read every region, 16 weights in all.",
            lambda channels, size: (channels * size**2, size**2),
        ),
        Misconception(
            "Both are the true count. The paper's counter multiplies the *weight's* size by H/2 · "
            "W/2 and does not see that C slices stand in the batch.",
            lambda channels, size: (4 * channels * size**2, 4 * channels * size**2),
        ),
        Misconception(
            "Both are the paper's count. In truth each of the C slices goes through the block.",
            lambda channels, size: (4 * size**2, 4 * size**2),
        ),
        Misconception(
            "This is M2O: every output reads all C channels. In O2O a slice reads itself.",
            lambda channels, size: (4 * channels**2 * size**2, 4 * channels**2 * size**2),
        ),
    ),
    tolerance=1e-6,
)


EXERCISES = (FAMILY, FUSE, SHARED, PARAMETERS, COUNTS)
