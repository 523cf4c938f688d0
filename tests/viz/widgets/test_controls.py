"""The widgets around the pictures: controls change them, mistakes are shown, nothing dies."""

import io

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from indexnet_edu.records import weights
from indexnet_edu.viz.widgets import (
    FamilyCalculator,
    IndexFunctionExplorer,
    IndexMapExplorer,
    NormalisationLab,
    TrimapPainter,
    UpsamplerMicroscope,
    index_map_explorer,
    one_level,
    own_picture,
    upsampler_microscope,
)

WIDGETS = [
    IndexFunctionExplorer,
    NormalisationLab,
    IndexMapExplorer,
    UpsamplerMicroscope,
    FamilyCalculator,
    TrimapPainter,
]
# Those whose keys the browser tests try in JupyterLab's command mode.
SAFE = (
    ipywidgets.Dropdown,
    ipywidgets.SelectionSlider,
    ipywidgets.IntSlider,
    ipywidgets.ToggleButtons,
    ipywidgets.BoundedIntText,
)


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(params=WIDGETS, ids=lambda w: w.__name__)
def widget(request):
    return request.param()


def values(control):
    """Another value than the present one."""
    if hasattr(control, "options"):
        options = [o[1] if isinstance(o, tuple) else o for o in control.options]
        return [o for o in options if o != control.value]
    return [v for v in (control.min, control.value + 1) if v != control.value]


def test_every_control_is_labelled_and_safe_for_the_keyboard(widget):
    for control in widget.controls.values():
        assert isinstance(control, SAFE)
        assert control.description


def test_every_control_changes_the_picture(widget):
    for name, control in widget.controls.items():
        others = values(control)
        before, start = widget.picture.value, control.value
        assert any(
            [setattr(control, "value", other), widget.picture.value != before][1]
            for other in others[-3:]
        ), name
        control.value = start


def test_the_picture_is_the_rendered_state(widget):
    assert widget.picture.value == widget.render(widget.state(), widget.uid)


def test_two_of_a_kind_do_not_share_their_classes():
    assert IndexFunctionExplorer().uid != IndexFunctionExplorer().uid


def test_a_mistake_is_one_line_and_the_widget_lives_on(widget, monkeypatch):
    good = widget.picture.value
    right = type(widget).render

    def broken(state, uid="x"):
        raise RuntimeError("first line\nsecond <line>")

    monkeypatch.setattr(type(widget), "render", staticmethod(broken))
    widget.refresh()
    assert widget.picture.value.startswith(good)
    assert 'role="alert"' in widget.picture.value
    assert "first line second &lt;line&gt;" in widget.picture.value
    monkeypatch.setattr(type(widget), "render", staticmethod(right))
    widget.refresh()
    assert widget.picture.value == good


