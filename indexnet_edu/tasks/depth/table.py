"""The costs that Table 10 prints, and its schedule."""

from __future__ import annotations

from ...complexity import Baseline, CostTable, Schedule

__all__ = ["COSTS_10"]

COSTS_10 = CostTable(
    number=10,
    title="depth estimation",
    in_channels=3,
    channels=(32, 128, 256, 512, 1024),
    baselines=(
        Baseline("FastDepth-P-NNConv5", 3_960_930, 1.0129),
        Baseline("FastDepth-NNConv5", 3_960_930, 0.6861),
        Baseline("FastDepth-carafe", 3_960_930, 0.6861, carafe=(512, 256, 128, 64, 32)),
        Baseline("FastDepth-P-carafe", 3_960_930, 1.0129, carafe=(512, 256, 128, 64, 32)),
    ),
    schedule=Schedule(47_584, 30, 224),  # the training images of FastDepth
    # Table 10 contradicts itself for depthwise index maps (docs/paper.md): they fit only a decoder
    # that upsamples before it narrows, and that one costs this.
    depthwise_gmacs=1.3526,
)
