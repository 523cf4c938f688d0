"""The costs that Table 5 prints, and its schedule."""

from __future__ import annotations

from ...complexity import Baseline, CostTable, Schedule

__all__ = ["COSTS_5"]

COSTS_5 = CostTable(
    number=5,
    title="image matting",
    in_channels=4,
    channels=(32, 24, 32, 64, 160),
    baselines=(
        Baseline("B11", 3_753_259, 4.0808),
        Baseline("B3 (DeepMatting, VGG16)", 130_545_345, 32.339),
        Baseline("B11-1.4", 7_254_215, 7.67),  # could not be reproduced
        Baseline("B11-carafe", 3_753_259, 4.0808, carafe=(160, 64, 32, 24, 32)),
        Baseline("HMI (holistic max index)", 3_753_259, 4.0808),
    ),
    schedule=Schedule(48_000, 30, 320),  # 90,000 steps of 16
)
