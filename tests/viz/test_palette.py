"""The palette: every meaning has its colour, and colours stay apart for colour-blind readers."""

from itertools import combinations

import matplotlib
import numpy as np
import pytest
from skimage.color import rgb2lab

import indexnet_edu.lessons.denoising
import indexnet_edu.lessons.reconstruction  # noqa: F401  # they give their rows a look
from indexnet_edu.indexing import FAMILIES
from indexnet_edu.resampling import list_resamplers
from indexnet_edu.tasks import get_task
from indexnet_edu.viz.palette import (
    ERROR_COLOURMAP,
    INDEX_COLOURMAP,
    OKABE_ITO,
    SIGNED_COLOURMAP,
    STYLES,
    colour,
    colour_table,
    style,
    title,
)

TABLE_3 = (
    "avgpool_nearest conv_bilinear s2d_d2s conv_deconv conv_carafe maxpool_maxunpool "
    "indexed_o2o_modelwise indexed_holistic indexed_m2o indexed_bilinear"
).split()

# Machado, Oliveira and Fernandes 2009, severity 1: what each dichromat sees, in linear RGB.
VISION = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(hex_colour: str, matrix: object) -> np.ndarray:
    """CIELAB of a colour through a kind of vision."""
    srgb = np.array([int(hex_colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(matrix) @ linear, 0, 1)
    back = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(back[None, None])[0, 0]


def test_every_name_of_the_course_has_a_style():
    for name in [*list_resamplers(), *FAMILIES, *TABLE_3, "encoder", "decoder", "guide"]:
        assert name in STYLES, name


@pytest.mark.parametrize("vision", VISION)
def test_colours_stay_apart(vision):
    lab = {look.colour: seen(look.colour, VISION[vision]) for look in STYLES.values()}
    nearest = min(np.linalg.norm(lab[a] - lab[b]) for a, b in combinations(lab, 2))
    assert nearest >= 11


def test_one_meaning_a_colour():
    by_colour: dict[str, set[str]] = {}
    for look in STYLES.values():
        by_colour.setdefault(look.colour, set()).add(look.title)
    assert all(len(titles) == 1 for titles in by_colour.values())


def test_table_3_needs_no_colour():
    drawn = {(style(name).dash, style(name).marker) for name in TABLE_3}
    assert len(drawn) == len(TABLE_3)


def test_okabe_ito_colours_carry_the_roles():
    assert {colour(role) for role in ("encoder", "decoder", "guide")} <= set(OKABE_ITO.values())


def test_unknown_names_and_plain_colours_pass():
    assert title("my_operator") == "my_operator"
    assert colour("#123456") == "#123456"


def test_colour_maps_exist_and_grow_lighter():
    for name in (INDEX_COLOURMAP, ERROR_COLOURMAP):
        lightness = rgb2lab(colour_table(name)[None] / 255)[0, :, 0]
        assert (np.diff(lightness) > -0.2).all(), name
    assert SIGNED_COLOURMAP in matplotlib.colormaps


def test_rows_of_table_7_look_like_their_pairs_and_have_names() -> None:
    looks = {name: style(name) for name in get_task("denoising").variants}
    assert len({look.title for look in looks.values()}) == len(looks) == 20
    assert not looks.keys() & {look.title for look in looks.values()}  # none by its raw name
    assert looks["dncnn_segnet"] == style("maxpool_maxunpool")
    assert looks["m2o-nonlinear_context"].colour == colour("m2o")
    assert looks["m2o-nonlinear_context"].title == "IndexNet, M2O, nonlinear + context"
    assert title("m2o-own") == "m2o-own"
