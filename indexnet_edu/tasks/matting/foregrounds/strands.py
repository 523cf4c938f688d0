"""Hair and fur: hundreds of lines thinner than a pixel, each with the alpha of what it covers."""

from __future__ import annotations

import numpy as np

from .canvas import Array, Canvas, coverage, grid, noise

__all__ = ["draw_fur", "draw_hair", "draw_strand"]

_REACH = np.array([(y, x) for y in range(-2, 3) for x in range(-2, 3)])


def draw_strand(canvas: Canvas, path: Array, radius: Array, colour: Array) -> None:
    """A line with round ends.

    Args:
        path: ``(P, 2)`` row and column in pixels, at most half a pixel from point to point.
        radius: ``(P,)`` pixels, at most 1.5. A line thinner than a pixel is as faint as it is thin.
        colour: ``(P, 3)`` in [0, 1].
    """
    inside = ((path > 3) & (path < canvas.size - 3)).all(axis=1)
    path, radius, colour = path[inside], radius[inside], colour[inside]
    if len(path) == 0:
        return
    top, left = np.floor(path.min(axis=0)).astype(int) - 2
    bottom, right = np.floor(path.max(axis=0)).astype(int) + 3
    places = np.floor(path).astype(int)[:, None] + _REACH  # (P, 25, 2)
    # From the piece of line that a point stands for: half way to its neighbours.
    step = np.gradient(path, axis=0) if len(path) > 1 else np.zeros_like(path)
    length = np.linalg.norm(step, axis=1)[:, None]
    away = places + 0.5 - path[:, None]
    along = (away @ step[..., None])[..., 0] / np.maximum(length, 1e-9)
    across = (away**2).sum(axis=-1) - along**2
    distance = np.sqrt((across + (np.abs(along) - length / 2).clip(0) ** 2).clip(0))
    covered = np.minimum(coverage(distance - radius[:, None]), np.minimum(1, 2 * radius)[:, None])
    shape = (bottom - top, right - left)
    flat = (places[..., 0] - top) * shape[1] + places[..., 1] - left
    alpha = np.zeros(shape[0] * shape[1])
    np.maximum.at(alpha, flat.ravel(), covered.ravel())
    tint = np.zeros((alpha.size, 3))
    tint[flat[:, 12]] = colour  # the pixel that holds the point …
    for offset in (7, 11, 13, 17):  # … and the four beside it
        empty = ~tint[flat[:, offset]].any(axis=1)
        tint[flat[empty, offset]] = colour[empty]
    tint[~tint.any(axis=1)] = colour.mean(axis=0)
    touched = np.flatnonzero(alpha)
    rows, columns = np.divmod(touched, shape[1])
    canvas.over(alpha[touched], tint[touched], (top + rows, left + columns))


def _curve(points: Array, size: int) -> Array:
    """A smooth path through four control points (a cubic Bézier), two points a pixel."""
    length = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    t = np.linspace(0, 1, max(4, int(2.2 * length)))[:, None]
    a, b, c, d = points
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


#: Black, brown, blond, red.
_HAIR = np.array([(0.1, 0.08, 0.08), (0.35, 0.21, 0.11), (0.72, 0.53, 0.29), (0.55, 0.2, 0.08)])


