"""What notebook 07 trains and prints: four rows of Table 7 and the classics on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ...engine import Run
from .. import rows
from . import DENOISING

__all__ = ["LIVE", "clean_crops", "train_rows"]

#: Full resolution, max unpooling, and a light and a plain IndexNet.
LIVE = ("dncnn", "dncnn_segnet", "o2o_shared_stagewise-nonlinear_context", "m2o-linear")


def train_rows(profile: str, seed: int, **options: Any) -> dict[str, Run]:
    """:func:`indexnet_edu.tasks.rows.train_rows` with its options, for this task."""
    return rows.train_rows(DENOISING, profile, seed, LIVE, **options)


def clean_crops(models: Mapping[str, nn.Module], noisy: Tensor, clean: Tensor) -> dict[str, Tensor]:
    """``(N, 1, H, W)`` each: the clean image, the noisy one, and what each network makes of it."""
    return {"clean": clean, "noisy_input": noisy.clamp(0, 1)} | rows.outputs_of(models, noisy)
