"""The colours of a foreground, once its alpha is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["foreground_colour"]

Array = npt.NDArray[Any]

#: Pixels per side of the two means, and what keeps them from dividing by nothing.
_WIDE, _NARROW, _EPSILON = 91, 7, 1e-5


def foreground_colour(image: Array, alpha: Array) -> npt.NDArray[np.float32]:
    """What the foreground's colour is where the background shines through.

    Blur fusion (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021), two passes: the
    mean colour of what is foreground nearby, corrected by what then is left of the matting
    equation. Pasted with the photograph's own colours a cut-out keeps a rim of its old background.

    Args:
        image: ``(H, W, 3)`` in [0, 1].
        alpha: ``(H, W)`` in [0, 1].

    Returns:
        ``(H, W, 3)`` in [0, 1]; without meaning where alpha is 0.
    """
    image, opacity = image.astype(np.float32), alpha.astype(np.float32)[..., None]
    foreground, background = _fused(image, image, image, opacity, _WIDE)
    foreground, _ = _fused(image, foreground, background, opacity, _NARROW)
    return foreground


def _fused(
    image: Array, foreground: Array, background: Array, opacity: Array, side: int
) -> tuple[Array, Array]:
    def mean(values: Array) -> Array:
        from scipy.ndimage import uniform_filter

        return uniform_filter(values, (side, side, 0), mode="nearest")

    share = mean(opacity)
    near = mean(foreground * opacity) / (share + _EPSILON)
    behind = mean(background * (1 - opacity)) / (1 - share + _EPSILON)
    rest = image - opacity * near - (1 - opacity) * behind
    return np.clip(near + opacity * rest, 0, 1), behind
