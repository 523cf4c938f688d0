"""One image through several pairs of down- and upsampling."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..palette import ERROR_COLOURMAP, style
from .canvas import house_style, to_image
from .panels import ColourBar, Panel, panel_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["mosaic", "operator_comparison", "psnr"]


def psnr(output: Any, target: Any) -> float:
    """−20·log10(RMSE) in dB for values in [0, 1], the output clipped; infinite where both agree."""
    difference = np.clip(to_image(output), 0, 1) - to_image(target)
    rmse = math.sqrt(float(np.mean(difference**2)))
    return math.inf if rmse == 0 else -20 * math.log10(rmse)


def mosaic(low: Tensor) -> np.ndarray:
    """``(1 or 4, h, w)`` as one image: space-to-depth's four channels side by side, 2×2."""
    channels = low.detach().reshape(-1, *low.shape[-2:]).cpu().double().numpy()
    if len(channels) == 1:
        return channels[0]
    if len(channels) != 4:
        raise ValueError(f"a low-resolution image has 1 or 4 channels, got {len(channels)}")
    return np.block([[channels[0], channels[1]], [channels[2], channels[3]]])


@house_style
def operator_comparison(
    image: Tensor,
    results: Mapping[str, tuple[Tensor, Tensor]],
    *,
    factor: int | None = None,
    limit: float | None = None,
) -> Figure:
    """A row a pair: input, low resolution, output with its PSNR, absolute error on one range.

    Args:
        image: the input, ``(H, W)`` in [0, 1] (sizes of 1 in front are dropped).
        results: pair's name → (low resolution ``(1 or 4, h, w)``, output ``(H, W)``).
        factor: magnification; as large as the page allows if None.
        limit: upper end of the error's range; the largest error if None.
    """
    if not results:
        raise ValueError("no pairs to draw")
    target = to_image(image)
    outputs = {name: to_image(output) for name, (_, output) in results.items()}
    errors = {name: np.abs(np.clip(o, 0, 1) - target) for name, o in outputs.items()}
    top = limit or max(float(error.max()) for error in errors.values()) or 1.0
    rows, names = [], []
    for name, (low, _) in results.items():
        quality = psnr(outputs[name], target)
        rows.append(
            [
                Panel(target),
                Panel(mosaic(low)),
                Panel(outputs[name], below=f"PSNR {quality:.1f} dB" if quality < 1e9 else "exact"),
                Panel(errors[name], ERROR_COLOURMAP, (0.0, top)),
            ]
        )
        names.append(style(name).title)
    bar = ColourBar(ERROR_COLOURMAP, (0.0, top), "absolute error (intensity, 0 to 1)")
    columns = ["input", "low resolution", "output", "absolute error"]
    return panel_table(rows, names, columns, factor=factor, colour_bar=bar)
