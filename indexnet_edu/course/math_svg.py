r"""Formulas as SVG: a page shows them offline, without a script and without a font of its own.

Browsers draw MathML as well, but on a machine without a mathematical font braces do not stretch and
lines collide.
"""

from __future__ import annotations

import html
import re

__all__ = ["math_svg"]

_SIZE = 18.0  # units per em in the drawing; the page scales it to its own text
# What ziamath knows under another name.
_SPELLING = (
    (
        re.compile(r"\\(begin|end)\{(?:aligned|equation|equation\*|gather|gather\*|align)\}"),
        r"\\\1{align*}",
    ),
    (re.compile(r"\\mathop\{\\arg\s*\\(max|min)\}|\\arg\s*\\(max|min)"), r"\\mathrm{arg\\,\1\2}"),
    (re.compile(r"\\operatorname\*?\{([^{}]*)\}"), r"\\mathrm{\1}"),
    (re.compile(r"\\(label|tag\*?)\{[^}]*\}|\\nonumber|\\notag"), ""),
)


def math_svg(latex: str, display: bool = False) -> str:
    """LaTeX (without its dollars) → inline SVG in the colour of the text, its source as the label.

    What cannot be drawn comes back as its source, in ``<code>``: shown as it is rather than
    dropped.
    """
    source = html.escape(" ".join(latex.split()))
    svg = _draw(latex.strip(), display)
    if svg is None:
        drawing = f'<code class="tex">{source}</code>'
    else:
        drawing = svg.replace("<svg ", f'<svg class="math" role="img" aria-label="{source}" ', 1)
    return f'<div class="display-math">{drawing}</div>' if display else drawing


def _draw(latex: str, display: bool) -> str | None:
    import ziamath

    for pattern, replacement in _SPELLING:
        latex = pattern.sub(replacement, latex)
    try:
        drawing = ziamath.Latex(latex, size=_SIZE, color="currentColor", inline=not display)
        svg: str = drawing.svg()
        below = -drawing.getyofst()
    except (
        Exception
    ):  # its parser has errors of many kinds, and an unfinished formula must not stop a page
        return None
    width, height = (float(v) / _SIZE for v in re.findall(r'(?:width|height)="([\d.]+)"', svg)[:2])
    style = f"width:{width:.3f}em;height:{height:.3f}em"
    if not display:
        style += f";vertical-align:{-below / _SIZE:.3f}em"
    return svg.replace("<svg ", f'<svg style="{style}" ', 1)
