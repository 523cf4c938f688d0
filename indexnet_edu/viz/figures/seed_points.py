"""One measurement repeated with several seeds: every repetition is a point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..palette import style
from .canvas import DPI, chart_axes, house_style, new_figure, text_size, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["seed_points"]


@house_style
def seed_points(
    values: Mapping[str, Sequence[float]],
    *,
    label: str = "PSNR (dB, higher is better)",
    note: str = "",
) -> Figure:
    """A row a pair: a point for each seed, a bar at their mean, the mean in figures at the right.

    Args:
        values: pair's name → one value a seed.
        label: the horizontal axis, with its unit.
        note: what was measured, with its n, below the axis.

    Raises:
        ValueError: nothing to draw.
    """
    if not values or not all(values.values()):
        raise ValueError("no values to draw")
    titles = [style(name).title for name in values]
    foot = wrap(note, 100)
    below = 44 + (text_size(foot)[1] if note else 0)
    left = max(text_size(each)[0] for each in titles) + 40
    figure = new_figure(820, 34 + 34 * len(values) + below)
    axes = chart_axes(figure, left, 140, 30, below)
    for y, (name, repeated) in enumerate(values.items()):
        look, mean = style(name), float(np.mean(repeated))
        axes.plot([mean, mean], [y - 0.3, y + 0.3], color="#444444", linewidth=1.5)
        axes.plot(
            repeated, [y] * len(repeated), look.marker, color=look.colour, ms=8, mec="#444444"
        )
        spread = f" ± {np.std(repeated, ddof=1):.2f}" if len(repeated) > 1 else ""
        _beside(axes, y, f"{mean:.2f}{spread}")
    several = any(len(repeated) > 1 for repeated in values.values())
    _beside(axes, -0.85, "mean ± deviation" if several else "value")
    axes.set(
        yticks=range(len(values)),
        yticklabels=titles,
        ylim=(len(values) - 0.5, -0.5),
        xlabel=label + (f"\n{foot}" if note else ""),
    )
    axes.margins(x=0.06)
    axes.grid()
    return figure


def _beside(axes: Axes, y: float, words: str) -> None:
    axes.annotate(
        words,
        (1, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(14 * 72 / DPI, 0),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
    )
