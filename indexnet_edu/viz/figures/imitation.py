"""How well index blocks imitate a rule: one dot a training, one row a kind of block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..palette import OKABE_ITO, colour
from .canvas import chart_axes, house_style, new_figure, text_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["agreement_strips"]

_ROW = 46


@house_style
def agreement_strips(
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    ceilings: Mapping[str, tuple[float, str]] | None = None,
) -> Figure:
    """A panel a rule, a row a block, a dot a training, a bar at their median.

    Args:
        panels: rule → block → agreement of each training, 0 to 1. All rules have the same blocks.
        ceilings: rule → (agreement, what cannot be above it), drawn as a line.

    Raises:
        ValueError: nothing to draw.
    """
    if not panels:
        raise ValueError("no trainings to draw")
    names = list(next(iter(panels.values())))
    left = max(text_size(name)[0] for name in names) + 26
    top, below, gap = 52.0, 48.0, 26.0
    width, height = 960.0, top + below + _ROW * len(names)
    panel = (width - left - gap * len(panels)) / len(panels)
    figure = new_figure(width, height)
    for i, (rule, rows) in enumerate(panels.items()):
        x = left + i * (panel + gap)
        axes = chart_axes(figure, x, width - x - panel, top, below, rule)
        for r, name in enumerate(names):
            values = np.asarray(rows[name], dtype=float)
            spread = r + 0.5 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
            axes.plot(values, spread, "o", color=colour("encoder"), alpha=0.6, ms=5)
            axes.vlines(np.median(values), r - 0.36, r + 0.36, color="black", lw=2.5)
        marks = [(0.25, "chance")]
        if ceilings and rule in ceilings:
            marks.append(ceilings[rule])
        for value, words in marks:
            axes.axvline(value, color=OKABE_ITO["vermillion"], lw=1.2, ls="--", zorder=0)
            axes.text(value, -0.56, words, ha="center", va="bottom", fontsize=8)
        axes.set(
            xlim=(0, 1.03),
            ylim=(len(names) - 0.5, -0.5),
            xlabel="regions in which the largest logit is right (share)",
        )
        axes.set_title(rule, pad=20)
        axes.set_yticks(range(len(names)), names if i == 0 else [""] * len(names))
        axes.grid(axis="x")
    return figure
