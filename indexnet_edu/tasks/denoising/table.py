"""Table 7 as the paper prints it, with its costs and schedule."""

from __future__ import annotations

from torch import nn

from ...complexity import Baseline, CostTable, Schedule
from ...engine import Column, Table
from ...indexing import FAMILIES, MODES
from ...resampling import Resampler, create_resampler, named_resampler
from .model import build_dncnn, build_segnet
from .recipe import DenoisingRecipe

__all__ = ["COSTS_7", "PAIRS", "TABLE_7"]

#: Row → pair; None is DnCNN, which has none.
PAIRS: dict[str, Resampler | None] = {
    "dncnn": None,
    "dncnn_segnet": create_resampler("maxpool_maxunpool"),
    "dncnn_max_carafe": create_resampler("maxpool_carafe"),
    "dncnn_avg_carafe": create_resampler("avgpool_carafe"),
    # The stride is that of each encoder stage's last convolution: only so are the paper's 15.23
    # GFLOPs right.
    "dncnn_conv_carafe": create_resampler("conv_carafe", own_convolution=False),
    **{f"{f}-{m}": named_resampler(f"{f}-{m}") for f in FAMILIES for m in MODES},
}

_ROWS = {
    "DnCNN": "dncnn",
    "DnCNN-SegNet": "dncnn_segnet",
    "DnCNN-max-carafe": "dncnn_max_carafe",
    "DnCNN-avg-carafe": "dncnn_avg_carafe",
    "DnCNN-conv-carafe": "dncnn_conv_carafe",
}


def _columns(sigma: int, key: str, title: str, printed: bool = True) -> tuple[Column, ...]:
    key, title = f"{key}_sigma{sigma}", f"{title} σ{sigma}"
    psnr, ssim = (f"{key}_psnr", f"{key}_ssim") if printed else (None, None)
    return (
        Column(f"{key}_psnr", f"{title} / dB", 2, psnr),
        Column(f"{key}_ssim", f"{title} SSIM", 4),
        Column(f"{key}_ssim_legacy", f"{title} old SSIM", 4, ssim),
    )


TABLE_7 = Table(
    number=7,
    rows=_ROWS,
    columns=tuple(
        column
        for sigma in (15, 25, 50)
        for column in (
            *_columns(sigma, "bsd68", "BSD68"),
            *_columns(sigma, "set12", "Set12"),
            *_columns(sigma, "photographs", "embedded", printed=False),
        )
    ),
    remark="The paper's SSIM is the old one, with data_range 2 for images in [0, 1]: it looks "
    "better.",
    paper_data="BSD400",
    several=frozenset({"sigma"}),
)


def _counted(printed: str) -> Baseline:
    def network() -> nn.Module:
        pair, paper = PAIRS[_ROWS[printed]], DenoisingRecipe()
        return build_dncnn(None, paper) if pair is None else build_segnet(pair, paper)

    return Baseline(printed, network=network)


COSTS_7 = CostTable(
    number=7,
    title="image denoising",
    in_channels=1,
    channels=(64, 128, 256),
    baselines=tuple(map(_counted, ("DnCNN-SegNet", *(r for r in _ROWS if r != "DnCNN-SegNet")))),
    schedule=Schedule(240_000, 60, 40, trainings=3),  # three noise levels
)
