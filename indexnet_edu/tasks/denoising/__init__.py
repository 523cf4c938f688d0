"""Gaussian denoising of grey photographs: what downsampling costs, and what an index map gives
back.

Source: "Index Networks", Sec. 6.2 and Table 7. Data, schedule and loss are the paper's; what it
leaves open (residual prediction, sizes that eight does not divide, which SSIM) is in docs/paper.md.
"""

from __future__ import annotations

from typing import Any

from torch.nn import functional as F

from ...engine.task import Task
from ...indexing import FAMILIES, MODES
from ...metrics import DenoisingMetrics
from ...resampling import Resampler, create_resampler, named_resampler
from .classics import measure_classics
from .data import load_data
from .model import build_model
from .predict import denoise
from .recipe import DenoisingRecipe

__all__ = ["DENOISING"]

VARIANTS: dict[str, Resampler | None] = {
    "dncnn": None,
    "dncnn_segnet": create_resampler("maxpool_maxunpool"),
    "dncnn_max_carafe": create_resampler("maxpool_carafe"),
    "dncnn_avg_carafe": create_resampler("avgpool_carafe"),
    # The stride is that of each encoder stage's last convolution: only so are the paper's 15.23
    # GFLOPs right.
    "dncnn_conv_carafe": create_resampler("conv_carafe", own_convolution=False),
    **{f"{f}-{m}": named_resampler(f"{f}-{m}") for f in FAMILIES for m in MODES},
}

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

DENOISING = Task(
    name="denoising",
    title="Gaussian denoising",
    table=7,
    variants=VARIANTS,
    profiles=PROFILES,
    load_data=load_data,
    build_model=build_model,
    loss=F.mse_loss,
    metrics=DenoisingMetrics,
    headline="psnr",
    paper_data="BSD400",
    baselines=measure_classics,
    predict=denoise,
)
