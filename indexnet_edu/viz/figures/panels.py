"""A table of images: whole-factor magnification, never smoothed, names that never overlap.

The layout is counted in pixels here: an automatic one would stretch the images by broken factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .canvas import DPI, FONT_SIZE, chart_axes, new_figure, text_size, to_image, wrap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ColourBar", "Panel", "panel_table"]

_GAP = 6
_MARGIN = 8
_BAR_WIDTH = 14
_SMALL = FONT_SIZE - 1


@dataclass(frozen=True)
class Panel:
    """One image of a table: values ``(H, W)`` or ``(H, W, 3)``, their colour map, a text below."""

    values: Any
    colourmap: str = "gray"
    limits: tuple[float, float] = (0.0, 1.0)
    below: str = ""


@dataclass(frozen=True)
class ColourBar:
    """The bar for all panels with this colour map; ``marks`` are values drawn as lines in it."""

    colourmap: str
    limits: tuple[float, float]
    label: str
    marks: tuple[float, ...] = ()


def _whole_factor(largest: tuple[int, int], columns: int, room: float) -> int:
    return int(max(1, min(room // (columns * largest[1]), 360 // max(largest), 12)))


def panel_table(
    rows: Sequence[Sequence[Panel]],
    row_names: Sequence[str],
    column_names: Sequence[str],
    *,
    factor: int | None = None,
    colour_bar: ColourBar | None = None,
    max_width: int = 960,
) -> Figure:
    """Draws rows of images.

    Args:
        rows: panels; all rows have as many as there are column names, the last one perhaps fewer.
            Smaller images are magnified to the largest one's size as far as a whole factor goes.
        row_names, column_names: the first left of each row, the second above each column.
        factor: magnification of the largest image; as large as fits ``max_width`` pixels if None.
        colour_bar: drawn at the right.

    Raises:
        ValueError: no rows, or rows of another length.
    """
    lengths = {len(row) for row in rows[:-1]} - {len(column_names)}
    if not rows or lengths or not 0 < len(rows[-1]) <= len(column_names):
        raise ValueError("an image table needs rows with one image for each column name")
    if len(row_names) != len(rows):
        raise ValueError(f"{len(rows)} rows have {len(row_names)} names")
    images = [[to_image(panel.values) for panel in row] for row in rows]
    shapes = [image.shape for row in images for image in row]
    tall, wide = max(s[0] for s in shapes), max(s[1] for s in shapes)

    names = [wrap(name, 24) for name in row_names]  # "max pool – max unpool" in one line
    left = _MARGIN + max(text_size(name)[0] for name in names) + 10
    right = float(_MARGIN)
    bar_label = wrap(colour_bar.label, 22) if colour_bar else ""
    if colour_bar:
        right += 14 + _BAR_WIDTH + 44 + text_size(bar_label)[1]
    if factor is None:
        room = max_width - left - right - _GAP * len(column_names)
        factor = _whole_factor((tall, wide), len(column_names), room)
    box_w, box_h = wide * factor, tall * factor

    heads = [wrap(name, max(12, box_w // 7)) for name in column_names]
    pitches = [
        max(
            [box_w, text_size(head)[0]]
            + [text_size(row[c].below, _SMALL)[0] for row in rows if c < len(row) and row[c].below]
        )
        + _GAP
        for c, head in enumerate(heads)
    ]
    top = _MARGIN + max(text_size(head)[1] for head in heads) + 4
    below = [max(text_size(p.below, _SMALL)[1] + 5 if p.below else 0 for p in row) for row in rows]
    name_heights = [text_size(name)[1] for name in names]
    heights = [
        max(box_h + _GAP + under, name + 4) for under, name in zip(below, name_heights, strict=True)
    ]
    width = round(left + sum(pitches) + right)
    height = round(top + sum(heights) + _MARGIN)
    figure = new_figure(width, height)

    y = top
    for r, row in enumerate(images):
        x = left
        for c, image in enumerate(row):
            panel = rows[r][c]
            own = max(1, min(box_h // image.shape[0], box_w // image.shape[1]))
            w, h = own * image.shape[1], own * image.shape[0]
            # Whole pixels: half of one would blur or double a row of the image.
            x0, y0 = round(x + (pitches[c] - _GAP - w) / 2), round(y + (box_h - h) / 2)
            axes = figure.add_axes(
                (x0 / width, 1 - (y0 + h) / height, w / width, h / height),
                label=f"{row_names[r]}, {column_names[c]}, {r}, {c}",
            )
            low, high = panel.limits
            shown = np.clip(image, 0, 1) if image.ndim == 3 else image
            axes.imshow(
                shown,
                cmap=panel.colourmap,
                vmin=low,
                vmax=high,
                interpolation="nearest",
                aspect="auto",
            )
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(visible=True, linewidth=0.5, color="#888888")
            if panel.below:
                axes.set_xlabel(panel.below, fontsize=_SMALL, labelpad=3)
            x += pitches[c]
        figure.text(
            (left - 10) / width, 1 - (y + box_h / 2) / height, names[r], ha="right", va="center"
        )
        y += heights[r]
    x = left
    for head, pitch in zip(heads, pitches, strict=True):
        figure.text(
            (x + (pitch - _GAP) / 2) / width, 1 - (top - 4) / height, head, ha="center", va="bottom"
        )
        x += pitch
    if colour_bar:
        _draw_colour_bar(figure, colour_bar, bar_label, right, top, y - _GAP)
    return figure


def _draw_colour_bar(
    figure: Figure, bar: ColourBar, label: str, room: float, top: float, bottom: float
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_figwidth() * DPI, figure.get_figheight() * DPI
    cut = max(0.0, 0.2 * (bottom - top - 200))
    left = width - room + 14
    axes = chart_axes(
        figure, left, width - left - _BAR_WIDTH, top + cut, height - bottom + cut, "colour bar"
    )
    mappable = ScalarMappable(Normalize(*bar.limits), bar.colourmap)
    drawn = figure.colorbar(mappable, cax=axes, label=label)
    for mark in bar.marks:
        axes.axhline(mark, color="white", linewidth=2.5)
        axes.axhline(mark, color="black", linewidth=1.2)
    drawn.outline.set_linewidth(0.5)
