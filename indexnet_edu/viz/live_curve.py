"""The loss of a training while it runs, below the cell that trains.

The picture is replaced by ``update_display``, which is a message and waits for nobody: a run
without a browser goes on as it would without a picture.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .svg import rect, svg_root, text

__all__ = ["LiveCurve", "live_curve_svg"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 640, 220, 64, 28, 36, 16
_POINTS = 300  # more than a screen can tell apart


def _thinned(points: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    every = max(1, math.ceil(len(points) / _POINTS))
    kept = list(points[::every])
    return kept if kept[-1] is points[-1] else [*kept, points[-1]]


def live_curve_svg(
    points: Sequence[Mapping[str, Any]], name: str, total_steps: int, key: str = "loss"
) -> str:
    """A curve as far as it has come, on an axis of all its steps and a logarithmic one of values.

    Args:
        points: with ``step`` and ``key``, values above 0; in order.
        name: what is trained.
        total_steps: the end of the axis.

    Raises:
        ValueError: no points.
    """
    if not points:
        raise ValueError("a curve needs a point")
    values = [max(float(point[key]), 1e-12) for point in points]
    low, high = math.log10(min(values)), math.log10(max(values))
    middle, half = (low + high) / 2, max((high - low) / 2 * 1.1, 0.05)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(step: float, value: float) -> tuple[float, float]:
        up = (math.log10(value) - (middle - half)) / (2 * half)
        return _LEFT + width * step / total_steps, _TOP + height * (1 - up)

    line = " ".join(
        "{:.1f},{:.1f}".format(*place(point["step"], max(float(point[key]), 1e-12)))
        for point in _thinned(points)
    )
    last = points[-1]
    said = f"{name}: {key} {values[-1]:.4f} at step {last['step']:,} of {total_steps:,}"
    x, y = place(last["step"], values[-1])
    parts = [
        text(_LEFT, 12, said, anchor="start"),
        rect(_LEFT, _TOP, width, height, 'fill="none" stroke="currentColor" opacity="0.35"'),
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.8"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>',
        text(_LEFT, _HEIGHT - 22, "0", 12),
        text(_LEFT + width, _HEIGHT - 22, f"{total_steps:,}", 12, "end"),
        text(_LEFT + width / 2, _HEIGHT - 12, "step", 12),
    ]
    for share in (0.0, 0.5, 1.0):
        tick = 10 ** (middle - half + 2 * half * share)
        parts.append(text(_LEFT - 6, _TOP + height * (1 - share), f"{tick:.2g}", 12, "end"))
    return svg_root("".join(parts), _WIDTH, _HEIGHT, said)


class LiveCurve:
    """Draws the points that a training shows it, one training after the other in one place.

    >>> live = LiveCurve()
    >>> train(…, watch=live.start("M2O", 300))

    Args:
        every: seconds between two pictures at least.
    """

    def __init__(self, every: float = 1.0) -> None:
        self.every = every
        self._handle: Any = None

    def start(self, name: str, total_steps: int) -> Callable[[Mapping[str, Any]], None]:
        """What takes the points of a training of so many steps; its last point is always drawn."""
        points: list[Mapping[str, Any]] = []
        drawn = -math.inf

        def add(point: Mapping[str, Any]) -> None:
            nonlocal drawn
            points.append(point)
            now = time.monotonic()
            if now - drawn >= self.every or point["step"] == total_steps:
                drawn = now
                self._draw(live_curve_svg(points, name, total_steps))

        return add

    def _draw(self, svg: str) -> None:
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(svg), display_id=True)  # None outside IPython
        else:
            self._handle.update(HTML(svg))
