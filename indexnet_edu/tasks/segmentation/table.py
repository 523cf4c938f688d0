"""The costs that Table 8 prints, and its schedule."""

from __future__ import annotations

from ...complexity import Baseline, CostTable, Schedule

__all__ = ["COSTS_8"]

COSTS_8 = CostTable(
    number=8,
    title="semantic segmentation",
    in_channels=3,
    channels=(64, 128, 256, 512, 512),
    baselines=(
        Baseline("SegNet", 24_964_645, 24.7632),
        Baseline("SegNet-carafe", 24_964_645, 24.7632, carafe=(512, 512, 256, 128, 64)),
    ),
    schedule=Schedule(4_800, 300, 320),  # SUN RGB-D's 90,000 steps of 16
)
