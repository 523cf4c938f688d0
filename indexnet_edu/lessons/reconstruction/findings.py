"""Reading Table 3: sentences that follow from the figures, whatever these turn out to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from ...complexity import count
from ...engine import Run
from ...records import paper_table
from ...tasks.reconstruction import RECONSTRUCTION
from ...tasks.reconstruction.table import TABLE_3
from ..answers import as_bullets, beside_predictions, reservations, yes_no
from ..crossing import numbers_beside, trace
from ..rows import table_text

__all__ = [
    "CONTROL",
    "ROWS",
    "RowCost",
    "cost_of",
    "findings",
    "format_costs",
    "judge_prediction",
    "paper_psnr",
    "psnr_of",
    "table_3_rows",
    "table_3_text",
]

#: The control of Sec. 5.3's text, no row of Table 3: the index maps are learned and thrown away.
CONTROL = "indexed_bilinear"
#: The nine rows of Table 3 in the paper's order, blind ones first.
ROWS = tuple(TABLE_3.rows)
_INDEXNETS = ("indexed_o2o_modelwise", "indexed_holistic", "indexed_m2o")  # the paper's order
_UNTRAINED = 100  # steps; below, the loss still falls by the step and an order means nothing


def psnr_of(runs: Mapping[str, Run]) -> dict[str, float]:
    """Variant → test PSNR in dB."""
    return {variant: run.metrics["psnr"] for variant, run in runs.items()}


def paper_psnr() -> dict[str, float]:
    """Variant → PSNR in dB as Table 3 prints it."""
    return {row["method"]: row["psnr"] for row in paper_table(3)}


@dataclass(frozen=True)
class RowCost:
    """What a row costs.

    Attributes:
        parameters: of the whole network.
        macs: multiply–accumulates of one 32×32 image.
        crossing: values that reach the decoder beside the bottleneck: the decoder's index maps, or
            one position for each maximum.
    """

    parameters: int
    macs: int
    crossing: int


@cache
def cost_of(variant: str) -> RowCost:
    """The cost of a row, counted on its network; nothing is computed."""
    row = RECONSTRUCTION.variant(variant)
    with torch.device("meta"):
        model = RECONSTRUCTION.build_model(row, RECONSTRUCTION.profile("gpu"))
        image = torch.zeros(1, 1, 32, 32)
    cost = count(model, image)
    # The control learns index maps too, and its decoder never sees them.
    crossing = numbers_beside(trace(model, image)) if row.guided else 0
    return RowCost(cost.parameters, cost.macs, crossing)


def format_costs(costs: Mapping[str, RowCost]) -> str:
    """The costs of :func:`cost_of` as aligned text, parameters also relative to the smallest."""
    least = min(cost.parameters for cost in costs.values())
    lines = [f"{'row':22} {'':6} {'parameters':>11} {'':6} {'MACs / M':>9} {'values crossing':>16}"]
    for variant, cost in costs.items():
        kind = "guided" if RECONSTRUCTION.variant(variant).guided else "blind"
        share = f"×{cost.parameters / least:.2f}"
        lines.append(
            f"{variant:22} {kind:6} {cost.parameters:11,} {share:>6} "
            f"{cost.macs / 1e6:9.1f} {cost.crossing:16,}"
        )
    return "\n".join(lines)


def table_3_text(runs: Mapping[str, Run]) -> str:
    """Ours beside the paper's, with data, profile and device in the caption."""
    return table_text(RECONSTRUCTION, runs.values())


def table_3_rows(runs: Mapping[str, Run]) -> list[dict[str, Any]]:
    """One row a variant, for :func:`~indexnet_edu.course.results.report`.

    The paper's SSIM is left out, since it is another quantity than ours, and RMSE, which says the
    same as PSNR.
    """
    printed = {row["method"]: row for row in paper_table(3)}
    rows = []
    for variant, run in runs.items():
        ours, paper = run.metrics, printed.get(variant, {})
        row: dict[str, Any] = {
            "variant": variant,
            "kind": "guided" if RECONSTRUCTION.variant(variant).guided else "blind",
            "parameters": cost_of(variant).parameters,
            "PSNR / dB": ours["psnr"],
            "paper's PSNR / dB": paper.get("psnr"),
            "SSIM": ours["ssim"],
            "MAE": ours["mae"],
            "paper's MAE": paper.get("mae"),
        }
        rows.append(row)
    return rows


def findings(psnr: Mapping[str, float], steps: int) -> str:
    """What the paper's claims look like in these figures, a line each.

    Args:
        psnr: variant → PSNR in dB; all nine rows of Table 3 and the control.
        steps: of training, to say when they are too few.
    """
    blind = {v: psnr[v] for v in ROWS if not RECONSTRUCTION.variant(v).guided}
    guided = {v: psnr[v] for v in ROWS if RECONSTRUCTION.variant(v).guided}
    best, worst = max(blind, key=blind.__getitem__), min(guided, key=guided.__getitem__)
    ahead = guided[worst] > blind[best]
    found = sorted(_INDEXNETS, key=psnr.__getitem__)
    gap = psnr["indexed_m2o"] - psnr[CONTROL]
    lead = psnr["indexed_o2o_modelwise"] - psnr["maxpool_maxunpool"]
    lines = [
        f"Is every guided row ahead of every blind row? {yes_no(ahead)}: the lowest guided row is "
        f"{worst} ({psnr[worst]:.2f} dB), the highest blind row {best} ({psnr[best]:.2f} dB).",
        f"Do the three IndexNets come in the paper's order? {yes_no(found == list(_INDEXNETS))}: "
        f"from low to high {', '.join(found)}.",
        f"Is modelwise O2O ahead of max unpooling, its equal in capacity? {yes_no(lead > 0)}: by "
        f"{lead:+.2f} dB.",
        f"Is the highest blind row s2d_d2s, as in the paper? {yes_no(best == 's2d_d2s')}.",
        f"Does M2O need its intermediate path? {yes_no(gap > 0)}: without it, the same encoder "
        f"{'loses' if gap > 0 else 'gains'} {abs(gap):.2f} dB.",
        *reservations(steps, _UNTRAINED),
    ]
    return as_bullets(lines)


def judge_prediction(
    psnr: Mapping[str, float],
    *,
    best_blind: str = "",
    guided_first: bool | None = None,
    control_loses: float | None = None,
) -> str:
    """A learner's predictions beside what came out; what was left empty is told, not blamed.

    Args:
        psnr: variant → PSNR in dB, the nine rows and the control.
        best_blind: the blind row expected to come first.
        guided_first: whether every guided row was expected ahead of every blind one.
        control_loses: dB by which M2O was expected to fall without its intermediate path.
    """
    blind = {v: psnr[v] for v in ROWS if not RECONSTRUCTION.variant(v).guided}
    best = max(blind, key=blind.__getitem__)
    ahead = min(psnr[v] for v in ROWS if RECONSTRUCTION.variant(v).guided) > blind[best]
    gap = psnr["indexed_m2o"] - psnr[CONTROL]
    outcomes = [
        ("best blind row", best_blind, best),
        (
            "every guided row ahead",
            "" if guided_first is None else yes_no(guided_first),
            yes_no(ahead),
        ),
        (
            "what the control loses",
            "" if control_loses is None else f"{control_loses:.1f} dB",
            f"{gap:.1f} dB",
        ),
    ]
    return beside_predictions(outcomes)
