"""The figures: axes named, images magnified by whole factors, no text cut or overlapping."""

import io
from itertools import combinations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from indexnet_edu.viz.figures import (
    ENCODER_BOUNDS,
    error_maps,
    index_maps,
    operator_comparison,
    psnr,
    psnr_bars,
    reconstruction_grid,
    training_curves,
)
from indexnet_edu.viz.figures.canvas import DPI, to_image, wrap
from indexnet_edu.viz.figures.operators import mosaic
from indexnet_edu.viz.palette import colour

CLASSES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker",
           "bag", "ankle boot")  # fmt: skip
VARIANTS = ("avgpool_nearest", "s2d_d2s", "indexed_o2o_modelwise", "indexed_m2o")
torch.manual_seed(0)
IMAGES = torch.rand(10, 1, 32, 32)
BATCHES = {"input": IMAGES} | {v: (IMAGES + 0.1 * i).clamp(0, 1) for i, v in enumerate(VARIANTS)}
PSNRS = {v: 25.0 + 5 * i for i, v in enumerate(VARIANTS)}


def curve(start: float) -> list[dict]:
    return [{"step": s, "epoch": 0, "loss": start / s, "lr": 0.01} for s in range(1, 60)]


FIGURES = {
    "reconstruction": lambda: reconstruction_grid(BATCHES, CLASSES, notes={"indexed_m2o": "40 dB"}),
    "one image": lambda: reconstruction_grid({n: b[:1] for n, b in BATCHES.items()}),
    "errors": lambda: error_maps(BATCHES, CLASSES),
    "one error": lambda: error_maps({"input": IMAGES[:1], "s2d_d2s": IMAGES[1:2]}),
    "bars": lambda: psnr_bars(
        PSNRS, {"s2d_d2s": 28.9, "avgpool_nearest": None}, spread={"s2d_d2s": 0.4}, note="n = 3"
    ),
    "curves": lambda: training_curves(
        {v: curve(1 + i / 50) for i, v in enumerate(VARIANTS)}, smooth=5, note="embedded data"
    ),
    "one curve": lambda: training_curves({"m2o": curve(1.0)}, log=False),
    "operators": lambda: operator_comparison(
        IMAGES[0],
        {
            "avgpool_nearest": (IMAGES[0, :, ::2, ::2], IMAGES[1]),
            "s2d_d2s": (torch.nn.functional.pixel_unshuffle(IMAGES[0], 2), IMAGES[0]),
        },
    ),
    "index maps": lambda: index_maps(
        {
            "HIN": [IMAGES[0], IMAGES[0, :, :16, :16]],
            "M2O": [IMAGES[:8, 0], IMAGES[:8, 0, :16, :16]],
        },
        bounds=ENCODER_BOUNDS,
    ),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    drawn = FIGURES[request.param]()
    FigureCanvasAgg(drawn).draw()
    return drawn


def texts(figure):
    """All texts that are seen, with their boxes in pixels (an annotation's without its line)."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    unseen = set()  # labels of ticks beyond the axes' limits exist, but are not drawn
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    unseen |= {tick.label1, tick.label2}
    return [
        (text.get_text(), Text.get_window_extent(text, renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in unseen
    ]


def test_every_axis_is_named(figure):
    for axes in figure.axes:
        if axes.images:
            assert axes.get_label(), "an image says what it is"
        elif axes.get_label() == "colour bar":
            assert "(" in axes.get_ylabel()
        else:
            assert axes.get_xlabel() and axes.get_ylabel()
            assert "(" in axes.get_xlabel() or "(" in axes.get_ylabel(), "a unit"


def test_no_text_is_cut(figure):
    box = figure.bbox
    for content, extent in texts(figure):
        inside = extent.x0 >= -1 and extent.y0 >= -1 and extent.x1 <= box.x1 + 1
        assert inside and extent.y1 <= box.y1 + 1, content


def test_no_texts_overlap(figure):
    for (a, first), (b, second) in combinations(texts(figure), 2):
        overlap_x = min(first.x1, second.x1) - max(first.x0, second.x0)
        overlap_y = min(first.y1, second.y1) - max(first.y0, second.y0)
        # Boxes hold a little air; two that merely touch can be read.
        assert overlap_x <= 1.5 or overlap_y <= 3, (a, b)


def test_images_are_magnified_by_whole_factors_on_whole_pixels(figure):
    for axes in figure.axes:
        for image in axes.images:
            rows, columns = image.get_array().shape[:2]
            extent = axes.get_window_extent()
            factors = extent.height / rows, extent.width / columns
            assert factors[0] == pytest.approx(factors[1])
            assert factors[0] == pytest.approx(round(factors[0])) and round(factors[0]) >= 1
            for edge in (extent.x0, extent.y0):
                assert edge == pytest.approx(round(edge), abs=1e-6)
            assert image.get_interpolation() == "nearest"


def test_pyplot_knows_nothing_of_them(figure):
    assert not plt.get_fignums()


def test_pixels_in_the_file_are_the_images(tmp_path):
    image = torch.linspace(0, 1, 16).reshape(1, 1, 4, 4)
    figure = reconstruction_grid({"input": image}, factor=3)
    stream = io.BytesIO()
    figure.savefig(stream, dpi=2 * DPI)
    pixels = np.asarray(Image.open(stream).convert("L")).astype(float)
    box = figure.axes[0].get_window_extent()
    left, top = round(2 * box.x0), round(2 * (figure.bbox.height - box.y1))
    inside = pixels[top : top + 24, left : left + 24].reshape(4, 6, 4, 6)[:, 2:4, :, 2:4]
    wanted = (image[0, 0] * 255).numpy()[:, None, :, None]
    assert np.abs(inside - wanted).max() <= 1


def test_error_maps_share_one_range():
    figure = error_maps(BATCHES, CLASSES)
    limits = {axes.images[0].get_clim() for axes in figure.axes if axes.images}
    largest = max(float((b - IMAGES).abs().max()) for b in BATCHES.values())
    assert sorted(limits) == [(0.0, pytest.approx(largest)), (0.0, 1.0)]


def test_index_maps_have_the_fixed_range():
    figure = FIGURES["index maps"]()
    assert {axes.images[0].get_clim() for axes in figure.axes if axes.images} == {(0.0, 1.0)}


def test_bars_have_their_length_and_colour():
    axes = FIGURES["bars"]().axes[0]
    bars = [
        (bar.get_width(), matplotlib.colors.to_hex(bar.get_facecolor())) for bar in axes.patches
    ]
    assert bars == [(PSNRS[v], colour(v).lower()) for v in VARIANTS]


def test_curves_are_the_runs():
    class Run:
        curve = curve(1.0)

    line = training_curves({"m2o": Run()}).axes[0].lines[0]
    assert line.get_ydata() == pytest.approx([row["loss"] for row in Run.curve])


def test_no_tick_stands_at_half_a_step():
    rows = [{"step": step, "loss": 1 / step} for step in range(1, 6)]
    (axes,) = training_curves({"m2o": rows}).axes
    assert all(tick == round(tick) for tick in axes.get_xticks())


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("max pool – max unpool", ["max pool – max unpool"]),
        ("space-to-depth – depth-to-space", ["space-to-depth –", "depth-to-space"]),
        ("IndexNet, HIN\n9.7 dB", ["IndexNet, HIN", "9.7 dB"]),
    ],
)
def test_names_break_at_blanks_only(name, lines):
    assert wrap(name, 24).split("\n") == lines


def test_psnr_and_mosaic():
    assert psnr(torch.full((4, 4), 0.6), torch.full((4, 4), 0.5)) == pytest.approx(20)
    assert psnr(torch.ones(4, 4) * 2, torch.ones(4, 4)) == float("inf")
    x = torch.arange(64.0).reshape(1, 8, 8)
    low = torch.nn.functional.pixel_unshuffle(x, 2)
    assert (mosaic(low)[:4, 4:] == x[0, ::2, 1::2].numpy()).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: reconstruction_grid({}),
        lambda: reconstruction_grid({"input": IMAGES, "m2o": IMAGES[:2]}),
        lambda: reconstruction_grid({"input": IMAGES}, ["one name"]),
        lambda: error_maps({"input": IMAGES}),
        lambda: psnr_bars({}, {}),
        lambda: training_curves({}),
        lambda: training_curves({"m2o": []}),
        lambda: operator_comparison(IMAGES[0], {}),
        lambda: index_maps({}),
        lambda: index_maps({"a": [IMAGES[0]], "b": []}),
        lambda: index_maps({"a": [torch.zeros(2, 3, 4, 4)]}),
        lambda: to_image(torch.zeros(2, 4, 4)),
        lambda: mosaic(torch.zeros(3, 4, 4)),
    ],
)
def test_misuse_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()


def test_a_notebooks_own_style_does_not_reach_the_figures():
    with plt.style.context("dark_background"):
        figure = FIGURES["bars"]()
        assert matplotlib.rcParams["figure.facecolor"] == "black"
    assert matplotlib.colors.to_hex(figure.get_facecolor()) == "#ffffff"
    assert matplotlib.colors.to_hex(figure.axes[0].xaxis.label.get_color()) == "#000000"


def test_a_gallery_names_every_image_and_shows_errors_on_one_range():
    from indexnet_edu.viz.figures import gallery

    images = {"clean": torch.zeros(1, 1, 8, 12), "dncnn": torch.full((1, 1, 8, 12), 0.25)}
    images |= {"m2o-linear": torch.full((1, 1, 8, 12), 0.5)}
    shown = gallery(images, notes={"dncnn": "12 dB"}, columns=2, factor=10)
    labels = [axes.get_xlabel() for axes in shown.axes]
    assert labels[0] == "clean image" and labels[1].endswith("12 dB") and len(labels) == 3
    errors = gallery(images, errors_up_to=0.5, columns=2)
    off = [axes.images[0] for axes in errors.axes[:3]]
    assert [float(image.get_array().max()) for image in off] == [0, 0.25, 0.5]
    assert off[1].get_clim() == off[2].get_clim() == (0, 0.5)
    with pytest.raises(ValueError, match="one shape"):
        gallery({"a": torch.zeros(4, 4), "b": torch.zeros(4, 5)})
    with pytest.raises(ValueError, match="none"):
        gallery({})
