"""Drops of water on a pane: what is transparent inside and not at its border."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, coverage, grid

__all__ = ["draw_drops"]


def draw_drops(rng: np.random.Generator, canvas: Canvas) -> None:
    """Large and small drops, some running down, apart from each other."""
    size = canvas.size
    y, x = grid(size)
    placed: list[tuple[float, float, float]] = []
    for _ in range(900):
        radius = 0.02 + 0.15 * rng.random() ** 3.5
        row, column = rng.uniform(-0.97, 0.97, 2)
        if all(np.hypot(row - r, column - c) > 1.15 * (radius + o) for r, c, o in placed):
            placed.append((row, column, radius))
    for row, column, radius in placed:
        _drop(rng, canvas, y - row, x - column, radius)


def _drop(
    rng: np.random.Generator, canvas: Canvas, y: np.ndarray, x: np.ndarray, radius: float
) -> None:
    pixel = 2 / canvas.size
    near = (np.abs(y) < 1.6 * radius + 4 * pixel) & (np.abs(x) < 1.6 * radius + 4 * pixel)
    rows, columns = np.nonzero(near.any(axis=1))[0], np.nonzero(near.any(axis=0))[0]
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    y, x = y[window] / radius, x[window] / radius
    angle = np.arctan2(y, x)
    bumps = sum(rng.normal(0, 0.035) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 4))
    # Heavier below.
    r = np.hypot(x * (1 + 0.12 * y.clip(-1, 1) * -1), y) / (1 + bumps)
    edge = coverage((r - 1) * radius / pixel)
    inside = r.clip(0, 1)
    # A lens: the rim bends the light away and is dark above, the bottom gathers it.
    rim = inside**5
    above = (-y * 0.9 - x * 0.35).clip(-1, 1)
    alpha = edge * (0.1 + 0.12 * inside + 0.62 * rim)
    dark = np.array([0.1, 0.13, 0.17])
    bright = np.array([0.86, 0.93, 1.0])
    mix = (0.5 - 0.55 * above).clip(0, 1)[..., None]
    canvas.over(alpha, dark * (1 - mix) + bright * mix, window)
    glow = np.exp(-((np.hypot(x - 0.22, y - 0.5) / 0.42) ** 2))
    canvas.over(edge * 0.5 * glow, bright, window)
    spot = np.hypot((x + 0.33) / 0.2, (y + 0.42) / 0.13) - 1
    canvas.over(edge * 0.97 * coverage(spot * 0.14 * radius / pixel), np.ones(3), window)
