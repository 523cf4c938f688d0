"""Motion blur: something solid that moves while the shutter is open."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Array, Canvas, coverage, grid

__all__ = ["draw_motion"]

_MOMENTS = 48

#: Row, column (from −1 to 1) → alpha and colour at a moment between −½ and ½.
_Scene = Callable[[Array, Array, float], tuple[Array, Array]]


def draw_motion(rng: np.random.Generator, canvas: Canvas) -> None:
    """A beach ball that flies past, or a propeller that turns.

    Alpha is the share of the time in which a pixel is covered.
    """
    scene = _ball(rng, canvas.size) if rng.random() < 0.5 else _propeller(rng, canvas.size)
    y, x = grid(canvas.size)
    alpha, premultiplied = np.zeros_like(y), np.zeros((*y.shape, 3))
    for moment in (np.arange(_MOMENTS) + 0.5) / _MOMENTS - 0.5:
        shape, colour = scene(y, x, moment)
        alpha += shape / _MOMENTS
        premultiplied += shape[..., None] * colour / _MOMENTS
    canvas.over(alpha.clip(0, 1), premultiplied / np.maximum(alpha, 1e-9)[..., None])


def _bright(rng: np.random.Generator) -> Array:
    """A strong colour."""
    colour = rng.permutation([0.9, 0.15 + 0.5 * rng.random(), 0.1])
    return colour * rng.uniform(0.75, 1)


def _ball(rng: np.random.Generator, size: int) -> _Scene:
    """White and coloured sectors around a pole that is turned to us."""
    radius, pixel = rng.uniform(0.4, 0.55), 2 / size
    direction, travel = rng.uniform(-0.5, 0.5), rng.uniform(0.25, 0.5)
    pole, start = rng.uniform(-0.4, 0.4, 2), rng.uniform(0, 2 * np.pi)
    turning = rng.uniform(0, 0.12)
    first, second = _bright(rng), _bright(rng)

    def scene(y: Array, x: Array, moment: float) -> tuple[Array, Array]:
        y = (y - travel * moment * np.sin(direction)) / radius
        x = (x - travel * moment * np.cos(direction)) / radius
        r = np.hypot(y, x)
        dome = np.sqrt((1 - r**2).clip(0))
        # Around the pole, as on a sphere: the sectors are narrow where the ball turns away.
        angle = np.arctan2(y - pole[0] * dome, x - pole[1] * dome) + start + turning * moment
        sector = np.floor(angle / (np.pi / 3)).astype(int) % 6
        paint = np.array([[1.0, 1.0, 0.97], first, [1.0, 1.0, 0.97], second] * 2)[sector]
        cap = np.hypot(y - pole[0] * dome, x - pole[1] * dome) < 0.14
        paint = np.where(cap[..., None], 0.95, paint)
        light = 0.3 + 0.7 * (0.8 * dome - 0.4 * (x + y)).clip(0, 1)
        gleam = np.exp(-((y + 0.45) ** 2 + (x + 0.4) ** 2) / 0.02)
        colour = (paint * light[..., None] + 0.5 * gleam[..., None]).clip(0, 1)
        return coverage((r - 1) * radius / pixel), colour

    return scene


def _propeller(rng: np.random.Generator, size: int) -> _Scene:
    """Blades on a hub, which hardly moves while their tips do."""
    pixel, blades = 2 / size, int(rng.integers(2, 5))
    radius, wide = rng.uniform(0.75, 0.92), rng.uniform(0.11, 0.16)
    turning, start = rng.uniform(0.25, 0.6), rng.uniform(0, 2 * np.pi)
    centre = rng.uniform(-0.12, 0.12, 2)
    paint, tip = _bright(rng) * 0.5 + 0.15, np.array([0.95, 0.85, 0.2])

    def scene(y: Array, x: Array, moment: float) -> tuple[Array, Array]:
        y, x = y - centre[0], x - centre[1]
        r = np.hypot(y, x)
        angle = np.arctan2(y, x) + start + turning * moment
        between = 2 * np.pi / blades
        off = angle - between * np.round(angle / between)  # from the nearest blade's middle
        along, beside = r * np.cos(off), r * np.sin(off)
        part = (along / radius).clip(0, 1)
        half = wide * (0.45 + 1.5 * part * (1 - part)) + 0.02
        blade = np.maximum(np.abs(beside) - half, along - radius)
        hub = r - 0.13
        distance = np.minimum(np.where(along > 0, blade, 1), hub)
        light = 0.75 + 0.35 * (beside / half).clip(-1, 1)
        colour = np.where((part > 0.85)[..., None], tip, paint) * light[..., None]
        dome = 0.35 + 0.6 * np.exp(-((y + 0.04) ** 2 + (x + 0.04) ** 2) / 0.006)
        colour = np.where((hub < 0)[..., None], dome[..., None], colour)
        return coverage(distance / pixel), colour.clip(0, 1)

    return scene
