"""Small tensors as grids of their numbers, in SVG text that follows the page's theme.

>>> grid_row([Grid(x, "x"), "⊙", Grid(index, "index", colour="encoder"), "→ sum", Grid(y, "y")])

Everything is drawn with ``currentColor``, so the same string is legible on light and dark pages,
and with attributes alone: a ``<style>`` element would reach the whole notebook.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from .palette import colour as colour_of

__all__ = ["Grid", "as_matrix", "format_numbers", "grid_row", "number_grid", "svg_root"]

FONT = "system-ui, 'DejaVu Sans', sans-serif"
_CELL_HEIGHT = 34.0
_DIGIT_WIDTH = 8.6  # of a 14 px figure, with a little air
_GAP = 16.0
_TITLE_HEIGHT = 26.0


def as_matrix(values: Any) -> np.ndarray:
    """A tensor, array or nested list with at most two sizes above 1, as ``(rows, columns)``.

    Raises:
        ValueError: more than two sizes above 1: choose an image and a channel first.
    """
    detach = getattr(values, "detach", None)
    array = np.asarray(detach().cpu().numpy() if detach else values, dtype=np.float64)
    if array.ndim < 2:
        return array.reshape(1, -1)
    matrix = array.reshape(array.shape[-2:]) if array.size == np.prod(array.shape[-2:]) else None
    if matrix is None:
        raise ValueError(
            f"a grid shows one matrix, got {array.shape}: choose an image and a channel"
        )
    return matrix


def format_numbers(matrix: np.ndarray, decimals: int | None = None) -> list[list[str]]:
    """The numbers as text with equal decimals: as many as needed, two at most unless told."""
    if decimals is None:
        finite = matrix[np.isfinite(matrix)]
        decimals = next((d for d in (0, 1) if np.allclose(finite, finite.round(d), atol=1e-6)), 2)
    rounded = np.round(matrix, decimals) + 0.0  # no "-0"
    return [[f"{value:.{decimals}f}".replace("-", "−") for value in row] for row in rounded]


@dataclass(frozen=True)
class Grid:
    """A matrix to draw.

    Attributes:
        values: tensor, array or list; sizes of 1 in front are dropped.
        title: above the grid.
        colour: a name of :mod:`palette <indexnet_edu.viz.palette>` or ``#rrggbb``; cells are
            tinted by their share of the largest magnitude.
        highlight: (row, column) of cells to draw with a thick frame.
        region: heavier lines around regions of this many cells a side.
        decimals: places after the point; as many as needed (at most two) if None.
        blank_zeros: leaves zeros unprinted (sparse indices).
        note: below the grid.
    """

    values: Any
    title: str = ""
    colour: str | None = None
    highlight: Collection[tuple[int, int]] = ()
    region: int | None = None
    decimals: int | None = None
    blank_zeros: bool = False
    note: str = ""


def svg_root(content: str, width: float, height: float, label: str, shrinks: bool = True) -> str:
    """An inline SVG with an accessible name, in the page's text colour.

    On a narrow page it shrinks; with images in it it must not, since their magnification would no
    longer be whole, and its frame scrolls instead.
    """
    fit = "max-width:100%;height:auto" if shrinks else "max-width:none"
    return (
        f'<svg role="img" aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="{FONT}" font-size="14" fill="currentColor" '
        f'style="color:var(--jp-ui-font-color1,currentColor);{fit}">'
        f"{content}</svg>"
    )


def text(
    x: float, y: float, content: str, size: float = 14, anchor: str = "middle", extra: str = ""
) -> str:
    """A line of text, vertically centred on ``y``."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'dominant-baseline="central" {extra}>{escape(content)}</text>'
    )


