"""Shows a figure in a notebook with the text that makes it usable without seeing it.

Metadata on an image output does not reach the page in JupyterLab, so the image goes out as HTML.
"""

from __future__ import annotations

import base64
import io
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_html", "show"]

#: Twice the pixels of the page: sharp on dense screens, and magnified images keep whole factors.
_DENSITY = 2


def _png_img(figure: Figure, alt: str) -> str:
    stream = io.BytesIO()
    figure.savefig(
        stream, format="png", dpi=figure.dpi * _DENSITY, facecolor="white", edgecolor="none"
    )
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    width = round(figure.get_figwidth() * figure.dpi)
    return (
        f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}" width="{width}" '
        f'style="max-width:100%;height:auto;background:#fff">'
    )


def _named_svg(svg: str, alt: str) -> str:
    found = re.search(r"<svg\b[^>]*>", svg)
    if not found:
        raise ValueError("show takes a matplotlib Figure or a string with an <svg> element")
    bare = re.sub(r'\s(?:role|aria-label)="[^"]*"', "", found.group())
    named = f'<svg role="img" aria-label="{escape(alt)}"{bare[len("<svg") :]}'
    return svg[: found.start()] + named + svg[found.end() :]


def figure_html(figure_or_svg: Figure | str, alt: str, caption: str = "") -> str:
    """What :func:`show` displays: ``<figure>`` with the picture, its alt text and its caption.

    Args:
        figure_or_svg: a matplotlib figure, or an SVG string.
        alt: what the picture shows, for those who do not see it.
        caption: plain text below the picture.

    Raises:
        ValueError: no alt text, or a string that is no SVG.
    """
    if not alt or not alt.strip():
        raise ValueError("a figure needs alt text: say in a sentence what it shows")
    picture = (
        _named_svg(figure_or_svg, alt)
        if isinstance(figure_or_svg, str)
        else _png_img(figure_or_svg, alt)
    )
    below = (
        f'<figcaption style="font-size:0.9em;max-width:60em;line-height:1.4">{escape(caption)}'
        "</figcaption>"
        if caption
        else ""
    )
    return f'<figure style="margin:0.5em 0;overflow-x:auto">{picture}{below}</figure>'


def show(figure_or_svg: Figure | str, *, alt: str, caption: str = "") -> None:
    """Displays a figure in the notebook, and closes it.

    Args:
        figure_or_svg: a matplotlib figure, or an SVG string (as from :mod:`indexnet_edu.viz.svg`).
        alt: what the picture shows, for those who do not see it; required.
        caption: plain text below the picture.

    Raises:
        ValueError: no alt text, or a string that is no SVG.
    """
    from IPython.display import HTML, display

    html = figure_html(figure_or_svg, alt, caption)
    if not isinstance(figure_or_svg, str):
        import matplotlib.pyplot as plt

        plt.close(figure_or_svg)  # else a notebook would show a pyplot figure a second time
    display(HTML(html))
