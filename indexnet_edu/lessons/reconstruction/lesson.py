"""The rows of Table 3, trained as :mod:`indexnet_edu.lessons.rows` trains those of any table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from ...engine import Run
from ...tasks.reconstruction import RECONSTRUCTION
from .. import rows
from ..rows import provenance

__all__ = ["CONTROL", "ROWS", "is_guided", "load_models", "provenance", "train_rows"]

#: The control of Sec. 5.3's text, no row of Table 3: the index maps are learned and thrown away.
CONTROL = "indexed_bilinear"
#: The nine rows of Table 3 in the paper's order, blind ones first.
ROWS = tuple(name for name in RECONSTRUCTION.variants if name != CONTROL)


def is_guided(variant: str) -> bool:
    """Whether anything crosses from the encoder to the decoder besides the bottleneck."""
    return rows.is_guided(RECONSTRUCTION, variant)


def train_rows(
    profile: str, seed: int, variants: Iterable[str] = (*ROWS, CONTROL), **options: Any
) -> dict[str, Run]:
    """:func:`indexnet_edu.lessons.rows.train_rows` with its options, for this task."""
    return rows.train_rows(RECONSTRUCTION, profile, seed, variants, **options)


def load_models(runs: Mapping[str, Run]) -> dict[str, nn.Module]:
    """The trained networks on the CPU, in evaluation mode."""
    return rows.load_models(RECONSTRUCTION, runs)
