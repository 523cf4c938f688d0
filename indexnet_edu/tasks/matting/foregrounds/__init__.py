"""Foregrounds with an exact alpha that nobody had to photograph: drawn, repeatable by number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Foreground
from .drops import draw_drops
from .lattice import draw_lattice
from .motion import draw_motion
from .smoke import draw_smoke
from .strands import draw_fur, draw_hair

__all__ = ["KINDS", "SIZE", "Foreground", "draw_foreground"]

SIZE = 320  # pixels a side

#: What is hard in matting, one at a time: thin, dense, full of holes, without border, spread over
#: time, transparent.
KINDS: dict[str, Callable[[np.random.Generator, Canvas], None]] = {
    "hair": draw_hair,
    "fur": draw_fur,
    "lattice": draw_lattice,
    "smoke": draw_smoke,
    "motion blur": draw_motion,
    "water drops": draw_drops,
}


def draw_foreground(kind: str, number: int, size: int = SIZE) -> Foreground:
    """Number such and such of a kind; the same number always gives the same picture.

    Args:
        kind: of ``KINDS``.
        size: pixels a side.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown foreground {kind!r}; choose from {', '.join(KINDS)}")
    canvas = Canvas(size)
    KINDS[kind](np.random.default_rng([list(KINDS).index(kind), number]), canvas)
    return canvas.finish(f"{kind} {number}")
