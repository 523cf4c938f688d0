"""Fig. 11: index maps, stage by stage, before and after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..palette import INDEX_COLOURMAP, INDEX_RANGE
from .canvas import house_style
from .panels import ColourBar, Panel, panel_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ENCODER_BOUNDS", "channel_mean", "index_maps"]

#: What a softmax over sigmoids cannot leave: 1/(1+3e) and e/(e+3).
ENCODER_BOUNDS = (1 / (1 + 3 * np.e), np.e / (np.e + 3))


def channel_mean(index_map: Any) -> np.ndarray:
    """``(1 or C, H, W)`` averaged over channels to ``(H, W)``, as in Fig. 11."""
    detach = getattr(index_map, "detach", None)
    array = np.asarray(detach().cpu().numpy() if detach else index_map, dtype=np.float64)
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim not in (2, 3):
        raise ValueError(f"an index map of one image is (C, H, W), got {array.shape}")
    return array if array.ndim == 2 else array.mean(axis=0)


@house_style
def index_maps(
    maps: Mapping[str, Sequence[Any]],
    columns: Sequence[str] | None = None,
    *,
    bounds: tuple[float, ...] = (),
    label: str = "index (mean over channels, 0 to 1)",
    factor: int | None = None,
) -> Figure:
    """A row a network, a column a stage, all on the range [0, 1].

    Args:
        maps: row's name ("HIN, random") → its stages' index maps ``(1 or C, H, W)``, one image's.
        columns: names of the stages.
        bounds: values marked in the colour bar, e.g. :data:`ENCODER_BOUNDS`.
        label: of the colour bar.
        factor: magnification of the first stage; as large as the page allows if None.
    """
    if not maps:
        raise ValueError("no index maps to draw")
    stages = len(next(iter(maps.values())))
    names = columns or [f"stage {i + 1}" for i in range(stages)]
    rows = [
        [Panel(channel_mean(m), INDEX_COLOURMAP, INDEX_RANGE) for m in row] for row in maps.values()
    ]
    bar = ColourBar(INDEX_COLOURMAP, INDEX_RANGE, label, bounds)
    return panel_table(rows, list(maps), names, factor=factor, colour_bar=bar)
