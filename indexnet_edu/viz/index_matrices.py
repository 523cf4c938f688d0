"""Index matrices beside each other: small cells without numbers, for their pattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .svg import as_matrix, rect, svg_root, text, text_width

__all__ = ["index_matrices"]

_CELL = 15.0
_GAP = 34.0
_TOP = 46.0


def index_matrices(matrices: Mapping[str, Any], alt: str = "") -> str:
    """Draws matrices with a row an output and a column an input.

    A weight is a filled cell, the darker the larger; a negative one has a round hole. Each matrix
    has a scale of its own.

    Args:
        matrices: title → matrix, (outputs, inputs).
        alt: accessible name; the sizes if empty.

    Returns:
        An SVG string in the page's text colour.
    """
    if not matrices:
        raise ValueError("there are no matrices to draw")
    x, parts, tallest = 4.0, [], 0.0
    for title, values in matrices.items():
        matrix = as_matrix(values)
        rows, columns = matrix.shape
        width, height = columns * _CELL, rows * _CELL
        box = max(width, text_width(title, 13))
        left = x + (box - width) / 2
        parts.append(text(x + box / 2, 12, title, 13))
        parts.append(text(x + box / 2, 32, f"{rows}×{columns}", 12))
        peak = abs(matrix).max() or 1.0
        for r in range(rows):
            for c in range(columns):
                if matrix[r, c]:
                    parts.append(_cell(left + c * _CELL, _TOP + r * _CELL, matrix[r, c] / peak))
        lines = [f"M{left:.0f} {_TOP + r * _CELL:.0f}h{width:.0f}" for r in range(rows + 1)]
        lines += [f"M{left + c * _CELL:.0f} {_TOP:.0f}v{height:.0f}" for c in range(columns + 1)]
        parts.append(
            f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity="0.3" fill="none"/>'
        )
        x += box + _GAP
        tallest = max(tallest, height)
    sizes = (f"{t} {' by '.join(map(str, as_matrix(m).shape))}" for t, m in matrices.items())
    return svg_root("".join(parts), x - _GAP + 4, _TOP + tallest + 4, alt or "; ".join(sizes))


def _cell(x: float, y: float, share: float) -> str:
    strength = f'fill="currentColor" fill-opacity="{0.25 + 0.75 * abs(share):.2f}"'
    if share > 0:
        return rect(x, y, _CELL, _CELL, strength)
    middle, radius = _CELL / 2, _CELL / 4
    arc = f"a{radius:g} {radius:g} 0 1 0 {2 * radius:g} 0"
    back = arc.replace(f"{2 * radius:g} 0", f"-{2 * radius:g} 0")
    square = f"M{x:.1f} {y:.1f}h{_CELL:g}v{_CELL:g}h-{_CELL:g}z"
    ring = f"{square}M{x + middle - radius:.2f} {y + middle:.2f}{arc}{back}z"
    return f'<path d="{ring}" fill-rule="evenodd" {strength}/>'
