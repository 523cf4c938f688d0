"""The canvas that all figures share: sizes in page pixels, one font, an opaque white ground."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "DPI",
    "chart_axes",
    "FONT_SIZE",
    "house_style",
    "new_figure",
    "text_size",
    "to_image",
    "wrap",
]

DPI = 100
FONT_SIZE = 9.0

P = ParamSpec("P")

_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": False,
    "axes.labelsize": FONT_SIZE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": FONT_SIZE,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_SIZE,
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
}


def house_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draws with our settings, whatever style a notebook has set for itself."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_STYLE)
            return draw(*args, **kwargs)

    return styled


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many page pixels. It is the caller's alone: pyplot never sees it."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI)


def chart_axes(
    figure: Figure, left: float, right: float, top: float, bottom: float, label: str = "chart"
) -> Axes:
    """Axes with margins in page pixels, known from :func:`text_size`, so that no text is cut."""
    width, height = figure.get_figwidth() * DPI, figure.get_figheight() * DPI
    shares = (
        left / width,
        bottom / height,
        (width - left - right) / width,
        (height - top - bottom) / height,
    )
    return figure.add_axes(shares, label=label)


@cache
def text_size(text: str, size: float = FONT_SIZE) -> tuple[float, float]:
    """Width and height in page pixels of a text of one or more lines."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    lines = text.split("\n")
    font = FontProperties(family="DejaVu Sans")
    widths = [
        TextPath((0, 0), line, size=size, prop=font).get_extents().width if line.strip() else 0.0
        for line in lines
    ]
    return max(widths) * DPI / 72, len(lines) * 1.3 * size * DPI / 72


def wrap(text: str, width: int) -> str:
    """Breaks a text into lines of at most ``width`` characters, at blanks; its own breaks stay."""
    lines = (
        textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )
    return "\n".join("\n".join(line) for line in lines)


def to_image(values: Any) -> np.ndarray:
    """One image as an array ``(H, W)`` or ``(H, W, 3)``; RGB channels may come first or last.

    Raises:
        ValueError: any other shape.
    """
    detach = getattr(values, "detach", None)
    array = np.asarray(detach().cpu().numpy() if detach else values, dtype=np.float64)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[0] == 3:
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3):
        return array
    raise ValueError(f"not one grey or RGB image: {array.shape}")
