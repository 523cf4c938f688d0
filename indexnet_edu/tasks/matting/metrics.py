"""The four errors of a matte: SAD, MSE, gradient and connectivity.

Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (CVPR 2009), in the
form in which Composition-1k is measured (Xu et al., CVPR 2017), and so Tables 4 to 6:

- all four look at unknown pixels, where the trimap is 128;
- SAD, gradient and connectivity are *sums*, divided by 1000, so they grow with the picture;
- MSE is the mean over unknown pixels. The paper says "root", its evaluation takes none;
- the gradient and the connectivity of an unknown pixel come from the whole matte, so for these two
  known pixels matter: put the trimap's values there first (:func:`with_known`).

Benchmarks compare mattes of 8 bits; :func:`matting_errors` rounds both to them, the single
functions take values as they are. Mattes are ``(H, W)`` in [0, 1], trimaps ``(H, W)`` of 0, 128 and
255.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

__all__ = [
    "MattingMetrics",
    "connectivity_error",
    "gradient_error",
    "matting_errors",
    "mse",
    "sad",
    "with_known",
]

Array = npt.NDArray[Any]

_UNKNOWN = 128
_SIGMA = 1.4  # of the Gaussian whose derivatives measure a gradient, in pixels
_LEVELS = 10  # thresholds of connectivity: 0.1, 0.2, … 1
_CONNECTED = 0.15  # less than this below the level up to which it is connected counts as connected


def _checked(pred: Array, target: Array, trimap: Array) -> Array:
    """The unknown pixels; ValueError for what is no triple of maps of one size."""
    if not pred.shape == target.shape == trimap.shape or pred.ndim != 2:
        raise ValueError(
            "mattes and trimap must be (H, W) of one size, got "
            f"{pred.shape}, {target.shape} and {trimap.shape}"
        )
    return trimap == _UNKNOWN


def sad(pred: Array, target: Array, trimap: Array) -> float:
    """The sum of absolute differences, in thousands: Σ |d| / 1000."""
    unknown = _checked(pred, target, trimap)
    return float(np.abs(pred[unknown] - target[unknown]).sum(dtype=np.float64)) / 1000


def mse(pred: Array, target: Array, trimap: Array) -> float:
    """The mean square difference, not its root; 0 where nothing is unknown."""
    unknown = _checked(pred, target, trimap)
    squares = (pred[unknown] - target[unknown]) ** 2
    return float(squares.mean(dtype=np.float64)) if squares.size else 0.0


def gradient_error(pred: Array, target: Array, trimap: Array) -> float:
    """Σ (difference of gradient magnitudes)² / 1000.

    Gradients are convolutions with the first derivatives of a Gaussian, σ = 1.4 pixels, 9×9 taps
    scaled to unit ℓ2 norm; the border is repeated.
    """
    unknown = _checked(pred, target, trimap)
    difference = _gradient_magnitude(pred) - _gradient_magnitude(target)
    return float((difference[unknown] ** 2).sum(dtype=np.float64)) / 1000


def _gaussian_taps() -> tuple[Array, Array]:
    """A Gaussian and its derivative, both of unit norm, up to where the first is a hundredth.

    The 9×9 filter is their outer product, whose norm is the product of the norms.
    """
    radius = math.ceil(_SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * _SIGMA * 0.01)))
    steps = np.arange(-radius, radius + 1)
    gaussian = np.exp(-(steps**2) / (2 * _SIGMA**2))
    derivative = -steps * gaussian
    return gaussian / np.linalg.norm(gaussian), derivative / np.linalg.norm(derivative)


def _gradient_magnitude(matte: Array) -> Array:
    from scipy.ndimage import correlate1d

    gaussian, derivative = _gaussian_taps()

    def along(axis: int) -> Array:
        smooth = correlate1d(matte, gaussian, axis=1 - axis, mode="nearest")
        return correlate1d(smooth, derivative, axis=axis, mode="nearest")

    return np.hypot(along(0), along(1))


def connectivity_error(pred: Array, target: Array, trimap: Array) -> float:
    """Σ |difference of degrees of connectedness| / 1000.

    At each threshold 0.1, 0.2, … 1 the largest 4-connected piece of what both mattes reach is
    looked for. A pixel's level l is the last threshold before it first falls out of that piece, and
    its degree in a matte 1 − (α − l) where α − l ≥ 0.15, else 1. Where two pieces are equally large
    the first one in the order of columns counts, as in the original.
    """
    unknown = _checked(pred, target, trimap)
    level = _connected_level(np.minimum(pred, target))[unknown]

    def degree(matte: Array) -> Array:
        beyond = matte[unknown] - level
        return 1 - np.where(beyond >= _CONNECTED, beyond, 0)

    return float(np.abs(degree(pred) - degree(target)).sum(dtype=np.float64)) / 1000


def _connected_level(both: Array) -> Array:
    """Up to which threshold each pixel belongs to the largest piece, ``(H, W)``."""
    from scipy.ndimage import label

    level = np.ones_like(both)
    inside = np.ones(both.shape, dtype=bool)  # in the largest piece at all thresholds so far
    for step in range(1, _LEVELS + 1):
        # Fractions and not sums of 0.1: k/10 is then the very number that 255·k/10 is of 255.
        pieces, count = label((both >= step / _LEVELS).T)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        largest = pieces == 1 + sizes[1:].argmax() if count else np.zeros(pieces.shape, dtype=bool)
        falls_out = inside & ~largest.T
        level[falls_out] = (step - 1) / _LEVELS
        inside &= ~falls_out
    return level


def with_known(matte: Array, trimap: Array) -> Array:
    """The matte with 0 and 1 where the trimap knows, clipped to [0, 1] elsewhere."""
    return np.where(trimap == _UNKNOWN, matte.clip(0, 1), trimap == 255).astype(matte.dtype)


def matting_errors(pred: Array, target: Array, trimap: Array) -> dict[str, float]:
    """All four, of mattes rounded to 8 bits: ``sad``, ``mse``, ``grad``, ``conn``."""
    pred, target = (np.round(255 * matte) / 255 for matte in (pred, target))
    return {
        "sad": sad(pred, target, trimap),
        "mse": mse(pred, target, trimap),
        "grad": gradient_error(pred, target, trimap),
        "conn": connectivity_error(pred, target, trimap),
    }


class MattingMetrics:
    """The four errors, each the mean of the images' own; see the top of this file."""

    def __init__(self) -> None:
        from torchmetrics import MeanMetric

        self._means = {name: MeanMetric() for name in ("sad", "mse", "grad", "conn")}

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor | None = None) -> None:
        """Adds images: mattes ``(N, 1, H, W)``, known regions copied, and where they were unknown.

        Raises:
            ValueError: it is not said where.
        """
        if valid is None:
            raise ValueError(
                "errors of a matte are measured where its trimap is unknown: say where"
            )
        for matte, truth, unknown in zip(prediction, target, valid, strict=True):
            pred, alpha = (image[0].double().cpu().numpy() for image in (matte, truth))
            trimap = np.where(unknown[0].cpu().numpy(), _UNKNOWN, 0)
            for name, error in matting_errors(pred, alpha, trimap).items():
                self._means[name].update(error)

    def compute(self) -> dict[str, float]:
        """The means over everything added so far, by all processes."""
        return {name: float(mean.compute()) for name, mean in self._means.items()}
