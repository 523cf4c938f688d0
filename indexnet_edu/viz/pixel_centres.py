"""Where linear weights come from: the pixels of two resolutions above each other."""

from __future__ import annotations

from fractions import Fraction

from .palette import colour
from .svg import rect, svg_root, text

__all__ = ["pixel_centres"]

_OUTPUT = 124.0  # width of an output pixel
_HEIGHT = 44.0
_GAP = 44.0
_LEFT = 76.0


def pixel_centres(n: int = 2, factor: int = 2) -> str:
    """A line of ``n`` input pixels, and below it the ``factor·n`` output pixels of the same length.

    From the centre of each output a line goes up to the input; below stand the weights of linear
    interpolation with half-pixel centres (``align_corners=False``).

    Returns:
        An SVG string in the page's text colour.
    """
    width = factor * _OUTPUT
    top, below = 10.0, 10 + _HEIGHT + _GAP
    parts = [
        text(_LEFT - 12, top + _HEIGHT / 2, "input", 13, "end"),
        text(_LEFT - 12, below + _HEIGHT / 2, "output", 13, "end"),
    ]
    box = 'fill="none" stroke="currentColor" stroke-width="1.5"'
    for i in range(n):
        x = _LEFT + i * width
        parts.append(rect(x, top, width, _HEIGHT, box))
        parts.append(_dot(x + width / 2, top + _HEIGHT / 2, "encoder"))
        parts.append(text(x + width / 2 + 28, top + _HEIGHT / 2, f"d[{i}]"))
    for o in range(factor * n):
        x = _LEFT + o * _OUTPUT
        centre = x + _OUTPUT / 2
        parts.append(rect(x, below, _OUTPUT, _HEIGHT, box))
        parts.append(
            f'<path d="M{centre:.1f} {below + _HEIGHT / 2:.1f}V{top:.1f}" '
            f'stroke="{colour("decoder")}" stroke-width="1.5" stroke-dasharray="4 3"/>'
        )
        parts.append(_dot(centre, below + _HEIGHT / 2, "decoder"))
        parts.append(text(centre + 28, below + _HEIGHT / 2, f"y[{o}]"))
        parts.append(text(centre, below + _HEIGHT + 18, _weights(o, n, factor), 13))
    return svg_root("".join(parts), _LEFT + n * width + 10, below + _HEIGHT + 34, _label(n, factor))


def _dot(x: float, y: float, role: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour(role)}"/>'


def _weights(output: int, n: int, factor: int) -> str:
    source = max(Fraction(2 * output + 1, 2 * factor) - Fraction(1, 2), Fraction(0))
    first = int(source)
    share = source - first
    if share == 0 or first + 1 >= n:
        return f"d[{min(first, n - 1)}]"
    return f"{_fraction(1 - share)} d[{first}] + {_fraction(share)} d[{first + 1}]"


def _fraction(value: Fraction) -> str:
    short = {Fraction(1, 4): "¼", Fraction(1, 2): "½", Fraction(3, 4): "¾"}
    return short.get(value, str(value))


def _label(n: int, factor: int) -> str:
    outputs = (f"y[{o}] = {_weights(o, n, factor)}" for o in range(factor * n))
    return f"{n} input pixels above {factor * n} output pixels. {'; '.join(outputs)}"
