"""Smoke: alpha without any border."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, grid, noise

__all__ = ["draw_smoke"]


def draw_smoke(rng: np.random.Generator, canvas: Canvas) -> None:
    """A plume that rises from below, widens and curls."""
    from scipy.ndimage import map_coordinates

    size = canvas.size
    y, x = grid(size)
    height = (1 - y) / 2  # 0 below, 1 above
    source, drift = rng.uniform(-0.25, 0.25), rng.uniform(-0.5, 0.5)
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    curl = (0.015 + 0.11 * height**1.1) * size
    field = noise(rng, size, 2.3)
    # What turns without spreading: the slope of a field, turned by a right angle.
    across, along = np.gradient(field)
    strength = np.hypot(across, along).mean()
    places = [rows + curl * along / strength, columns - curl * across / strength]

    def stirred(values: np.ndarray) -> np.ndarray:
        return map_coordinates(values, places, order=1, mode="nearest")

    path = source + drift * height**1.6 + 0.1 * np.sin(5 * height + rng.uniform(0, 6)) * height
    wide = 0.05 + 0.42 * height**0.9
    body = np.exp(-(((x - path) / wide) ** 2) * 1.4)
    wisps = noise(rng, size, 1.7, finest=3)
    density = stirred(body) * (0.72 + 0.34 * stirred(wisps)).clip(0.03, None)
    fade = (1.25 - 0.75 * height) * np.minimum(1, (1 - height) / 0.12).clip(0, 1)
    alpha = 0.96 * (1 - np.exp(-1.9 * density * fade))
    tone = rng.uniform(0.55, 0.9)
    light = (tone + 0.12 * stirred(noise(rng, size, 2.0)) + 0.1 * (x - path)).clip(0.1, 1)
    tint = np.array([1.0, 1.0, 1.02]) * light[..., None]
    canvas.over(np.where(alpha < 0.012, 0, alpha), tint.clip(0, 1))
