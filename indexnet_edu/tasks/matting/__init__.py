"""Image matting: how much of each pixel is foreground, and what an index map does for fine borders.

Source: "Index Networks", Sec. 6.1 and Tables 4 to 6; what it leaves open is in docs/paper.md.
"""

from __future__ import annotations

from typing import Any

from ...engine import Network, Predict, Source, Task
from .classics import measure_classics
from .data import adobe_is_there, load_adobe, load_alphamatting, load_drawn
from .loss import batch_loss
from .metrics import MattingMetrics
from .model import ARCHITECTURES, VARIANTS, parameter_groups
from .predict import (
    cut_out,
    infer,
    read_photograph,
    read_users_trimap,
    write_alpha,
    write_cut_out,
)
from .pretrained import mobilenet_v2
from .recipe import MattingRecipe
from .table import TABLE_4, TABLE_5, TABLE_6

__all__ = ["MATTING"]

_SCHEDULE: dict[str, Any] = {
    "lr": 0.01, "lr_drops": (20 / 30, 26 / 30), "channels_last": True, "workers": 1,
}  # fmt: skip

PROFILES = {
    "smoke": MattingRecipe(
        epochs=1, batch_size=4, train_images=6, per_foreground=2, test_images=2, data="embedded",
        crop=64, width=0.25, pretrained="none", encoder_lr_factor=1.0, log_every=1,
        checkpoint_every=2, **_SCHEDULE,
    ),
    "cpu": MattingRecipe(
        epochs=1, batch_size=8, per_foreground=40, crop=96, checkpoint_every=50, **_SCHEDULE
    ),
    "gpu": MattingRecipe(
        epochs=30, batch_size=16, data="real", log_every=50, checkpoint_every=2000,
        **(_SCHEDULE | {"workers": 8}),
    ),
}  # fmt: skip

MATTING = Task(
    name="matting",
    title="image matting",
    networks={
        name: Network(
            build,
            PROFILES,
            pretrained=None if name == "deepmatting" else mobilenet_v2,
            groups=parameter_groups,
        )
        for name, build in ARCHITECTURES.items()
    },
    variants=VARIANTS,
    sources={
        "adobe": Source(load_adobe, at_hand=adobe_is_there),
        "alphamatting": Source(load_alphamatting, dataset="matting_alphamatting"),
        "embedded": Source(load_drawn),
    },
    tables=(TABLE_5, TABLE_4, TABLE_6),
    loss=batch_loss,
    metrics=MattingMetrics,
    headline="sad",
    infer=infer,
    baselines=measure_classics,
    predict=Predict(
        run=cut_out,
        outputs={"-alpha.png": write_alpha, "-cutout.png": write_cut_out},
        inputs={"image": read_photograph, "trimap": read_users_trimap},
    ),
)
