"""An encoder–decoder drawn as a U: a row a resolution, arrows for what crosses at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .palette import colour
from .svg import rect, svg_root, text

__all__ = ["Level", "u_network"]

_ROW, _BOX = 66.0, 34.0
_LEFT, _RIGHT, _WIDE = 110.0, 560.0, 200.0


@dataclass(frozen=True)
class Level:
    """One resolution of a network.

    Attributes:
        size: pixels a side of its features.
        encoder, decoder: channels of the layers on either side, in the order they are passed.
        guide: (channels, height, width) of what D hands to U here; None where nothing is.
        fused: whether the encoder's features go across as well.
    """

    size: int
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    guide: tuple[int, ...] | None = None
    fused: bool = False


def _box(x: float, y: float, channels: Sequence[int]) -> str:
    frame = 'fill="none" stroke="currentColor" stroke-width="1.5" rx="3"'
    words = " → ".join(map(str, channels))
    return rect(x, y - _BOX / 2, _WIDE, _BOX, frame) + text(x + _WIDE / 2, y, words, 14)


def _across(y: float, line: str, words: str, above: bool) -> str:
    start, end = _LEFT + _WIDE + 4, _RIGHT - 4
    path = f'<path d="M{start:.0f} {y:.1f}H{end:.0f}m-7 -5l7 5l-7 5" fill="none" {line}/>'
    return path + text((start + end) / 2, y + (-9 if above else 10), words, 12)


def _along(x: float, start: float, end: float, name: str, role: str) -> str:
    tip = 5 if end < start else -5
    path = (
        f'<path d="M{x:.0f} {start:.1f}V{end:.1f}m-5 {tip}l5 {-tip}l5 {tip}" fill="none" '
        f'stroke="{colour(role)}" stroke-width="2.2"/>'
    )
    return path + text(x + 16, (start + end) / 2, name, 14, extra='font-weight="bold"')


def u_network(levels: Sequence[Level], alt: str = "") -> str:
    """Draws the levels from the image's resolution down to the deepest.

    Args:
        levels: the first has the image's size; the last is the bottleneck, where nothing crosses
            but the features themselves.
        alt: accessible name; the levels in words if empty.

    Returns:
        An SVG string in the page's text colour. A guide is a green arrow.
    """
    top = 60.0
    plain = 'stroke="currentColor" stroke-width="1.4"'
    guide = f'stroke="{colour("guide")}" stroke-width="2.6"'
    parts = [
        text(_LEFT + _WIDE / 2, 14, "encoder: channels", 13),
        text(_RIGHT + _WIDE / 2, 14, "decoder: channels", 13),
        text(_LEFT - 16, 14, "pixels", 13, "end"),
    ]
    words = []
    for n, level in enumerate(levels):
        y, last = top + n * _ROW, n == len(levels) - 1
        parts += [_box(_LEFT, y, level.encoder), _box(_RIGHT, y, level.decoder)]
        parts.append(text(_LEFT - 16, y, f"{level.size}×{level.size}", 12, "end"))
        said = f"{level.size}×{level.size}: {level.encoder} and {level.decoder}"
        if level.guide:
            crosses = "guide " + " × ".join(map(str, level.guide))
            parts.append(_across(y - 5, guide, crosses, True))
            said += f", {crosses}"
        if level.fused:
            parts.append(_across(y + 9, f'{plain} stroke-dasharray="5 3"', "features", False))
        if last:
            parts.append(_across(y, plain, "bottleneck", True))
        else:
            upper, lower = y + _BOX / 2 + 3, y + _ROW - _BOX / 2 - 3
            parts.append(_along(_LEFT + _WIDE / 2, upper, lower, "D", "encoder"))
            parts.append(_along(_RIGHT + _WIDE / 2, lower, upper, "U", "decoder"))
        words.append(said)
    height = top + (len(levels) - 1) * _ROW + _BOX
    return svg_root("".join(parts), _RIGHT + _WIDE + 14, height, alt or "; ".join(words))
