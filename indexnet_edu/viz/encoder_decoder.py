"""The encoder–decoder of a lesson as a drawing: boxes for features, arcs for what crosses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .palette import colour
from .svg import rect, svg_root, text

__all__ = ["encoder_decoder"]

_STEP, _WIDTH = 60.0, 38.0
_MARGIN = 14.0
_TALLEST = 110.0
_ARC = 30.0


class DrawnLayer(Protocol):
    """A layer's name, the (channels, height, width) it puts out and what it hands over."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def guide(self) -> tuple[int, ...] | None: ...


def encoder_decoder(layers: Sequence[DrawnLayer], alt: str = "") -> str:
    """Draws layers from left to right; a box is as tall as its features' resolution.

    A ``D`` that hands over a guide is joined by an arc to the ``U`` that uses it, the last D to
    the first U.

    Args:
        layers: in the order in which an image passes them.
        alt: accessible name; the layers with their shapes if empty.

    Returns:
        An SVG string in the page's text colour.
    """
    size = max(layer.shape[1] for layer in layers)
    handed = [(i, layer) for i, layer in enumerate(layers) if layer.guide]
    taken = [i for i, layer in enumerate(layers) if layer.name == "U"][::-1]  # outermost first
    top = 8 + (_ARC * len(handed) + 16 if handed else 0)
    middle = top + 26 + _TALLEST / 2
    parts = []
    for i, layer in enumerate(layers):
        x = _MARGIN + i * _STEP
        height = max(14.0, _TALLEST * layer.shape[1] / size)
        role = {"D": "encoder", "U": "decoder"}.get(layer.name)
        fill = f'fill="{colour(role)}" fill-opacity="0.3"' if role else 'fill="none"'
        box = f'{fill} stroke="currentColor" stroke-width="1.5" rx="3"'
        parts.append(rect(x, middle - height / 2, _WIDTH, height, box))
        bold = 'font-weight="bold"' if role else ""
        parts.append(text(x + _WIDTH / 2, middle + _TALLEST / 2 + 16, layer.name, 13, extra=bold))
        channels, h, w = layer.shape
        for row, words in enumerate((f"{channels} ×", f"{h}×{w}")):
            y = middle + _TALLEST / 2 + 34 + 15 * row
            parts.append(text(x + _WIDTH / 2, y, words, 11.5))
        if i:
            start, end = x - (_STEP - _WIDTH) + 3, x - 3
            parts.append(
                f'<path d="M{start:.1f} {middle:.1f}H{end:.1f}m-5 -4l5 4l-5 4" fill="none" '
                'stroke="currentColor" stroke-width="1.4"/>'
            )
    for depth, ((i, layer), j) in enumerate(zip(handed, taken, strict=False)):
        start, end = (_MARGIN + k * _STEP + _WIDTH / 2 for k in (i, j))
        y = 24 + _ARC * depth
        foot_i, foot_j = (
            middle - max(14.0, _TALLEST * layers[k].shape[1] / size) / 2 - 4 for k in (i, j)
        )
        line = f'fill="none" stroke="{colour("guide")}" stroke-width="2.2"'
        parts.append(
            f'<path d="M{start:.1f} {foot_i:.1f}V{y:.1f}H{end:.1f}V{foot_j:.1f}'
            f'm-5 -7l5 7l5 -7" {line}/>'
        )
        words = "guide " + " × ".join(map(str, layer.guide or ()))
        parts.append(text((start + end) / 2, y - 10, words, 12))
    width = 2 * _MARGIN + (len(layers) - 1) * _STEP + _WIDTH
    label = alt or "; ".join(f"{each.name} {' × '.join(map(str, each.shape))}" for each in layers)
    return svg_root("".join(parts), width, middle + _TALLEST / 2 + 60, label)