def draw_hair(rng: np.random.Generator, canvas: Canvas) -> None:
    """A head seen from behind, its hair falling on the shoulders, some of it flying."""
    size = canvas.size
    y, x = grid(size)
    middle, lean = rng.uniform(-0.1, 0.1), rng.uniform(-0.25, 0.25)
    base = _HAIR[rng.integers(len(_HAIR))]
    cloth = rng.uniform(0.1, 0.8, 3)
    pixel = 2 / size
    # Shoulders: as high as the picture is wide there.
    rise = 0.56 + 0.5 * np.abs(x - middle) ** 2.6
    shade = 0.85 + 0.15 * noise(rng, size)
    canvas.over(coverage((rise - y) / pixel), (cloth * shade[..., None]).clip(0, 1))
    # Hair as far as no light comes through: the head, and down to where single tips begin.
    wide = 0.36 + 0.16 * ((y + 0.5).clip(0, 1)) ** 1.3
    tips = 0.42 + 0.09 * noise(rng, size, slope=0.8)[:1]  # another height in each column
    beside = np.abs(x - middle - lean * 0.25 * (y + 0.3).clip(0)) - wide * 0.86
    dense = np.maximum(beside, y - tips)
    head = (np.hypot((x - middle) / 0.355, (y + 0.3) / 0.44) - 1) * 0.355
    below = np.where(y > -0.3, dense, 1)
    canvas.over(coverage(np.minimum(head, below) / pixel), base * 0.5)
    for number in range(760):
        flying = number > 640  # the last ones in front, far from the others
        side = rng.uniform(-1, 1)
        top = -0.3 - 0.44 * np.sqrt(1 - side**2) * rng.uniform(0.5, 1.0)
        start = np.array([top, middle + side * 0.35 * rng.uniform(0.5, 1)])
        out = 0.37 * side + rng.normal(0, 0.02) + (rng.normal(0, 0.16) if flying else 0)
        end = rng.uniform(0.0, 0.8) if flying else rng.uniform(0.5, 0.95)
        wave = rng.normal(0, 0.09 if flying else 0.04)
        points = np.array(
            [
                start,
                [-0.3, middle + out * 1.12],
                [0.15, middle + out * 1.2 + lean * 0.1 + wave],
                [end, middle + out * 1.45 + lean * 0.3 - wave + rng.normal(0, 0.03)],
            ]
        )
        path = _curve((points + 1) / pixel, size)
        t = np.linspace(0, 1, len(path))
        path[:, 1] += 1.5 * np.sin(t * rng.uniform(4, 10) + rng.uniform(0, 6)) * t
        # Light falls on hair where it turns over the head.
        gleam = np.exp(-(((t - 0.22) / 0.1) ** 2)) * 0.35
        bright = rng.normal(1.0, 0.2) * (0.8 + gleam + 0.15 * t)
        radius = rng.uniform(0.35, 0.8) * size / 320 * (1 - 0.75 * t**2)
        draw_strand(
            canvas, path, radius, (base * bright[:, None] + gleam[:, None] * 0.15).clip(0, 1)
        )


_FUR = np.array([(0.85, 0.62, 0.36), (0.62, 0.5, 0.4), (0.95, 0.9, 0.82), (0.42, 0.29, 0.2)])


def draw_fur(rng: np.random.Generator, canvas: Canvas) -> None:
    """A furry animal from behind, sitting: a round body, a head with two ears."""
    size = canvas.size
    pixel = 2 / size
    base, second = _FUR[rng.permutation(len(_FUR))[:2]]
    middle, tilt = rng.uniform(-0.1, 0.1), rng.uniform(-0.12, 0.12)
    stripes = noise(rng, size, slope=1.9, finest=12)
    y, x = grid(size)
    # Round parts: centre (row, column) and half-axes.
    parts = [
        ((-0.62, middle + tilt - 0.24), (0.17, 0.11)),
        ((-0.62, middle + tilt + 0.24), (0.17, 0.11)),
        ((0.42, middle), (0.6, 0.52)),
        ((-0.28, middle + tilt), (0.34, 0.38)),
    ]
    pattern = 0.5 + 0.4 * np.tanh(1.5 * stripes[..., None])
    for (row, column), (high, wide) in parts:
        inside = np.hypot((y - row) / high, (x - column) / wide) - 0.96
        colour = (base * pattern + second * (1 - pattern)) * 0.55
        canvas.over(coverage(inside * min(high, wide) / pixel), colour)
        # From behind to the front: fur lies on what is below it.
        count = int(3600 * high * wide) + 260
        for angle, depth in sorted(
            zip(rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count)), strict=True),
            key=lambda root: -root[1],
        ):
            root = np.array(
                [row + high * depth * np.sin(angle), column + wide * depth * np.cos(angle)]
            )
            outward = np.array([np.sin(angle), np.cos(angle)]) * (0.25 + depth)
            direction = outward + np.array([0.55, 0]) + rng.normal(0, 0.28, 2)
            direction *= rng.uniform(0.055, 0.12) / np.linalg.norm(direction)
            bend = np.array([0.03, rng.normal(0, 0.012)])
            points = np.array(
                [
                    root,
                    root + 0.4 * direction,
                    root + 0.75 * direction + 0.3 * bend,
                    root + direction + bend,
                ]
            )
            path = _curve((points + 1) / pixel, size)
            t = np.linspace(0, 1, len(path))[:, None]
            at = np.clip(((root + 1) / pixel).astype(int), 0, size - 1)
            mix = pattern[at[0], at[1]]
            tint = (base * mix + second * (1 - mix)) * rng.normal(1, 0.13) * (0.62 + 0.5 * t)
            light = 1.08 - 0.3 * (root[0] - row) / high  # from above
            radius = rng.uniform(0.45, 0.85) * size / 320 * (1 - 0.8 * t[:, 0])
            draw_strand(canvas, path, radius, (tint * light).clip(0, 1))
