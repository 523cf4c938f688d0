"""Training curves: the loss of several runs, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..palette import style
from .canvas import chart_axes, house_style, new_figure, text_size, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["training_curves"]


def _smooth(values: np.ndarray, window: int) -> np.ndarray:
    """A running mean that shortens at both ends, so that the curve keeps its length."""
    if window <= 1:
        return values
    kernel = np.ones(min(window, len(values)))
    total = np.convolve(values, kernel, mode="same")
    return total / np.convolve(np.ones_like(values), kernel, mode="same")


def _spread(places: np.ndarray, gap: float) -> np.ndarray:
    """Moves sorted label places apart to at least ``gap``, about where they were."""
    places = places.copy()
    for _ in range(200):
        overlap = gap - np.diff(places)
        if len(places) < 2 or overlap.max() <= 1e-6:
            break
        push = np.maximum(overlap, 0) / 2
        places[:-1] -= push
        places[1:] += push
    return places


def _label_ends(
    axes: Axes, ends: Mapping[str, tuple[float, float]], log: bool, height: float
) -> None:
    low, high = axes.get_ylim()
    scale = np.log if log else (lambda v: v)

    def share(value: float) -> float:
        return float((scale(value) - scale(low)) / (scale(high) - scale(low)))

    names = sorted(ends, key=lambda name: ends[name][1])
    places = _spread(np.array([share(ends[name][1]) for name in names]), 15 / height)
    for name, place in zip(names, places, strict=True):
        look = style(name)
        axes.annotate(
            look.title,
            xy=ends[name],
            xytext=(1.03, place),
            textcoords=axes.transAxes,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": look.colour,
                "lw": 0.8,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )


@house_style
def training_curves(
    runs: Mapping[str, Any],
    *,
    key: str = "loss",
    label: str = "training loss (mean absolute error, intensity 0 to 1)",
    log: bool = True,
    smooth: int = 1,
    note: str = "",
) -> Figure:
    """One curve a run, each named at its end.

    Args:
        runs: name → a run (anything with ``.curve``), or its curve: rows with ``step`` and ``key``.
        key: what to draw.
        label: the vertical axis, with its unit.
        log: a logarithmic vertical axis; values must then be above 0.
        smooth: running mean over so many rows; the raw curve stays visible behind it.
        note: what was trained on what, below the axis.

    Raises:
        ValueError: no run, or one without rows.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    if not runs:
        raise ValueError("no runs to draw")
    height = max(340, 110 + 20 * len(runs))
    names = max(text_size(style(name).title)[0] for name in runs)
    foot = wrap(note, 90)
    below = 48 + (text_size(foot)[1] if note else 0)
    vertical = wrap(label, int((height - below) // 6.5))
    figure = new_figure(880, height)
    axes = chart_axes(figure, 56 + text_size(vertical)[1], names + 40, 14, below)
    ends: dict[str, tuple[float, float]] = {}
    for name, run in runs.items():
        rows: Sequence[Mapping[str, Any]] = getattr(run, "curve", run)
        rows = [row for row in rows if row.get(key) is not None]
        if not rows:
            raise ValueError(f"the run {name!r} has no {key}")
        look = style(name)
        steps = np.array([row["step"] for row in rows], dtype=float)
        values = np.array([row[key] for row in rows], dtype=float)
        smoothed = _smooth(values, smooth)
        if smooth > 1:
            axes.plot(steps, values, color=look.colour, alpha=0.25, linewidth=0.8)
        axes.plot(
            steps,
            smoothed,
            color=look.colour,
            linestyle=look.dash,
            linewidth=1.8,
            marker=look.marker,
            markevery=max(1, len(steps) // 6),
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
        ends[name] = (float(steps[-1]), float(smoothed[-1]))
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no half a step
    axes.set(xlabel="step (batches seen)" + (f"\n{foot}" if note else ""), ylabel=vertical)
    axes.margins(x=0.01, y=0.06)
    axes.grid(which="major")
    axes.autoscale_view()
    _label_ends(axes, ends, log, height - below - 14)
    return figure
