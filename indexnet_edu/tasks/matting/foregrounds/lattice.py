"""A wire fence: thin straight things with holes, where every pixel is near a border."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, coverage, grid, noise

__all__ = ["draw_lattice"]


def draw_lattice(rng: np.random.Generator, canvas: Canvas) -> None:
    """Two families of round wires, woven: each goes over and under the other in turn."""
    size = canvas.size
    pixel = 2 / size
    y, x = grid(size)
    # Seen a little from the side, and not quite flat.
    lean = rng.uniform(-0.25, 0.25)
    depth = 1 + lean * x
    y, x = y * depth, x * depth
    y, x = y + 0.02 * noise(rng, size, 2.6), x + 0.02 * noise(rng, size, 2.6)
    turn = rng.uniform(0.6, 0.95)
    mesh = rng.uniform(0.2, 0.34)
    half = rng.uniform(1.6, 3.2) * pixel * size / 320
    metal = np.array(rng.choice([(0.72, 0.74, 0.76), (0.25, 0.42, 0.25), (0.5, 0.33, 0.22)]))
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * x - np.sin(turn) * y
    rust = 1 + 0.1 * noise(rng, size, 1.2)[..., None]
    layers = []
    for u, v in ((along, across), (across, along)):
        number = np.round(u / mesh)
        offset = u - number * mesh  # from the middle of the nearest wire
        crossing = np.round(v / mesh)
        above = (number + crossing) % 2 == (0 if u is along else 1)
        alpha = coverage((np.abs(offset) - half) / (pixel * depth))
        # A cylinder lit from one side, with a gleam.
        normal = (offset / half).clip(-1, 1)
        light = 0.45 + 0.55 * (1 - normal**2) - 0.25 * normal
        gleam = 0.5 * np.exp(-(((normal + 0.35) / 0.22) ** 2))
        under = np.exp(-(((v - crossing * mesh) / (2.2 * half)) ** 2)) * ~above
        colour = metal * rust * (light * (1 - 0.55 * under))[..., None] + gleam[..., None]
        layers.append((alpha, colour.clip(0, 1), above))
    (first, colour, _), (second, other, above) = layers
    canvas.over(np.where(above, 0, second), other)
    canvas.over(first, colour)
    canvas.over(np.where(above, second, 0), other)