def rect(x: float, y: float, width: float, height: float, extra: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {extra}/>'


def text_width(content: str, size: float = 14) -> float:
    """A safe estimate in pixels: wider than any of the fonts in use."""
    return len(content) * size * 0.6


def _draw_grid(grid: Grid, left: float, top: float) -> tuple[str, float, float]:
    """SVG of one grid, its width and its height without title and note."""
    matrix = as_matrix(grid.values)
    rows, columns = matrix.shape
    numbers = format_numbers(matrix, grid.decimals)
    longest = max(len(number) for row in numbers for number in row)
    cell = max(_CELL_HEIGHT, longest * _DIGIT_WIDTH + 10)
    width, height = columns * cell, rows * _CELL_HEIGHT
    box = max(width, text_width(grid.title), text_width(grid.note, 12))
    x0 = left + (box - width) / 2

    parts = []
    if grid.title:
        parts.append(text(left + box / 2, top - _TITLE_HEIGHT / 2 - 2, grid.title))
    peak = np.nanmax(np.abs(matrix)) if matrix.size else 0.0
    for r in range(rows):
        for c in range(columns):
            x, y = x0 + c * cell, top + r * _CELL_HEIGHT
            if grid.colour and peak > 0:
                tint = 0.42 * abs(matrix[r, c]) / peak
                fill = f'fill="{colour_of(grid.colour)}" fill-opacity="{tint:.3f}"'
                parts.append(rect(x, y, cell, _CELL_HEIGHT, fill))
            if not (grid.blank_zeros and matrix[r, c] == 0):
                parts.append(text(x + cell / 2, y + _CELL_HEIGHT / 2, numbers[r][c]))

    def line(x1: float, y1: float, x2: float, y2: float, heavy: bool) -> str:
        weight = 'stroke-width="2"' if heavy else 'stroke-width="1" stroke-opacity="0.45"'
        return (
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="currentColor" {weight}/>'
        )

    step = grid.region or 0
    for c in range(columns + 1):
        heavy = c in (0, columns) or (step > 0 and c % step == 0)
        parts.append(line(x0 + c * cell, top, x0 + c * cell, top + height, heavy))
    for r in range(rows + 1):
        heavy = r in (0, rows) or (step > 0 and r % step == 0)
        y = top + r * _CELL_HEIGHT
        parts.append(line(x0, y, x0 + width, y, heavy))
    frame = colour_of(grid.colour or "decoder")
    for r, c in grid.highlight:
        thick = f'fill="none" stroke="{frame}" stroke-width="4"'
        parts.append(rect(x0 + c * cell, top + r * _CELL_HEIGHT, cell, _CELL_HEIGHT, thick))
    if grid.note:
        parts.append(text(left + box / 2, top + height + 14, grid.note, 12))
    return "".join(parts), box, height


def _draw_sign(sign: str, left: float, middle: float) -> tuple[str, float]:
    if not sign.startswith("→"):
        width = max(18.0, text_width(sign, 20))
        return text(left + width / 2, middle, sign, 20), width
    label = sign[1:].strip()
    width = max(44.0, text_width(label, 12) + 8)
    end = left + width
    arrow = (
        f'<path d="M{left:.1f} {middle:.1f}H{end - 7:.1f}" stroke="currentColor" '
        f'stroke-width="1.8" fill="none"/>'
        f'<path d="M{end - 9:.1f} {middle - 5:.1f}L{end:.1f} {middle:.1f}L{end - 9:.1f} '
        f'{middle + 5:.1f}Z"/>'
    )
    return arrow + (text(left + width / 2, middle - 12, label, 12) if label else ""), width


def _describe(item: Grid | str) -> str:
    if isinstance(item, str):
        return item
    matrix = as_matrix(item.values)
    numbers = "; ".join(" ".join(row) for row in format_numbers(matrix, item.decimals))
    return f"{item.title or 'grid'} {matrix.shape[0]} by {matrix.shape[1]}: {numbers}"


def grid_row(items: Sequence[Grid | str], alt: str = "") -> str:
    """Grids side by side with signs between them, as one SVG string.

    Args:
        items: grids, and signs as strings: ``"⊙"``, ``"="``; one that starts with ``"→"`` is an
            arrow with the rest as its label.
        alt: accessible name; all the numbers, read row by row, if empty.
    """
    if not items:
        raise ValueError("grid_row needs at least one grid")
    grids = [item for item in items if isinstance(item, Grid)]
    heights = [as_matrix(grid.values).shape[0] * _CELL_HEIGHT for grid in grids]
    tallest = max(heights, default=_CELL_HEIGHT)
    top = 4 + (_TITLE_HEIGHT if any(grid.title for grid in grids) else 0)
    middle = top + tallest / 2
    x, parts = 4.0, []
    for item in items:
        if isinstance(item, str):
            drawn, width = _draw_sign(item, x, middle)
        else:
            height = as_matrix(item.values).shape[0] * _CELL_HEIGHT
            drawn, width, _ = _draw_grid(item, x, middle - height / 2)
        parts.append(drawn)
        x += width + _GAP
    bottom = top + tallest + (26 if any(grid.note for grid in grids) else 4)
    label = alt or ". ".join(_describe(item) for item in items)
    return svg_root("".join(parts), x - _GAP + 4, bottom, label)


def number_grid(
    values: Any,
    title: str = "",
    *,
    colour: str | None = None,
    highlight: Collection[tuple[int, int]] = (),
    region: int | None = None,
    decimals: int | None = None,
    blank_zeros: bool = False,
    note: str = "",
    alt: str = "",
) -> str:
    """One matrix as a grid of its numbers; the arguments are :class:`Grid`'s."""
    grid = Grid(values, title, colour, highlight, region, decimals, blank_zeros, note)
    return grid_row([grid], alt)
