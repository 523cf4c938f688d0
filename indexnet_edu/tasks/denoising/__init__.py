"""Gaussian denoising of grey photographs: what downsampling costs, and what an index map gives
back.

Source: "Index Networks", Sec. 6.2 and Table 7. Data, schedule and loss are the paper's; what it
leaves open (residual prediction, sizes that eight does not divide, which SSIM) is in docs/paper.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from ...engine import Batch, Mean, Network, Predict, Source, Task, Variant
from ...images import read_image, write_image
from .classics import measure_classics
from .data import load_bsd, load_samples
from .metrics import DenoisingMetrics
from .model import build_dncnn, build_segnet
from .predict import denoise
from .recipe import DenoisingRecipe
from .table import PAIRS, TABLE_7

__all__ = ["DENOISING"]

_SCHEDULE: dict[str, Any] = {"lr": 1e-3, "lr_drops": (45 / 60, 55 / 60), "channels_last": True}

PROFILES = {
    "smoke": DenoisingRecipe(
        epochs=1, batch_size=16, train_images=2, train_patches=160, test_images=1, data="embedded",
        width=0.125, log_every=1, checkpoint_every=5, **_SCHEDULE,
    ),
    # Many small steps: at batch 64 the encoder–decoders learn half as much from as many patches.
    # But statistics of 16 patches teach nothing about an image unlike the rest: by the running ones
    # a few come out worse than they went in. Frozen before the end, these are learned with.
    "cpu": DenoisingRecipe(
        epochs=1, batch_size=16, train_patches=16_000, width=0.25, norm_frozen_from=0.7,
        checkpoint_every=500, **_SCHEDULE,
    ),
    "gpu": DenoisingRecipe(
        epochs=60, batch_size=128, data="real", log_every=50, checkpoint_every=2000, **_SCHEDULE
    ),
}  # fmt: skip


def _squared_error(output: Tensor, batch: Batch) -> Mean:
    return Mean(F.mse_loss(output, batch.target, reduction="sum"), batch.target.numel())


def _read(content: bytes) -> tuple[np.ndarray, str]:
    """An image of any size at its own resolution."""
    image, note = read_image(content, longest_side=None, smallest_side=1)
    kind = "grey" if image.ndim == 2 else "colour, each channel for itself"
    return image, "; ".join(filter(None, [kind, note]))


DENOISING = Task(
    name="denoising",
    title="Gaussian denoising",
    networks={"segnet": Network(build_segnet, PROFILES), "dncnn": Network(build_dncnn, PROFILES)},
    variants={
        name: Variant("dncnn") if pair is None else Variant("segnet", pair)
        for name, pair in PAIRS.items()
    },
    sources={
        "bsd400": Source(load_bsd, dataset="denoising"),
        "embedded": Source(load_samples),
    },
    tables=(TABLE_7,),
    loss=_squared_error,
    metrics=DenoisingMetrics,
    headline="psnr",
    baselines=measure_classics,
    predict=Predict(run=denoise, outputs={".png": write_image}, inputs={"image": _read}),
)
