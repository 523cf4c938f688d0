"""What one would take without a network: a half everywhere, closed-form and KNN matting."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...engine import Split, TaskData
from ...errors import UserError
from .metrics import MattingMetrics, with_known
from .trimap import BACKGROUND, FOREGROUND

__all__ = ["CLASSICS", "closed_form", "half", "knn", "measure_classics"]

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


def measure_classics(data: TaskData, recipe: Any) -> dict[str, dict[str, float]]:
    """The metrics of a run, for each method; only the first where PyMatting is not installed.

    Returns:
        Name → metrics named as a run names them: ``alphamatting_sad``.
    """
    tests: Mapping[str, Split] = data.test  # type: ignore[assignment]  # several, by the sources
    usable = CLASSICS if importlib.util.find_spec("pymatting") else {"half": half}
    found: dict[str, dict[str, float]] = {}
    for name, matter in usable.items():
        found[name] = {}
        for test, split in tests.items():
            metrics = MattingMetrics()
            for number in range(len(split)):
                batch = split.batch(torch.tensor([number]), seed=0)
                # (1, 3, H, W) in [0, 1] → (H, W, 3) of 255; (1, 4, H, W) → (H, W)
                image = (255 * batch.more["image"][0]).round().byte().permute(1, 2, 0).numpy()
                trimap = (255 * batch.x[0, 3]).round().byte().numpy()
                matte = torch.from_numpy(matter(image, trimap))[None, None]
                metrics.update(matte, batch.target, batch.valid)
            found[name] |= {f"{test}_{key}": value for key, value in metrics.compute().items()}
    return found


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
