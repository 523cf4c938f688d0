"""Pixel centres, index matrices and points of seeds: they draw what the package computes."""

import re
import xml.etree.ElementTree as ET

import pytest
import torch

from indexnet_edu.indexing import bilinear_index, index_matrix
from indexnet_edu.viz.figures.seed_points import seed_points
from indexnet_edu.viz.index_matrices import index_matrices
from indexnet_edu.viz.pixel_centres import pixel_centres

NAMESPACE = "{http://www.w3.org/2000/svg}"
FRACTIONS = {"¼": 0.25, "½": 0.5, "¾": 0.75}


def number(text: str) -> float:
    if "/" in text:
        above, below = text.split("/")
        return int(above) / int(below)
    return FRACTIONS.get(text, 1.0)


@pytest.mark.parametrize(("n", "factor"), [(1, 2), (2, 2), (3, 2), (4, 2), (2, 3), (3, 4)])
def test_the_weights_under_the_pixels_are_those_of_the_package(n: int, factor: int):
    drawn = torch.zeros(n * factor, n)
    texts = [t.text or "" for t in ET.fromstring(pixel_centres(n, factor)).iter(f"{NAMESPACE}text")]
    outputs = [t for t in texts if re.fullmatch(r"(\S+ )?d\[\d+\]( \+ \S+ d\[\d+\])?", t)][n:]
    assert len(outputs) == n * factor
    for row, text in enumerate(outputs):
        for weight, tap in re.findall(r"(?:(\S+) )?d\[(\d+)\]", text):
            drawn[row, int(tap)] += number(weight)
    index = bilinear_index((1, 1, 1, n), output_size=(1, n * factor))
    assert torch.allclose(drawn, index_matrix(index, (1, 1, 1, n)).float())


def test_a_cell_a_weight():
    matrix = torch.tensor([[1.0, 0.0], [-0.5, 0.25], [0.0, 0.0]])
    svg = index_matrices({"some": matrix, "empty": torch.zeros(2, 2)})
    root = ET.fromstring(svg)
    assert len(list(root.iter(f"{NAMESPACE}rect"))) == 2
    negative = [p for p in root.iter(f"{NAMESPACE}path") if p.get("fill-rule")]
    assert len(negative) == 1
    assert root.get("aria-label") == "some 3 by 2; empty 2 by 2"
    assert "#000" not in svg  # it must be legible on a dark page
    with pytest.raises(ValueError, match="no matrices"):
        index_matrices({})


def test_every_seed_is_a_point():
    figure = seed_points({"avgpool_nearest": [20.0, 21.0, 22.5], "own": [30.0]}, note="n = 1")
    axes = figure.axes[0]
    points = [line for line in axes.lines if line.get_marker() not in ("None", None, "")]
    assert [len(line.get_xdata()) for line in points] == [3, 1]
    words = [text.get_text() for text in axes.texts]
    assert words == ["21.17 ± 1.26", "30.00", "mean ± deviation"]
    with pytest.raises(ValueError, match="no values"):
        seed_points({"avgpool_nearest": []})
