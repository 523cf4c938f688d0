"""Cost beside quality: one point a resampler, one panel a kind of cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..palette import style
from .canvas import chart_axes, house_style, new_figure, text_size, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cost_against_quality", "key_width", "style_key"]


def _key_text(name: str) -> str:
    return wrap(style(name).title, 24)


def key_width(names: list[str]) -> float:
    """Page pixels that :func:`style_key` needs."""
    return max(text_size(_key_text(name))[0] for name in names) + 60


def style_key(figure: Figure, axes: Axes, names: list[str], left: float) -> None:
    """Names each point's colour and marker right of the chart, ``left`` page pixels from 0."""
    from matplotlib.lines import Line2D

    from .canvas import DPI

    handles = [
        Line2D([], [], color=style(n).colour, marker=style(n).marker, ls="", ms=8, mec="#444444")
        for n in names
    ]
    figure.legend(
        handles,
        [_key_text(name) for name in names],
        loc="upper left",
        bbox_to_anchor=(left / (figure.get_figwidth() * DPI), axes.get_position().y1),
        borderaxespad=0,
        handletextpad=0.4,
        labelspacing=0.7,
    )


@house_style
def cost_against_quality(
    costs: Mapping[str, Mapping[str, float]],
    quality: Mapping[str, float],
    *,
    label: str = "PSNR (dB, higher is better)",
    note: str = "",
) -> Figure:
    """Quality over each kind of cost, on a logarithmic axis that also has room for 0.

    Args:
        costs: kind of cost with its unit ("parameters") → name → cost, 0 or at least 1.
        quality: name → quality; the key lists the names from the best down.
        label: the vertical axis, with its unit.
        note: what was measured, below the axes.

    Raises:
        ValueError: nothing to draw.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator

    if not costs or not quality:
        raise ValueError("a chart of cost and quality needs both")
    names = sorted(quality, key=quality.__getitem__, reverse=True)
    key = key_width(names)
    foot = wrap(note, 120)
    below = 76 + (text_size(foot)[1] if note else 0)
    width, height, first, gap = 920, 320 + round(below), 62.0, 26.0
    panel = (width - first - key - gap * len(costs)) / len(costs)
    figure = new_figure(width, height)
    shared: Axes | None = None
    for i, (kind, values) in enumerate(costs.items()):
        left = first + i * (panel + gap)
        axes = chart_axes(figure, left, width - left - panel, 14, below, kind)
        for name in names:
            look = style(name)
            axes.plot(values[name], quality[name], look.marker, color=look.colour, ms=9, mec="#444")
        some = [value for value in values.values() if value]
        low, high = min(some), max(some)
        if len(some) < len(values):
            axes.set_xscale("symlog", linthresh=low / 3, linscale=0.3)
            axes.set_xlim(-low / 8, high * 2)
            axes.set_xticks([0, *LogLocator().tick_values(low, high)])
            axes.set_xlim(-low / 8, high * 2)
        else:
            axes.set_xscale("log")
            axes.set_xlim(low / 1.6, high * 1.6)
            axes.xaxis.set_major_locator(FixedLocator(_few_ticks(*axes.get_xlim())))
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        axes.set_xlabel(wrap(kind, int(panel // 7)))
        axes.grid()
        if shared is None:
            shared = axes
            axes.set_ylabel(label)
            axes.margins(y=0.08)
        else:
            axes.sharey(shared)
            axes.tick_params(labelleft=False)
    assert shared is not None
    style_key(figure, shared, names, width - key + 8)
    if note:
        figure.text(first / width, 8 / height, foot, va="bottom")
    return figure


def _few_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive ones, so few that their labels stay apart."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    for subs in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        ticks = [t for t in LogLocator(subs=subs).tick_values(low, high) if low <= t <= high]
        if len(ticks) < 2:  # less than a decade: evenly spaced ones are as good
            ticks = [t for t in MaxNLocator(3).tick_values(low, high) if low <= t <= high]
        if len(ticks) <= 4:
            break
    return ticks


def _short(value: float, _: object = None) -> str:
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
