"""Cost beside quality, and quality by class."""

import pytest

from indexnet_edu.viz.figures.by_class import points_by_class
from indexnet_edu.viz.figures.canvas import DPI
from indexnet_edu.viz.figures.cost import cost_against_quality

QUALITY = {"avgpool_nearest": 20.0, "indexed_m2o": 30.0}


def test_a_panel_a_cost_on_one_quality_axis() -> None:
    costs = {
        "parameters": {"avgpool_nearest": 776_129, "indexed_m2o": 3_704_257},
        "values crossing": {"avgpool_nearest": 0, "indexed_m2o": 57_344},
    }
    figure = cost_against_quality(costs, QUALITY, note="a note")
    left, right = figure.axes
    assert left.get_xscale() == "log" and right.get_xscale() == "symlog"
    assert left.get_ylim() == right.get_ylim()
    (names,) = [[t.get_text() for t in legend.get_texts()] for legend in figure.legends]
    assert names == ["IndexNet, M2O", "average pool – nearest"]  # the best first
    assert any(text.get_text() == "a note" for text in figure.texts)


def test_nothing_is_cut_at_the_right() -> None:
    figure = cost_against_quality({"parameters": dict.fromkeys(QUALITY, 5)}, QUALITY)
    figure.canvas.draw()
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.get_figwidth() * DPI


def test_the_easiest_class_is_on_top() -> None:
    values = {
        "avgpool_nearest": {"bag": 10, "trouser": 20},
        "indexed_m2o": {"bag": 5, "trouser": 9},
    }
    (axes,) = points_by_class(values, note="n = 2").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["trouser", "bag"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert "n = 2" in axes.get_xlabel()


def test_empty_figures_are_refused() -> None:
    with pytest.raises(ValueError, match="needs both"):
        cost_against_quality({}, {})
    with pytest.raises(ValueError, match="no values"):
        points_by_class({})
