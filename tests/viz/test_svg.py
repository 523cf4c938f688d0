"""Number grids: the numbers are the tensor's, and the drawing is well-formed and theme-proof."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from indexnet_edu.viz.svg import Grid, as_matrix, format_numbers, grid_row, number_grid

NAMESPACE = "{http://www.w3.org/2000/svg}"


def numbers(svg: str) -> list[float]:
    texts = [t.text for t in ET.fromstring(svg).iter(f"{NAMESPACE}text")]
    return [float(t.replace("−", "-")) for t in texts if re.fullmatch(r"−?[\d.]+", t)]


@given(
    st.integers(1, 5).flatmap(
        lambda w: st.lists(
            st.lists(st.floats(-99, 99, allow_nan=False), min_size=w, max_size=w),
            min_size=1,
            max_size=5,
        )
    )
)
def test_the_grid_shows_the_tensor(rows):
    x = torch.tensor(rows, dtype=torch.float64)
    drawn = np.array(numbers(number_grid(x))).reshape(x.shape)
    assert np.abs(drawn - x.numpy()).max() <= 0.005 + 1e-9


def test_shapes_with_ones_in_front_are_matrices():
    assert as_matrix(torch.zeros(1, 1, 3, 2)).shape == (3, 2)
    assert as_matrix([1, 2]).shape == (1, 2)
    assert as_matrix(torch.ones(2, 2, requires_grad=True)).sum() == 4
    with pytest.raises(ValueError, match="choose an image and a channel"):
        as_matrix(torch.zeros(2, 1, 3, 2))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([[1, -2]], ["1", "−2"]), ([[0.5, 1]], ["0.5", "1.0"]), ([[1 / 3, -1e-9]], ["0.33", "0.00"])],
)
def test_numbers_take_the_decimals_they_need(values, expected):
    assert format_numbers(as_matrix(values)) == [expected]


def test_decimals_can_be_fixed():
    assert "0.123" in number_grid([[0.1232]], decimals=3)


def test_a_row_of_grids_with_signs():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    svg = grid_row(
        [Grid(x, "x"), "⊙", Grid(x / 16, "index"), "→ sum & scale", Grid(x[..., :2, :2])]
    )
    texts = [t.text for t in ET.fromstring(svg).iter(f"{NAMESPACE}text")]
    assert texts.count("⊙") == 1
    assert "sum & scale" in texts
    assert len(numbers(svg)) == 36


def test_highlight_region_blank_zeros_and_note():
    plain = number_grid([[0, 1], [0, 1]])
    svg = number_grid(
        [[0, 1], [0, 1]], highlight=[(0, 1), (1, 1)], region=1, blank_zeros=True, note="below"
    )
    assert len(numbers(svg)) == 2
    assert svg.count('stroke-width="4"') == 2
    assert svg.count('stroke-width="2"') > plain.count('stroke-width="2"')
    assert "below" in svg


def test_colours_follow_the_theme_and_reach_no_other_element():
    svg = grid_row([Grid([[1.0]], colour="encoder"), "=", Grid([[2.0]])])
    assert "<style" not in svg
    assert "currentColor" in svg
    assert not re.search(r'(fill|stroke)="(black|white|#000000|#000|#fff|#ffffff)"', svg)


def test_the_accessible_name_says_the_numbers_unless_told():
    label = ET.fromstring(number_grid([[1, 2], [3, 4]], "x")).get("aria-label")
    assert label == "x 2 by 2: 1 2; 3 4"
    assert ET.fromstring(number_grid([[1]], alt="one & only")).get("aria-label") == "one & only"


def test_titles_are_escaped():
    ET.fromstring(number_grid([[1]], 'a < b & "c"', note="<x>"))


def test_everything_drawn_lies_inside():
    svg = ET.fromstring(
        grid_row([Grid([[1000.25, -3]], "a long title above", note="and a note"), "→ a long label"])
    )
    width, height = float(svg.get("width")), float(svg.get("height"))
    for element in svg.iter():
        for key, limit in (("x", width), ("x2", width), ("y", height), ("y2", height)):
            if element.get(key):
                assert 0 <= float(element.get(key)) <= limit


def test_an_empty_row_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        grid_row([])
