"""One value a class and resampler, as points on a line for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..palette import style
from .canvas import chart_axes, house_style, new_figure, text_size, wrap
from .cost import key_width, style_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["points_by_class"]


@house_style
def points_by_class(
    values: Mapping[str, Mapping[str, float]],
    *,
    label: str = "PSNR (dB, higher is better)",
    note: str = "",
) -> Figure:
    """A row a class, a point a name, the easiest class (highest mean) on top.

    Args:
        values: name → class → value; all names have the same classes.
        label: the horizontal axis, with its unit.
        note: what was measured, with its n, below the axis.

    Raises:
        ValueError: nothing to draw.
    """
    if not values:
        raise ValueError("no values to draw")
    names = list(values)
    classes = list(values[names[0]])
    means = {each: np.mean([values[name][each] for name in names]) for each in classes}
    classes.sort(key=means.__getitem__, reverse=True)
    left = max(text_size(each)[0] for each in classes) + 44
    key = key_width(names)
    foot = wrap(note, 90)
    below = 44 + (text_size(foot)[1] if note else 0)
    figure = new_figure(920, 20 + max(34 * len(classes), 27 * len(names)) + below)
    axes = chart_axes(figure, left, key + 12, 10, below)
    for y, each in enumerate(classes):
        for name in names:
            look = style(name)
            axes.plot(values[name][each], y, look.marker, color=look.colour, ms=8, mec="#444444")
    axes.set(
        yticks=range(len(classes)),
        yticklabels=classes,
        ylim=(len(classes) - 0.5, -0.5),
        xlabel=label + (f"\n{foot}" if note else ""),
        ylabel="class",
    )
    axes.grid()
    style_key(figure, axes, names, 920 - key)
    return figure
