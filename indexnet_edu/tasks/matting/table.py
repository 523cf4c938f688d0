"""Tables 4, 5 and 6 as the paper prints them, with Table 5's costs and the schedule of all."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ...complexity import Baseline, CostTable, Schedule
from ...engine import Column, Table
from ...indexing import NORMALISATIONS
from .model import VARIANTS, build
from .recipe import MattingRecipe

__all__ = ["COSTS_5", "TABLE_4", "TABLE_5", "TABLE_6"]


def _columns() -> tuple[Column, ...]:
    figures = (("sad", "SAD / 1000", 2), ("mse", "MSE", 4), ("grad", "Grad / 1000", 2),
               ("conn", "Conn / 1000", 2))  # fmt: skip
    sets = (
        ("composition_1k", "", True),
        ("alphamatting", "real ", False),
        ("drawn", "drawn ", False),
    )
    return tuple(
        Column(f"{key}_{figure}", title + heading, decimals, figure if printed else None, "lower")
        for key, title, printed in sets
        for figure, heading, decimals in figures
    )


_REMARK = (
    "SAD, Grad and Conn are sums over unknown pixels, in thousands: they grow with the picture, so "
    "levels of different test sets do not compare."
)
_SHARED = {"columns": _columns(), "remark": _REMARK, "paper_data": "Adobe Image Matting"}

TABLE_5 = Table(
    number=5,
    rows={
        "B3 (DeepMatting, VGG16)": "b3", "B11": "b11", "B11-1.4": "b11_1.4",
        "B11-carafe": "b11_carafe", "HMI (holistic max index)": "hmi",
        "DeepMatting with refinement": "deepmatting_refined",
    },
    **_SHARED,  # type: ignore[arg-type]
)  # fmt: skip

TABLE_4 = Table(
    number=4,
    rows={f"B{number}": f"b{number}" for number in range(1, 12)},
    labels=("no",),
    **_SHARED,  # type: ignore[arg-type]
)

#: Of M2O with nonlinearity and context: its last row is Table 5's.
TABLE_6 = Table(
    number=6,
    rows={
        name: "m2o-nonlinear_context" + ("" if name == "sigmoid+softmax" else f"-{name}")
        for name in NORMALISATIONS
    },
    labels=("encoder",),
    **_SHARED,  # type: ignore[arg-type]
)


def _counted(variant: str) -> Callable[[], nn.Module]:
    return lambda: build(VARIANTS[variant], MattingRecipe())


COSTS_5 = CostTable(
    number=5,
    title="image matting",
    in_channels=4,
    channels=(32, 24, 32, 64, 160),
    baselines=tuple(
        Baseline(printed, network=_counted(TABLE_5.rows[printed]))
        for printed in ("B11", *(row for row in TABLE_5.rows if row != "B11"))
        if printed != "DeepMatting with refinement"  # the paper gives no cost
    ),
    schedule=Schedule(48_000, 30, 320),  # 90,000 steps of 16
)
