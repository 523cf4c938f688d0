"""What one would take without a network: a half everywhere, closed-form and KNN matting."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .metrics import with_known
from .trimap import BACKGROUND, FOREGROUND

__all__ = ["CLASSICS", "closed_form", "half", "knn"]

Array = npt.NDArray[Any]

#: An image ``(H, W, 3)`` uint8 and a trimap ``(H, W)`` of 0, 128 and 255 → alpha ``(H, W)``.
Matter = Callable[[Array, Array], Array]


def half(image: Array, trimap: Array) -> Array:
    """One half wherever the trimap does not know."""
    return with_known(np.full(trimap.shape, 0.5, np.float32), trimap)


def closed_form(image: Array, trimap: Array) -> Array:
    """Closed-form matting (Levin et al., TPAMI 2008), by PyMatting.

    Raises:
        UserError: PyMatting is not installed, or the trimap lacks known foreground or background.
    """
    return _by_pymatting("estimate_alpha_cf", image, trimap)


def knn(image: Array, trimap: Array) -> Array:
    """KNN matting (Chen et al., TPAMI 2013), by PyMatting.

    Raises:
        UserError: as :func:`closed_form`.
    """
    return _by_pymatting("estimate_alpha_knn", image, trimap)


#: Name → method, the one that looks at nothing first.
CLASSICS: dict[str, Matter] = {"half": half, "closed_form": closed_form, "knn": knn}


def _by_pymatting(method: str, image: Array, trimap: Array) -> Array:
    for value, name in ((FOREGROUND, "foreground, white"), (BACKGROUND, "background, black")):
        if not (trimap == value).any():
            raise UserError(f"this method needs some sure {name} in the trimap: paint some")
    try:
        with warnings.catch_warnings():  # about threading layers that numba did not find
            warnings.simplefilter("ignore")
            pymatting = importlib.import_module("pymatting")  # nothing else needs it
    except ImportError:
        raise UserError(
            "closed-form and KNN matting are PyMatting's, which is not installed: "
            "'pip install pymatting'"
        ) from None
    grey = np.where(trimap == FOREGROUND, 1.0, np.where(trimap == BACKGROUND, 0.0, 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alpha = getattr(pymatting, method)(image / 255.0, grey)
    return with_known(np.asarray(alpha, np.float32), trimap)
