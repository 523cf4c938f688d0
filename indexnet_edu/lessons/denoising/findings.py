"""Reading Table 7: sentences that follow from the figures, whatever these turn out to be."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...engine import Run
from ...records import paper_table
from ...tasks.denoising import DENOISING
from ...tasks.denoising.classics import CLASSICS
from ...tasks.denoising.table import TABLE_7
from ..answers import as_bullets, beside_predictions, reservations, yes_no
from .lesson import LIVE

__all__ = [
    "carafe_beside_noise", "findings", "judge_prediction", "main_figures", "paper_psnr",
]  # fmt: skip

_UNTRAINED = 500  # steps; below, a network may still be behind the image that it was given


def main_figures(
    baselines: Mapping[str, Mapping[str, float]], runs: Mapping[str, Run]
) -> dict[str, float]:
    """Name → PSNR in dB on the first test set, the methods that learn nothing first."""
    measured = {**baselines, **{name: run.metrics for name, run in runs.items()}}
    return {name: DENOISING.main_figure(metrics) for name, metrics in measured.items()}


def paper_psnr(sigma: int = 25) -> dict[str, float]:
    """Variant → PSNR in dB on BSD68 as Table 7 prints it."""
    key = f"bsd68_sigma{sigma}_psnr"
    return {TABLE_7.variant_of(row): row[key] for row in paper_table(7)}


def _best_classic(psnr: Mapping[str, float]) -> str:
    return max((name for name in CLASSICS if name != "noisy_input"), key=psnr.__getitem__)


def _best_indexed(psnr: Mapping[str, float]) -> str:
    return max((name for name in LIVE if not name.startswith("dncnn")), key=psnr.__getitem__)


def _ahead_of_classics(psnr: Mapping[str, float]) -> list[str]:
    return [name for name in LIVE if psnr[name] > psnr[_best_classic(psnr)]]


def findings(psnr: Mapping[str, float], steps: int) -> str:
    """What the paper's claims look like in these figures, a line each.

    Args:
        psnr: name → PSNR in dB, of the classics and the rows of ``LIVE``.
        steps: of training, to say when they are too few.
    """
    noisy = psnr["noisy_input"]
    behind = [name for name in LIVE if psnr[name] <= noisy]
    classic, indexed = _best_classic(psnr), _best_indexed(psnr)
    gain = psnr[indexed] - psnr["dncnn_segnet"]
    cost = psnr["dncnn"] - psnr["dncnn_segnet"]
    rest = psnr["dncnn"] - psnr[indexed]
    order = sorted(LIVE, key=psnr.__getitem__)
    printed = paper_psnr()
    lines = [
        f"Is every network ahead of the noisy input ({noisy:.2f} dB)? "
        f"{yes_no(not behind)}{': behind is ' if behind else ''}{', '.join(behind)}.",
        f"Which are ahead of the better classic, {classic} ({psnr[classic]:.2f} dB)? "
        f"{', '.join(_ahead_of_classics(psnr)) or 'None'}.",
        f"Does downsampling cost a denoiser? {yes_no(cost > 0)}: with max unpooling it stands "
        f"{abs(cost):.2f} dB {'below' if cost > 0 else 'above'} DnCNN.",
        f"Does an index map give it back? {yes_no(gain > 0)}: {indexed} stands {abs(gain):.2f} "
        f"dB {'above' if gain > 0 else 'below'} max unpooling, and {abs(rest):.2f} dB "
        f"{'below' if rest > 0 else 'above'} DnCNN.",
        f"Is the order the paper's? {yes_no(order == sorted(LIVE, key=printed.__getitem__))}: "
        f"from low to high {', '.join(order)}.",
        *reservations(steps, _UNTRAINED),
    ]
    return as_bullets(lines)


def judge_prediction(
    psnr: Mapping[str, float],
    *,
    first: str = "",
    beats_classics: int | None = None,
    index_gain: float | None = None,
) -> str:
    """A learner's predictions beside what came out; what was left empty is told, not blamed.

    Args:
        psnr: as for :func:`findings`.
        first: the row expected to come first.
        beats_classics: how many of the four were expected ahead of both classics.
        index_gain: dB by which the better IndexNet was expected ahead of max unpooling.
    """
    best = max(LIVE, key=psnr.__getitem__)
    gain = psnr[_best_indexed(psnr)] - psnr["dncnn_segnet"]
    return beside_predictions([
        ("first row", first, best),
        ("ahead of both classics", "" if beats_classics is None else str(beats_classics),
         f"{len(_ahead_of_classics(psnr))} of {len(LIVE)}"),
        ("what an index map gains", "" if index_gain is None else f"{index_gain:.1f} dB",
         f"{gain:.1f} dB"),
    ])  # fmt: skip


def carafe_beside_noise(recorded: Mapping[str, Mapping[str, float | None]]) -> str:
    """The paper's three CARAFE rows on Set12 beside an image that nobody has touched.

    Args:
        recorded: row → metrics of recorded runs at σ = 25; ours is told if it is among them.
    """
    lines = [f"{'Set12':8} {'noisy input':>12}   the paper's max-, avg-, conv-carafe, in dB"]
    for sigma in (15, 25, 50):
        key = f"set12_sigma{sigma}_psnr"
        printed = [
            row[key] for row in paper_table(7) if TABLE_7.variant_of(row).endswith("_carafe")
        ]
        untouched = -20 * math.log10(sigma / 255)  # before clipping
        lines.append(f"σ = {sigma:<4} {untouched:12.2f}   {', '.join(f'{v:.2f}' for v in printed)}")
    ours = recorded.get("dncnn_max_carafe", {}).get("set12_sigma25_psnr")
    if ours is not None:
        lines.append(f"ours on record, max-carafe at σ = 25: {ours:.2f}")
    return "\n".join(lines)
