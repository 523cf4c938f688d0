"""A picture with an exact alpha, put together from layers."""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Canvas", "Foreground", "coverage", "grid", "noise"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Foreground:
    """What is put before a background.

    Attributes:
        name: no two of a set have the same.
        alpha: ``(H, W)`` uint8, of 255.
        colour: ``(H, W, 3)`` uint8, RGB, not multiplied by alpha; where alpha is 0 any.
    """

    name: str
    alpha: npt.NDArray[np.uint8]
    colour: npt.NDArray[np.uint8]


class Canvas:
    """Layers one over the other in float64; the last one added lies in front.

    Args:
        size: pixels a side.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.alpha = np.zeros((size, size))
        self._premultiplied = np.zeros((size, size, 3))

    def over(
        self,
        alpha: Array,
        colour: Array,
        where: tuple[slice, slice] | tuple[Array, Array] | EllipsisType = ...,
    ) -> None:
        """Adds a layer: alpha ``(h, w)`` and a colour, ``(3,)`` or ``(h, w, 3)``, in [0, 1].

        Args:
            where: rows and columns where the layer lies, as slices, or each ``(P,)`` for P pixels
                of alpha ``(P,)``; everywhere if not given.
        """
        below = 1 - alpha
        self.alpha[where] = alpha + below * self.alpha[where]
        self._premultiplied[where] = (
            alpha[..., None] * colour + below[..., None] * self._premultiplied[where]
        )

    def finish(self, name: str) -> Foreground:
        """The foreground of all layers; beyond its border the colour continues."""
        from scipy.ndimage import gaussian_filter

        colour = self._premultiplied / np.maximum(self.alpha, 1e-6)[..., None]
        # A colour where alpha is 0 is never seen whole, but resizing mixes it in.
        spread = gaussian_filter(self._premultiplied, (6, 6, 0))
        weight = gaussian_filter(self.alpha, 6)[..., None]
        mean = self._premultiplied.sum((0, 1)) / max(self.alpha.sum(), 1e-6)
        beyond = np.where(weight > 1e-3, spread / np.maximum(weight, 1e-3), mean)
        colour = np.where(self.alpha[..., None] > 1 / 512, colour, beyond)
        return Foreground(name, _bytes(self.alpha), _bytes(colour))


def _bytes(values: Array) -> npt.NDArray[np.uint8]:
    return np.round(255 * values.clip(0, 1)).astype(np.uint8)


def coverage(distance: Array) -> Array:
    """How much of a pixel a shape covers whose border is so many pixels away, negative inside."""
    return (0.5 - distance).clip(0, 1)


def grid(size: int) -> tuple[Array, Array]:
    """Rows and columns of the pixels' centres, from −1 to 1, ``(size, size)`` each."""
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    y, x = np.meshgrid(steps, steps, indexing="ij")
    return y, x


def noise(rng: np.random.Generator, size: int, slope: float = 1.8, finest: float = 2.0) -> Array:
    """Cloudy noise ``(size, size)`` with mean 0 and deviation 1.

    Args:
        slope: how fast amplitude falls with frequency; 1 is rough, 2.5 smooth.
        finest: the shortest wave, in pixels.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency**slope
    spectrum *= np.exp(-((frequency.clip(max=1) * finest) ** 2))
    field = np.fft.irfft2(spectrum, (size, size))
    return (field - field.mean()) / field.std()
