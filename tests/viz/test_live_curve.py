"""The live curve: a picture of what has come, at most so often, and nobody is waited for."""

import math
import xml.etree.ElementTree as ET

import pytest

from indexnet_edu.viz import live_curve
from indexnet_edu.viz.live_curve import LiveCurve, live_curve_svg

POINTS = [{"step": step, "loss": 1 / step} for step in range(1, 51)]


def line(svg: str) -> list[tuple[float, float]]:
    element = next(e for e in ET.fromstring(svg).iter() if e.tag.endswith("polyline"))
    return [tuple(map(float, pair.split(","))) for pair in element.attrib["points"].split()]


def test_the_curve_shows_every_point_on_an_axis_of_all_steps():
    places = line(live_curve_svg(POINTS, "M2O", 100))
    assert len(places) == 50
    xs, ys = zip(*places, strict=True)
    frame = next(e for e in ET.fromstring(live_curve_svg(POINTS, "M2O", 100)).iter()
                 if e.tag.endswith("rect"))  # fmt: skip
    left, width = float(frame.attrib["x"]), float(frame.attrib["width"])
    assert xs == pytest.approx([left + width * p["step"] / 100 for p in POINTS], abs=0.1)
    assert all(a < b for a, b in zip(ys, ys[1:], strict=False))  # a falling loss goes down
    # On a logarithmic axis halving the loss is always the same way down.
    assert ys[1] - ys[0] == pytest.approx(ys[3] - ys[1], abs=0.15)


def test_its_words_say_how_far_it_is():
    assert 'aria-label="M2O: loss 0.0200 at step 50 of 1,000"' in live_curve_svg(
        POINTS, "M2O", 1000
    )


def test_a_long_curve_is_thinned_and_keeps_its_end():
    many = [{"step": step, "loss": 1 + math.sin(step) ** 2} for step in range(1, 10_001)]
    places = line(live_curve_svg(many, "long", 10_000))
    assert len(places) < 400
    assert places[-1][0] == pytest.approx(line(live_curve_svg(many[-1:], "x", 10_000))[0][0])


@pytest.mark.parametrize("values", [[0.0], [1.0, 1.0], [1e-9, 1e9]])
def test_no_value_breaks_it(values):
    points = [{"step": i + 1, "loss": value} for i, value in enumerate(values)]
    assert all(math.isfinite(v) for place in line(live_curve_svg(points, "odd", 9)) for v in place)
    with pytest.raises(ValueError, match="needs a point"):
        live_curve_svg([], "none", 9)


def test_it_draws_now_and_then_and_always_the_end(monkeypatch):
    now, drawn = [0.0], []
    monkeypatch.setattr(live_curve.time, "monotonic", lambda: now[0])
    live = LiveCurve(every=1.0)
    monkeypatch.setattr(live, "_draw", drawn.append)
    add = live.start("row", 50)
    for point in POINTS:
        add(point)
        now[0] += 0.3
    assert 12 <= len(drawn) <= 15 and "step 50 of 50" in drawn[-1]
