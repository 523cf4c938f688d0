"""The small drawing on a ✗ card: the input, what was expected, what came, where they differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..viz.svg import Grid, grid_row
from .judge import Verdict
from .values import Made, differing, kind

__all__ = ["describe", "rows_of"]

_MOST = 8  # cells a side; more are cut
_MATRICES = 4  # of one argument


def rows_of(verdict: Verdict) -> list[tuple[str, str]]:
    """Rows of grids as (SVG, the same as text): arguments first, then expected and returned."""
    if verdict.case is None:
        return []
    names = verdict.exercise.arguments
    arguments = dict(zip(names, verdict.case.arguments, strict=False))
    part, place = _where(verdict)
    image = place[0] if len(place) == 2 else 0
    grids: list[Grid | str] = []
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            grids += _matrices(name, value, image)
    rows = [_row(grids[i : i + _MATRICES]) for i in range(0, len(grids), _MATRICES)]
    others = [f"{n} = {describe(v)}" for n, v in arguments.items() if not isinstance(v, Tensor)]
    if others:
        rows.append(("", ", ".join(others)))
    results = _results(verdict, part, place)
    return [*rows, _row(results)] if results else rows


def describe(value: Any) -> str:
    """An argument that is no tensor, in a few characters."""
    if isinstance(value, Made):
        return value.about
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return getattr(value, "__name__", kind(value))
    if isinstance(value, (tuple, list)):
        names = getattr(value, "_fields", [""] * len(value))
        inside = (
            f"{name}{' ' if name else ''}{describe(item)}"
            for name, item in zip(names, value, strict=True)
        )
        return f"({', '.join(inside)})"
    if isinstance(value, Tensor):
        return f"tensor {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _row(grids: list[Grid | str]) -> tuple[str, str]:
    texts = []
    for grid in grids:
        if isinstance(grid, Grid):
            note = f" ({grid.note})" if grid.note else ""
            texts.append(f"{grid.title}{note}:\n{_numbers(grid.values)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a matrix that is all NaN has no peak
        return grid_row(grids), "\n".join(texts)


def _numbers(matrix: Tensor) -> str:
    cells = [[f"{value:.4g}" for value in row] for row in matrix.tolist()]
    width = max((len(cell) for row in cells for cell in row), default=0)
    return "\n".join("    " + "  ".join(c.rjust(width) for c in row) for row in cells)


def _where(verdict: Verdict) -> tuple[str, tuple[int, ...]]:
    """The part of the answer with the first difference, and the matrix in it: (image, channel)."""
    wanted, got = verdict.wanted or {}, verdict.got or {}
    for (name, right), mine in zip(wanted.items(), got.values(), strict=False):
        if isinstance(right, str) or isinstance(mine, str) or mine.shape != right.shape:
            return name, ()
        wrong = differing(mine, right, verdict.exercise.tolerance)
        if wrong.any():
            return name, tuple(wrong.nonzero()[0, :-2].tolist()) if wrong.ndim > 2 else ()
    return next(iter(wanted), ""), ()


def _matrices(name: str, value: Tensor, image: int) -> list[Grid | str]:
    """The channels of one image as grids."""
    if value.ndim > 3:
        value = value[image if image < len(value) else 0]
    value = value.reshape(-1, *value.shape[-2:]) if value.ndim > 1 else value.reshape(1, 1, -1)
    several = len(value) > 1
    return [
        _grid(matrix, f"{name}, channel {c}" if several else name)
        for c, matrix in enumerate(value[:_MATRICES])
    ]


def _grid(matrix: Tensor, title: str, wrong: Tensor | None = None) -> Grid:
    rows, columns = matrix.shape
    note = f"{rows}×{columns}, the first {_MOST} shown" if max(rows, columns) > _MOST else ""
    shown = matrix.detach().double()[:_MOST, :_MOST]
    places = [] if wrong is None else wrong[:_MOST, :_MOST].nonzero().tolist()
    return Grid(shown, title, highlight=[(r, c) for r, c in places], note=note)


def _results(verdict: Verdict, part: str, place: tuple[int, ...]) -> list[Grid | str]:
    if verdict.wanted is None:
        return []
    right = verdict.wanted[part]
    if isinstance(right, str) or right.numel() == 0:
        return []
    label = f" {part}" if part else ""
    if place and any(place):
        names = ["image", "channel"] if len(place) == 2 else [""] * len(place)
        label += " (" + ", ".join(f"{n} {i}".strip() for n, i in zip(names, place)) + ")"  # noqa: B905
    open_question = verdict.exercise.complaint is not None
    grids: list[Grid | str] = []
    if not open_question:  # there, the reference would give an answer away
        grids.append(_grid(_matrix(right, place), "expected" + label))
    mine = (verdict.got or {}).get(part)
    if isinstance(mine, Tensor) and mine.numel():
        same_shape = mine.shape == right.shape
        wrong = None
        if same_shape and not open_question:
            wrong = _matrix(differing(mine, right, verdict.exercise.tolerance), place)
        grids.append(_grid(_matrix(mine, place if same_shape else ()), "yours" + label, wrong))
    return grids


def _matrix(value: Tensor, place: tuple[int, ...]) -> Tensor:
    if value.ndim < 2:
        return value.reshape(1, -1)
    return value[place] if place else value.reshape(-1, *value.shape[-2:])[0]