def test_it_is_displayed_as_one_box_that_keeps_its_keys(widget, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    widget._ipython_display_()
    box, keys = shown
    assert box is widget.box
    assert "data-lm-suppress-shortcuts" in keys.data  # what it does, the browser tests show
    assert widget.picture in widget.box.children


@pytest.mark.parametrize("kind", WIDGETS, ids=lambda w: w.__name__)
def test_the_static_twin_is_html(kind, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    kind.static()
    assert len(shown) == 1
    assert shown[0].data.startswith("<figure")
    assert "<script" not in shown[0].data


def test_a_smaller_factor_takes_the_position_along():
    widget = IndexFunctionExplorer(k=4)
    widget.controls["row"].value = widget.controls["column"].value = 7
    widget.controls["k"].value = 2
    assert (widget.state().row, widget.state().column) == (3, 3)
    assert "alert" not in widget.picture.value


def test_a_smaller_stage_takes_the_channel_along():
    widget = IndexMapExplorer()
    widget.controls["stage"].value = 2
    widget.controls["channel"].value = 128
    widget.controls["stage"].value = 0
    assert widget.state().channel == 32
    widget.controls["family"].value = "holistic"
    assert widget.state().channel == 1
    assert "alert" not in widget.picture.value


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """An empty folder in place of the course's weights, and nothing kept of those."""
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    kept = (
        index_map_explorer._network,
        index_map_explorer._stage,
        one_level._trained,
        one_level.one_level,
        upsampler_microscope.pair_output,
    )
    for cache in kept:
        cache.cache_clear()
    yield tmp_path
    for cache in kept:
        cache.cache_clear()


def test_trained_weights_are_offered_only_where_they_are(sets):
    widget = IndexMapExplorer()
    assert tuple(widget.controls["weights"].options) == ("random",)
    (sets / "reconstruction_holistic-nonlinear_context").mkdir()
    widget.controls["family"].value = "holistic"
    assert tuple(widget.controls["weights"].options) == ("random", "trained")
    widget.controls["weights"].value = "trained"
    assert widget.picture.value.count('role="alert"') == 1  # not whole, and said so
    assert "lack record.json" in widget.picture.value
    widget.controls["family"].value = "m2o"
    assert tuple(widget.controls["weights"].options) == ("random",)
    assert "alert" not in widget.picture.value


def test_the_explorer_starts_with_what_has_been_trained():
    widget = IndexMapExplorer()
    assert widget.state().weights == "trained" and widget.state().picture.name == "ankle boot"
    widget.controls["mode"].value = "linear"
    assert widget.state().weights == "random"  # no others there
    assert "alert" not in widget.picture.value


def test_without_its_weights_the_microscope_has_the_pairs_that_need_none(sets):
    widget = UpsamplerMicroscope()
    assert "alert" not in widget.picture.value
    widget.controls["right"].value = "conv_carafe"
    assert widget.picture.value.count('role="alert"') == 1
    assert "there are no weights microscope" in widget.picture.value
    widget.controls["right"].value = "hmi"
    assert "alert" not in widget.picture.value


def test_a_preset_fills_the_stages_in_one_step():
    widget = FamilyCalculator()
    pictures = []
    widget.picture.observe(lambda change: pictures.append(change["new"]), names="value")
    widget.preset.value = "denoising, Table 7"
    assert widget.state().channels == (64, 128, 256)
    assert len(pictures) == 1
    widget.stages[0].value = 0
    assert "alert" in widget.picture.value
    widget.stages[0].value = 16
    assert widget.state().channels == (16, 128, 256)
    assert "alert" not in widget.picture.value


def test_a_stroke_of_the_mouse_paints_and_is_taken_back():
    widget = TrimapPainter()
    before = widget.trimap.copy()
    widget.controls["inwards"].value = widget.controls["outwards"].value = 0
    widget.controls["brush"].value = "foreground"
    factor = 448 // 113
    at = [[factor * (100 + 0.5), 26 + factor * (60 + 0.5)]]  # page pixels; the image begins at 26
    widget.mouse.stroke = {"at": 1.0, "points": at}
    assert (widget.trimap[59:62, 99:102] == 255).all() and widget.trimap[60, 110] == 0
    painted = widget.trimap.copy()
    widget.start_again()
    assert (widget.trimap[59:62, 99:102] == 0).all()
    widget.undo()
    assert (widget.trimap == painted).all()
    widget.undo()
    widget.undo()  # there is nothing more to undo
    widget.controls["inwards"].value, widget.controls["outwards"].value = 2, 3
    assert (widget.trimap == before).all()


def test_moving_by_key_paints_only_if_asked_to():
    widget = TrimapPainter(np.full((40, 60, 3), 90, np.uint8), name="grey")
    assert not widget.trimap.any()
    widget.controls["inwards"].value = widget.controls["outwards"].value = 0
    widget.controls["row"].value = 5
    assert not widget.trimap.any()
    widget.controls["keys"].value = "paint"
    widget.controls["column"].value += 1
    assert (widget.trimap == 128).sum() > 1 and not (widget.trimap == 255).any()
    assert "grey, 60×40" in widget.picture.value


@pytest.mark.parametrize("stroke", [{}, {"points": []}, {"points": [[1]]}, {"points": None}])
def test_a_broken_stroke_changes_nothing(stroke):
    widget = TrimapPainter()
    before = widget.picture.value
    widget.mouse.stroke = stroke
    assert widget.picture.value == before


def test_the_painter_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="uint8"):
        TrimapPainter(np.zeros((40, 60, 3)))
    with pytest.raises(ValueError, match="uint8"):
        TrimapPainter(np.zeros((40, 60, 3), np.uint8), np.zeros((40, 61), np.uint8))


def upload(widget, data):
    """As the browser sends it."""
    file = {"name": "a", "type": "image/png", "size": len(data), "last_modified": 0}
    widget.chooser.upload.set_state({"value": [file | {"content": memoryview(data)}]})


@pytest.mark.parametrize("kind", [IndexMapExplorer, UpsamplerMicroscope])
def test_ones_own_picture_is_taken_and_shown(kind):
    widget = kind()
    colours = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    upload(widget, png(Image.fromarray(colours)))
    assert widget.state().picture.name == "your picture"
    assert widget.state().picture.side == 48
    assert "made grey" in widget.chooser.message.value
    assert "alert" not in widget.picture.value
    upload(widget, png(Image.new("L", (200, 300), 9)))
    names = [name for name, _ in widget.controls["picture"].options]
    assert names.count("your picture") == 1
    assert widget.state().picture.side == 128
    assert "alert" not in widget.picture.value


@pytest.mark.parametrize("kind", [IndexMapExplorer, UpsamplerMicroscope])
@pytest.mark.parametrize(
    "data",
    [b"", b"no image", png(Image.new("L", (1, 1))), png(Image.new("L", (64, 64)))[:60]],
    ids=["empty", "no image", "1×1", "cut short"],
)
def test_a_bad_file_is_refused_in_one_line_and_the_widget_lives_on(kind, data):
    widget = kind()
    before = widget.picture.value
    upload(widget, data)
    assert 'role="alert"' in widget.chooser.message.value
    assert widget.chooser.message.value.count("<p") == 1
    assert widget.picture.value == before
    upload(widget, png(Image.new("L", (64, 64), 200)))
    assert widget.state().picture.name == "your picture"
    assert "alert" not in widget.chooser.message.value + widget.picture.value


def test_a_picture_is_the_middle_square():
    strip = np.zeros((32, 96), np.uint8)
    strip[:, 32:64] = 255
    picture = own_picture(png(Image.fromarray(strip)))
    assert picture.side == 32 and (picture.pixels == 1).all()
    assert hash(picture) == hash(own_picture(png(Image.fromarray(strip))))
