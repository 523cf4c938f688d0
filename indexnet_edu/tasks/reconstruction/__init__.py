"""Image reconstruction on Fashion-MNIST: how much spatial information does each upsampling recover?

Source: "Index Networks", Sec. 5.3, Table 3 and Fig. 8. Schedule, loss, widths and image size are
the paper's; what it leaves open (Adam, the range of values, what "Conv/2" and "Deconv/2" are) is
listed in docs/paper.md.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from ...engine import Batch, Mean, Network, Recipe, Source, Task, Variant
from ...metrics import ImageMetrics
from ...resampling import create_resampler
from .data import load_real, load_subset
from .model import build_model
from .table import TABLE_3

__all__ = ["RECONSTRUCTION"]

_INDEXED = {"mode": "nonlinear_context"}  # all IndexNets of Table 3

PAIRS = {
    "avgpool_nearest": create_resampler("avgpool_nearest"),
    "conv_bilinear": create_resampler("conv_bilinear"),
    "s2d_d2s": create_resampler("s2d_d2s"),
    "conv_deconv": create_resampler("conv_deconv"),
    "conv_carafe": create_resampler("conv_carafe"),
    "maxpool_maxunpool": create_resampler("maxpool_maxunpool"),
    "indexed_o2o_modelwise": create_resampler("indexnet", family="o2o_modelwise", **_INDEXED),
    "indexed_holistic": create_resampler("indexnet", family="holistic", **_INDEXED),
    "indexed_m2o": create_resampler("indexnet", family="m2o", **_INDEXED),
    # Not a row of Table 3: the control of Sec. 5.3's text, the intermediate path cut.
    "indexed_bilinear": create_resampler("indexnet_bilinear", family="m2o", **_INDEXED),
}

_SCHEDULE: dict[str, Any] = {
    "batch_size": 100, "lr": 0.01, "lr_drops": (0.5, 0.7, 0.85), "channels_last": True,
}  # fmt: skip

PROFILES = {
    "smoke": Recipe(
        epochs=1, train_images=500, test_images=100, data="embedded", eval_batch_size=50,
        log_every=1, checkpoint_every=5, **_SCHEDULE,
    ),
    "cpu": Recipe(
        epochs=3, train_images=5_000, test_images=2_000, checkpoint_every=50, **_SCHEDULE
    ),
    "gpu": Recipe(epochs=100, data="real", log_every=50, checkpoint_every=3000, **_SCHEDULE),
}  # fmt: skip


def _l1(output: Tensor, batch: Batch) -> Mean:
    return Mean(F.l1_loss(output, batch.target, reduction="sum"), batch.target.numel())


RECONSTRUCTION = Task(
    name="reconstruction",
    title="Fashion-MNIST reconstruction",
    networks={"encoder_decoder": Network(build_model, PROFILES)},
    variants={name: Variant("encoder_decoder", pair) for name, pair in PAIRS.items()},
    sources={
        "fashion_mnist": Source(load_real, dataset="fashion_mnist"),
        "embedded": Source(load_subset),
    },
    tables=(TABLE_3,),
    loss=_l1,
    metrics=ImageMetrics,
    headline="psnr",
)
