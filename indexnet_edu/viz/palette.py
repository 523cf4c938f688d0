"""One palette and one meaning a colour, through the whole course.

The hues are Okabe and Ito's, which remain apart for colour-blind readers. Where a hue has several
members (CARAFE after three downsamplings, the families of IndexNet) they differ in lightness: any
two colours are at least 11 apart in CIELAB, for full and for colour-blind vision alike.
Dash and marker differ too, so that no figure rests on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from ..indexing import FAMILIES, MODES
from ..resampling import list_resamplers

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
    "add_styles",
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

#: Index maps are always drawn with this map over this range, so two of them can be compared by eye.
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


def _pair(name: str, colour: str, dash: str, marker: str) -> Style:
    """The look of a pair, under the title that the factory gives it."""
    return Style(list_resamplers()[name].title, colour, dash, marker)


#: Roles, resamplers (by their names in the factory) and families; a lesson adds the rows of its
#: table by :func:`add_styles`.
STYLES: dict[str, Style] = {
    # Who is who around an up/downsampling pair
    "encoder": Style("encoder", OKABE_ITO["blue"]),
    "decoder": Style("decoder", OKABE_ITO["vermillion"]),
    "guide": Style("guide", OKABE_ITO["bluish green"]),
    # Blind pairs
    "avgpool_nearest": _pair("avgpool_nearest", "#727174", ":", "o"),
    "conv_bilinear": _pair("conv_bilinear", OKABE_ITO["sky blue"], "--", "s"),
    "maxpool_bilinear": _pair("maxpool_bilinear", "#BCEBFF", ":", "s"),
    "conv_deconv": _pair("conv_deconv", OKABE_ITO["orange"], "-.", "D"),
    "s2d_d2s": _pair("s2d_d2s", "#813C09", "--", "P"),
    "conv_carafe": _pair("conv_carafe", "#CAC93C", "-.", "X"),
    "avgpool_carafe": _pair("avgpool_carafe", "#9AA240", ":", "X"),
    "maxpool_carafe": _pair("maxpool_carafe", OKABE_ITO["yellow"], "--", "X"),
    # Guided pairs
    "maxpool_maxunpool": _pair("maxpool_maxunpool", OKABE_ITO["black"], "-", "^"),
    "hmi": _pair("hmi", "#494646", "--", "v"),
    # IndexNet: one hue, one lightness a family
    "holistic": Style("IndexNet, HIN", OKABE_ITO["reddish purple"], "-", "h"),
    "o2o_modelwise": Style("IndexNet, modelwise O2O", "#EDAFCA", "--", "<"),
    "o2o_shared_stagewise": Style("IndexNet, shared stagewise O2O", "#9A4E89", "-.", ">"),
    "o2o_unshared_stagewise": Style("IndexNet, unshared stagewise O2O", "#6E2168", ":", "d"),
    "m2o": Style("IndexNet, M2O", "#421539", "-", "*"),
    "indexnet_bilinear": _pair("indexnet_bilinear", "#23329F", "--", "p"),
}
STYLES["indexnet"] = STYLES["m2o"]  # the factory's default family

#: For names that have no meaning of their own (a learner's own resampler).
_OTHER = OKABE_ITO["bluish green"]


def add_styles(styles: Mapping[str, Style | str]) -> None:
    """Gives more names a look: one of their own, or that of another name."""
    for name, look in styles.items():
        STYLES[name] = STYLES[look] if isinstance(look, str) else look


def style(name: str) -> Style:
    """The style of a role, resampler, family or row of a table; a plain one for any other name.

    A ``FAMILY-MODE`` looks like its family.
    """
    family, _, mode = name.partition("-")
    if mode in MODES and family in FAMILIES:
        look = STYLES[family]
        return replace(look, title=f"{look.title}, {mode.replace('_', ' + ')}")
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
