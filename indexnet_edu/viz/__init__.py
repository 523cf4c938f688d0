"""Figures, number grids and widgets. Everything that draws is a pure function of its data."""

from .palette import colour, style, title
from .show import figure_html, show
from .svg import Grid, grid_row, number_grid

__all__ = [
    "Grid",
    "colour",
    "figure_html",
    "grid_row",
    "number_grid",
    "show",
    "style",
    "title",
]
