"""The same picture by many hands, several side by side, each with its name below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..palette import ERROR_COLOURMAP, style
from .canvas import house_style, to_image, wrap
from .panels import ColourBar, Panel, panel_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["gallery"]


@house_style
def gallery(
    images: Mapping[str, Any],
    *,
    notes: Mapping[str, str] | None = None,
    errors_up_to: float | None = None,
    columns: int = 4,
    factor: int = 1,
) -> Figure:
    """Images of one size, magnified by a whole factor, or what each is off the first one.

    Args:
        images: name → ``(H, W)`` or RGB, in [0, 1].
        notes: a few words below a name ("27.9 dB").
        errors_up_to: if given, all but the first are shown as absolute errors (in colour pictures
            their mean over channels) on the range from 0 to this.
        columns: images in a row.

    Raises:
        ValueError: no images, or of several sizes.
    """
    arrays = {name: to_image(image) for name, image in images.items()}
    shapes = sorted({array.shape for array in arrays.values()})
    if len(shapes) != 1:
        raise ValueError(f"all images must be of one shape, got {shapes or 'none'}")
    first, words, bar = next(iter(arrays)), notes or {}, None
    limits = (0.0, 1.0)
    if errors_up_to is not None:
        limits = (0.0, errors_up_to)
        bar = ColourBar(ERROR_COLOURMAP, limits, "absolute error (intensity, 0 to 1)")
    panels = []
    for name, array in arrays.items():
        title = wrap(style(name).title, array.shape[1] * factor // 6)
        below = title + (f"\n{words[name]}" if name in words else "")
        if errors_up_to is None or name == first:
            panels.append(Panel(array, below=below))
            continue
        error = np.abs(array - arrays[first])
        grey = error.mean(axis=-1) if error.ndim == 3 else error
        panels.append(Panel(grey, ERROR_COLOURMAP, limits, below))
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    wide = min(columns, len(panels))
    return panel_table(rows, [""] * len(rows), [""] * wide, factor=factor, colour_bar=bar)
