"""One palette and one meaning a colour, through the whole course.

The hues are Okabe and Ito's, which remain apart for colour-blind readers; where a hue has several members
(CARAFE after three downsamplings, the families of IndexNet) they differ in lightness, and always in dash
and marker too, so that no figure rests on colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "ERROR_COLOURMAP",
    "INDEX_COLOURMAP",
    "INDEX_RANGE",
    "OKABE_ITO",
    "SIGNED_COLOURMAP",
    "STYLES",
    "Style",
    "colour",
    "colour_table",
    "style",
    "title",
]

OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "bluish green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "reddish purple": "#CC79A7",
}

#: Index maps are always drawn with this map over this range, so that two maps can be compared by eye.
INDEX_COLOURMAP = "viridis"
INDEX_RANGE = (0.0, 1.0)
#: Absolute errors, from 0 up; one range for all maps of a figure.
ERROR_COLOURMAP = "magma"
#: Weights that may be negative (deconvolution), symmetric about 0.
SIGNED_COLOURMAP = "PuOr"


@dataclass(frozen=True)
class Style:
    """How one thing looks in every figure.

    Attributes:
        title: its name for people.
        colour: ``#rrggbb``.
        dash: a matplotlib line style.
        marker: a matplotlib marker.
    """

    title: str
    colour: str
    dash: str = "-"
    marker: str = "o"


#: Roles, resamplers (by their names in the factory), families, and Table 3's variants.
STYLES: dict[str, Style] = {
    # Who is who around an up/downsampling pair
    "encoder": Style("encoder", OKABE_ITO["blue"]),
    "decoder": Style("decoder", OKABE_ITO["vermillion"]),
    "guide": Style("guide", OKABE_ITO["bluish green"]),
    # Blind pairs
    "avgpool_nearest": Style("average pool – nearest", "#8C8C8C", ":", "o"),
    "conv_bilinear": Style("conv/2 – bilinear", OKABE_ITO["sky blue"], "--", "s"),
    "maxpool_bilinear": Style("max pool – bilinear", "#9AD3F5", ":", "s"),
    "conv_deconv": Style("conv/2 – deconv/2", OKABE_ITO["orange"], "-.", "D"),
    "s2d_d2s": Style("space-to-depth – depth-to-space", "#8A5A00", "--", "P"),
    "conv_carafe": Style("conv/2 – CARAFE", "#D8CB00", "-.", "X"),
    "avgpool_carafe": Style("average pool – CARAFE", "#A79D00", ":", "X"),
    "maxpool_carafe": Style("max pool – CARAFE", OKABE_ITO["yellow"], "--", "X"),
    # Guided pairs
    "maxpool_maxunpool": Style("max pool – max unpool", OKABE_ITO["black"], "-", "^"),
    "hmi": Style("holistic max index", "#4F4F4F", "--", "v"),
    # IndexNet: one hue, one lightness a family
    "holistic": Style("IndexNet, HIN", OKABE_ITO["reddish purple"], "-", "h"),
    "o2o_modelwise": Style("IndexNet, modelwise O2O", "#EBB6D3", "--", "<"),
    "o2o_shared_stagewise": Style("IndexNet, shared stagewise O2O", "#DC98BF", "-.", ">"),
    "o2o_unshared_stagewise": Style("IndexNet, unshared stagewise O2O", "#A8538A", ":", "d"),
    "m2o": Style("IndexNet, M2O", "#6E1F57", "-", "*"),
    "indexnet_bilinear": Style("indexed pool – bilinear", "#3A4A9F", "--", "p"),
}
STYLES |= {
    "indexnet": STYLES["m2o"],  # the factory's default family
    "indexed_o2o_modelwise": STYLES["o2o_modelwise"],
    "indexed_holistic": STYLES["holistic"],
    "indexed_m2o": STYLES["m2o"],
    "indexed_bilinear": STYLES["indexnet_bilinear"],
}

#: For names that have no meaning of their own (a learner's own resampler).
_OTHER = OKABE_ITO["bluish green"]


def style(name: str) -> Style:
    """The style of a role, resampler, family or Table 3 variant; a plain one for any other name."""
    return STYLES.get(name, Style(name, _OTHER, "-", "."))


def colour(name: str) -> str:
    """``#rrggbb`` of a name as in :func:`style`; a colour passes through."""
    return name if name.startswith("#") else style(name).colour


def title(name: str) -> str:
    """The name for people, e.g. ``conv_bilinear`` → "conv/2 – bilinear"."""
    return style(name).title


@cache
def colour_table(name: str) -> np.ndarray:
    """A matplotlib colour map as 256 colours: ``(256, 3)`` bytes."""
    import matplotlib
    import numpy as np

    rgba = matplotlib.colormaps[name](np.linspace(0, 1, 256), bytes=True)
    return np.ascontiguousarray(rgba[:, :3])
