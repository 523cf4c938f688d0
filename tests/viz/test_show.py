"""show: alt text or nothing, one figure on the page, nothing left open."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from indexnet_edu.viz import figure_html, number_grid, show

SVG = "{http://www.w3.org/2000/svg}"


def drawing() -> Figure:
    figure = Figure(figsize=(2, 1), dpi=100)
    figure.add_subplot().plot([0, 1])
    return figure


@pytest.mark.parametrize("alt", ["", "   "])
def test_alt_text_is_required(alt):
    for picture in (drawing(), number_grid([[1]])):
        with pytest.raises(ValueError, match="alt text"):
            figure_html(picture, alt)
    with pytest.raises(TypeError):
        show(drawing())


def test_a_figure_becomes_an_opaque_png_with_its_alt_text_and_caption():
    html = figure_html(drawing(), 'a "line" <up>', "Fig. 1 & more")
    tree = ET.fromstring(html.replace('%">', '%"/>').replace('#fff">', '#fff"/>'))
    assert tree.tag == "figure"
    image = tree.find("img")
    assert image.get("alt") == 'a "line" <up>'
    assert image.get("width") == "200"
    assert tree.find("figcaption").text == "Fig. 1 & more"
    data = base64.b64decode(image.get("src").split(",")[1])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    assert pixels.shape[:2] == (200, 400)
    assert (pixels[..., 3] == 255).all()
    assert (pixels[0, 0, :3] == 255).all()


def test_an_svg_stays_inline_and_gets_the_given_name():
    html = figure_html(number_grid([[1, 2]], "x"), "two numbers & more")
    tree = ET.fromstring(html)
    svg = tree.find(f"{SVG}svg")
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == "two numbers & more"
    assert tree.find("figcaption") is None


def test_a_string_without_svg_is_refused():
    with pytest.raises(ValueError, match="<svg>"):
        figure_html("hello", "a greeting")


def test_show_displays_one_html_and_closes_the_figure(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    figure = plt.figure()
    figure.add_subplot()
    show(figure, alt="an empty chart")
    assert len(shown) == 1
    assert re.search(r'<img alt="an empty chart"', shown[0].data)
    assert not plt.fignum_exists(figure.number)
