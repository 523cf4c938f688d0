"""Drawn foregrounds: what their names promise, that alpha is exact, and that they repeat."""

import numpy as np
import pytest

from indexnet_edu.tasks.matting.foregrounds import KINDS, Foreground, draw_foreground
from indexnet_edu.tasks.matting.foregrounds.canvas import Canvas, coverage, grid
from indexnet_edu.tasks.matting.foregrounds.strands import draw_strand


@pytest.fixture(scope="module")
def drawn() -> dict[str, Foreground]:
    return {kind: draw_foreground(kind, 0, size=160) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_and_its_alpha(kind: str, drawn: dict[str, Foreground]) -> None:
    found = drawn[kind]
    assert found.name == f"{kind} 0"
    assert found.alpha.shape == (160, 160) and found.alpha.dtype == np.uint8
    assert found.colour.shape == (160, 160, 3) and found.colour.dtype == np.uint8
    mixed = (found.alpha > 0) & (found.alpha < 255)
    assert mixed.mean() > 0.04 and (found.alpha == 0).mean() > 0.1
    assert found.colour[found.alpha > 128].std() > 8  # it has a drawing on it


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_one_picture(kind: str, drawn: dict[str, Foreground]) -> None:
    again, other = (draw_foreground(kind, n, size=160) for n in (0, 1))
    assert np.array_equal(again.alpha, drawn[kind].alpha)
    assert np.array_equal(again.colour, drawn[kind].colour)
    assert not np.array_equal(other.alpha, again.alpha)


def test_what_the_names_promise(drawn: dict[str, Foreground]) -> None:
    alpha = {kind: found.alpha / 255 for kind, found in drawn.items()}
    solid = {kind: float((a == 1).mean()) for kind, a in alpha.items()}
    assert solid["smoke"] == 0 and solid["water drops"] < 0.05  # transparent
    assert solid["hair"] > 0.2 and solid["fur"] > 0.2
    from scipy.ndimage import label

    assert label(alpha["lattice"] == 0)[1] > 20  # holes
    assert label(alpha["water drops"] > 0.05)[1] > 20  # many, apart from each other
    slope = {kind: np.hypot(*np.gradient(a)).max() for kind, a in alpha.items()}
    assert slope["motion blur"] < 0.45 < slope["lattice"]
    assert slope["smoke"] < slope["hair"]


def test_the_coverage_of_a_disc_sums_to_its_area() -> None:
    y, x = grid(200)
    radius = 0.613
    inside = coverage((np.hypot(y - 0.01, x + 0.02) - radius) * 100)
    assert inside.sum() / 100**2 == pytest.approx(np.pi * radius**2, rel=1e-3)


def test_a_strand_covers_its_width_times_its_length() -> None:
    # A line straight down the middle of a column of pixels, 1 wide.
    canvas = Canvas(60)
    path = np.stack([np.linspace(15, 45, 90), np.full(90, 30.5)], axis=1)
    draw_strand(canvas, path, np.full(90, 0.5), np.ones((90, 3)))
    assert canvas.alpha[30, 30] == pytest.approx(1)
    assert canvas.alpha[20:40].sum() == pytest.approx(20)
    # Half as wide it is half as dark.
    thin = Canvas(60)
    draw_strand(thin, path, np.full(90, 0.25), np.ones((90, 3)))
    assert thin.alpha[30, 30] == pytest.approx(0.5)


def test_a_layer_over_another_is_porter_and_duffs() -> None:
    canvas = Canvas(1)
    canvas.over(np.array([[0.5]]), np.array([1.0, 0, 0]))
    canvas.over(np.array([[0.5]]), np.array([0, 0, 1.0]))
    found = canvas.finish("two")
    assert found.alpha[0, 0] == round(255 * 0.75)
    assert found.colour[0, 0].tolist() == [round(255 * 0.25 / 0.75), 0, round(255 * 0.5 / 0.75)]


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="choose from hair, fur"):
        draw_foreground("glass", 0)
