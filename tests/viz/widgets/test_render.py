"""Every widget's render: pure, well-formed, its classes its own, its numbers independently
right."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from indexnet_edu.complexity import family_cost
from indexnet_edu.errors import UserError
from indexnet_edu.indexing import FAMILIES, MODES, NORMALISATIONS
from indexnet_edu.records import weights
from indexnet_edu.records.paper import paper_table
from indexnet_edu.records.weights import save_set
from indexnet_edu.resampling import create_resampler, list_resamplers
from indexnet_edu.tasks.reconstruction.model import ReconstructionNet
from indexnet_edu.viz.figures import psnr
from indexnet_edu.viz.widgets import (
    CalculatorState,
    ExplorerState,
    FamilyCalculator,
    IndexFunctionExplorer,
    IndexMapExplorer,
    LabState,
    MapState,
    MicroscopeState,
    NormalisationLab,
    Picture,
    TrimapPainter,
    UpsamplerMicroscope,
    family_calculator,
    index_map_explorer,
    sample_picture,
    trained_weights,
)
from indexnet_edu.viz.widgets.index_function_explorer import FACTORS, OPERATORS, example, taps
from indexnet_edu.viz.widgets.index_map_explorer import index_map
from indexnet_edu.viz.widgets.normalisation_lab import (
    TEMPERATURES,
    encoder_bounds,
    outcome,
)
from indexnet_edu.viz.widgets.one_level import LEARNED, PAIRS, one_level, training_record
from indexnet_edu.viz.widgets.trimap_painter import painted_along, sample_state
from indexnet_edu.viz.widgets.upsampler_microscope import edge_window, pair_output

SVG = "{http://www.w3.org/2000/svg}"
torch.manual_seed(0)
SMALL = Picture.of("small", torch.rand(32, 32).numpy())

RENDERS = {
    "explorer": (IndexFunctionExplorer.render, ExplorerState()),
    "explorer, static": (IndexFunctionExplorer.render_static, ExplorerState("deconv", 3)),
    "lab": (NormalisationLab.render, LabState()),
    "lab, static": (NormalisationLab.render_static, LabState()),
    "maps": (IndexMapExplorer.render, MapState(SMALL)),
    "microscope": (UpsamplerMicroscope.render, MicroscopeState(SMALL, PAIRS[:4], 3, 5)),
    "calculator": (FamilyCalculator.render, CalculatorState()),
    "painter": (TrimapPainter.render, sample_state()),
}


def parse(html: str) -> ET.Element:
    """As XML, which is stricter than HTML: void elements and bare attributes are closed first."""
    html = re.sub(r"(<input\b[^>]*?)( checked)?>", r"\1/>", html)
    return ET.fromstring(html)


@pytest.mark.parametrize("name", RENDERS)
def test_render_is_pure_and_well_formed(name):
    render, state = RENDERS[name]
    first = render(state, "ixa")
    assert first == render(state, "ixa")
    assert first.replace("ixa", "ixb") == render(state, "ixb")
    root = parse(first)
    assert root.get("class") == "ixa"
    for svg in root.iter(f"{SVG}svg"):
        assert svg.get("role") == "img" and svg.get("aria-label")


@pytest.mark.parametrize("name", RENDERS)
def test_style_rules_reach_nothing_outside(name):
    render, state = RENDERS[name]
    for style in parse(render(state, "ixa")).iter("style"):
        for rule in re.findall(r"([^{}]+)\{", style.text):
            for selector in re.split(r",(?![^(]*\))", rule):
                assert selector.strip().startswith(".ixa"), selector


@pytest.mark.parametrize("name", RENDERS)
def test_colours_follow_the_theme(name):
    render, state = RENDERS[name]
    html = re.sub(r'href="data:[^"]*"', "", render(state, "ixa"))
    assert not re.search(r'(fill|stroke|color)[=:]"?(black|#000000|#000\b)', html)


@pytest.mark.parametrize("name", RENDERS)
def test_images_are_shown_pixel_by_pixel(name):
    render, state = RENDERS[name]
    images = list(parse(render(state, "ixa")).iter(f"{SVG}image"))
    assert bool(images) == (name in ("maps", "microscope", "painter"))
    assert all("pixelated" in image.get("style") for image in images)


# --- index function explorer -------------------------------------------------------------------


def reference(operator: str, k: int) -> torch.Tensor:
    """The output by PyTorch's own operators."""
    ex = example(operator, k)
    if operator == "max_unpool":
        _, indices = F.max_pool2d(ex.encoder, k, return_indices=True)
        return F.max_unpool2d(ex.d, indices, k)
    if operator == "pixel_shuffle":
        return F.pixel_shuffle(ex.d, k)
    if operator == "deconv":
        padding = (ex.kernel.shape[-1] - k) // 2
        return F.conv_transpose2d(ex.d, ex.kernel, stride=k, padding=padding)
    return F.interpolate(ex.d, scale_factor=k, mode=operator)


@pytest.mark.parametrize(("operator", "k"), list(product(OPERATORS, FACTORS)))
def test_explorer_shows_pytorchs_output(operator, k):
    ex = example(operator, k)
    assert ex.output.shape == (1, 1, 2 * k, 2 * k)
    assert torch.allclose(ex.output, reference(operator, k), atol=1e-6)


@pytest.mark.parametrize(("operator", "k"), list(product(OPERATORS, FACTORS)))
def test_explorer_explains_every_position(operator, k):
    ex, size = example(operator, k), 2 * k
    wanted = reference(operator, k)[0, 0]
    for row, column in product(range(size), repeat=2):
        html = IndexFunctionExplorer.render(ExplorerState(operator, k, row, column), "ixa")
        label = next(parse(html).iter(f"{SVG}svg")).get("aria-label").replace("−", "-")
        found = re.search(rf"y\[{row}, {column}\] = (.*) = (-?[\d.]+)$", label)
        assert float(found[2]) == pytest.approx(wanted[row, column].item(), abs=6e-5)
        terms = re.findall(r"(-?[\d.]+) · (-?[\d.]+)", found[1])
        total = sum(float(w) * float(x) for w, x in terms)
        assert total == pytest.approx(wanted[row, column].item(), abs=4e-3)
        assert len(terms) == len(taps(ex)[row * size + column])
        assert f".ixa-e{row * size + column}{{display:inline}}" in html


def test_explorer_static_has_a_named_button_for_every_output():
    html = IndexFunctionExplorer.render_static(ExplorerState("bilinear", 2, 1, 2), "ixa")
    root = parse(html)
    buttons = list(root.iter("input"))
    assert len(buttons) == 16 and {b.get("name") for b in buttons} == {"ixa"}
    assert html.count(" checked") == 1
    assert all(b.get("aria-label").startswith("y[") for b in buttons)
    assert all(b.get("data-lm-suppress-shortcuts") == "true" for b in buttons)


@pytest.mark.parametrize(
    "state",
    [ExplorerState("bicubic"), ExplorerState(row=4), ExplorerState(column=-1)],
)
def test_explorer_refuses_what_does_not_exist(state):
    with pytest.raises(ValueError):
        IndexFunctionExplorer.render(state)


# --- normalisation lab -------------------------------------------------------------------------


def softmax(values):
    exps = np.exp(np.asarray(values) - max(values))
    return exps / exps.sum()


def sigmoid(values):
    return 1 / (1 + np.exp(-np.asarray(values)))


@pytest.mark.parametrize(("name", "t"), list(product(NORMALISATIONS, TEMPERATURES)))
def test_lab_agrees_with_numpy(name, t):
    state = LabState(normalisation=name, temperature=t)
    z, x = np.array(state.logits), np.array(state.features)
    encoder, decoder = {
        "sigmoid": lambda: (sigmoid(z), sigmoid(z)),
        "softmax": lambda: (softmax(z / t), softmax(z / t)),
        "softmax+sigmoid": lambda: (sigmoid(softmax(z / t)), softmax(z / t)),
        "sigmoid+softmax": lambda: (softmax(sigmoid(z) / t), sigmoid(z)),
    }[name]()
    result = outcome(state)
    assert result.encoder == pytest.approx(encoder)
    assert result.decoder == pytest.approx(decoder)
    assert result.pooled == pytest.approx(float(encoder @ x))
    assert result.upsampled == pytest.approx(float(encoder @ x) * decoder)
    shares = [p for p in encoder / encoder.sum() if p > 0]
    assert result.entropy == pytest.approx(-sum(p * math.log2(p) for p in shares), abs=1e-9)

    html = NormalisationLab.render(state)
    low, high = encoder_bounds(name, t)
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in encoder)
    for number in (*encoder, *decoder, result.pooled, result.entropy, low, high):
        assert f"{number + 0.0:.3f}" in html


def test_lab_draws_the_bounds_where_they_are():
    assert encoder_bounds("sigmoid+softmax", 1.0) == pytest.approx((0.109, 0.475), abs=5e-4)
    for name in NORMALISATIONS:
        low, high = encoder_bounds(name, 1.0)
        extreme = outcome(LabState((60, -60, -60, -60), normalisation=name)).encoder
        assert max(extreme) == pytest.approx(high, abs=1e-3)
    with pytest.raises(ValueError):
        encoder_bounds("none", 1.0)


def test_lab_static_has_every_temperature():
    root = parse(NormalisationLab.render_static(LabState(), "ixa"))
    assert len(list(root.iter("input"))) == len(TEMPERATURES)
    for n, t in enumerate(TEMPERATURES):
        picture = next(e for e in root.iter("div") if e.get("class") == f"ixa-p ixa-p{n}")
        assert f"{outcome(LabState(temperature=t)).pooled:.3f}" in ET.tostring(picture, "unicode")


# --- index map explorer ------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_maps_of_every_mode_stage_side_and_channel(family):
    for mode in MODES:
        for k, width in enumerate((32, 64, 128)):
            channels = 1 if family == "holistic" else width
            for side in ("encoder", "decoder"):
                maps = index_map(MapState(SMALL, family, mode, k, side=side))
                assert maps.shape == (channels, 32 >> k, 32 >> k)
                for channel in (0, channels):
                    html = IndexMapExplorer.render(MapState(SMALL, family, mode, k, channel, side))
                    drawn = maps.mean(0) if channel == 0 else maps[channel - 1]
                    assert f"{drawn.min():.3f} to {drawn.max():.3f}" in html


def test_encoder_maps_keep_their_bounds_and_sum_to_one():
    encoder = index_map(MapState(SMALL, "m2o", "linear"))
    low, high = encoder_bounds("sigmoid+softmax", 1.0)
    assert low <= encoder.min() and encoder.max() <= high
    sums = F.avg_pool2d(torch.from_numpy(encoder)[None], 2) * 4
    assert torch.allclose(sums, torch.ones_like(sums), atol=1e-5)


def test_looking_leaves_the_random_generator_alone():
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    index_map_explorer._stage.cache_clear()
    index_map_explorer._network.cache_clear()
    index_map(MapState(SMALL, "holistic", "linear"))
    pair_output.cache_clear()
    one_level.cache_clear()
    pair_output(SMALL, "m2o")
    assert torch.equal(torch.rand(1), wanted)


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """An empty folder in place of the course's weights."""
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    forget = (index_map_explorer._network, index_map_explorer._stage)
    for kept in forget:
        kept.cache_clear()
    yield tmp_path
    for kept in forget:
        kept.cache_clear()


def test_trained_maps_are_those_of_the_whole_float32_network(sets):
    torch.manual_seed(0)
    network = ReconstructionNet(create_resampler("indexnet", family="holistic"))
    network(torch.rand(4, 1, 32, 32))  # its own statistics
    keys = ("down.", "encoder.")
    half = {k: v for k, v in network.state_dict().items() if k.startswith(keys)}
    record = {"recipe": {"epochs": 3}, "metrics": {"psnr": 20.0}, "data": {"name": "pictures"}}
    state = MapState(SMALL, "holistic", weights="trained")
    assert trained_weights("holistic") is None
    with pytest.raises(UserError, match="no trained weights"):
        IndexMapExplorer.render(state)

    save_set(sets / "reconstruction_holistic-nonlinear_context", {"all": half}, record)
    assert trained_weights("holistic")
    html = IndexMapExplorer.render(state)
    assert "trained weights" in html and "3 epochs" in html and "20.0 dB" in html
    x = torch.from_numpy(SMALL.pixels.copy())[None, None]
    network.eval()
    for k in range(3):
        with torch.no_grad():
            x, guide = network.down(network.encoder[k](x), k)
        for side, wanted in (("encoder", guide.encoder), ("decoder", guide.decoder)):
            maps = index_map(replace(state, stage=k, side=side))
            assert maps == pytest.approx(wanted[0].numpy(), abs=5e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_course_has_trained_maps_of_every_family(family):
    boot = sample_picture("ankle boot")
    for side in ("encoder", "decoder"):
        trained = index_map(MapState(boot, family, side=side, weights="trained"))
        random = index_map(MapState(boot, family, side=side))
        assert trained.shape == random.shape
        assert np.abs(trained - random).max() > 0.02


@pytest.mark.parametrize(
    "state", [MapState(SMALL, stage=3), MapState(SMALL, channel=33), MapState(SMALL, "hin")]
)
def test_maps_refuse_what_does_not_exist(state):
    with pytest.raises(ValueError):
        IndexMapExplorer.render(state)


# --- upsampler microscope ----------------------------------------------------------------------


def by_hand(name: str, x: torch.Tensor) -> torch.Tensor:
    if name == "avgpool_nearest":
        return F.interpolate(F.avg_pool2d(x, 2), scale_factor=2)
    if name == "maxpool_bilinear":
        return F.interpolate(F.max_pool2d(x, 2), scale_factor=2, mode="bilinear")
    if name == "s2d_d2s":
        return x
    if name in LEARNED:
        return one_level(name)(x).detach()
    y, positions = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y, positions, 2)


@pytest.mark.parametrize("name", PAIRS)
def test_microscope_shows_the_pair_and_its_psnr(name):
    wanted = by_hand(name, torch.from_numpy(SMALL.pixels.copy())[None, None])[0, 0]
    assert pair_output(SMALL, name) == pytest.approx(wanted.numpy(), abs=1e-6)
    html = UpsamplerMicroscope.render(MicroscopeState(SMALL, (name,), 4, 6))
    quality = psnr(wanted, SMALL.pixels)
    assert ("exact" if math.isinf(quality) else f"PSNR {quality:.2f} dB") in html


def test_the_microscopes_pairs_are_all_there_are():
    assert {"holistic", "m2o"} | set(list_resamplers()) == {*PAIRS, "indexnet"}


@pytest.mark.parametrize("name", PAIRS)
def test_microscope_says_what_is_trained_and_what_crosses(name):
    html = UpsamplerMicroscope.render(MicroscopeState(SMALL, (name,)))
    count = sum(p.numel() for p in one_level(name).parameters())
    assert (f"{count:,} trained weights" if name in LEARNED else "no weights<") in html
    crossing = {"hmi": "1 value and its place", "maxpool_maxunpool": "1 value and its place"}
    crossing |= {"m2o": "1 value and 4 indices", "holistic": "1 value and 4 indices"}
    crossing |= {"s2d_d2s": "4 values"}
    assert f"up from {crossing.get(name, '1 value')} a region" in html
    quality = training_record()["metrics"]["psnr"][name]
    if name in LEARNED:
        assert f"{quality:.2f} dB)" in html and "seed 0" in html
    assert ("brightest pixel comes back too dark" in html) == (name in ("m2o", "holistic"))


@pytest.mark.parametrize("name", ["m2o", "holistic"])
def test_an_index_network_alone_darkens_the_brightest_pixel(name):
    x = sample_picture("coins").pixels
    y = pair_output(sample_picture("coins"), name)
    brightest = F.max_pool2d(torch.from_numpy(x.copy())[None], 2)
    assert (F.max_pool2d(torch.from_numpy(y)[None], 2) < brightest).all()


@pytest.mark.parametrize("name", LEARNED)
def test_every_trained_pair_beats_bilinear_after_max_pooling(name):
    """On photographs that nobody trained on."""
    photographs = [sample_picture(other) for other in ("camera", "coins", "astronaut")]
    for other in photographs:
        assert psnr(pair_output(other, name), other.pixels) > 20
    quality = training_record()["metrics"]["psnr"]
    assert quality[name] > quality["maxpool_bilinear"]


def test_microscope_starts_on_an_edge():
    image = np.zeros((64, 64), np.float32)
    image[40:, :] = 1
    row, column = edge_window(Picture.of("edge", image))
    assert row <= 39 < row + 16


@pytest.mark.parametrize(
    "state",
    [
        MicroscopeState(SMALL, row=17),
        MicroscopeState(SMALL, column=-1),
        MicroscopeState(SMALL, ()),
        MicroscopeState(SMALL, ("bicubic",)),
    ],
)
def test_microscope_refuses_what_it_cannot_honestly_show(state):
    with pytest.raises(ValueError):
        UpsamplerMicroscope.render(state)


# --- family calculator -------------------------------------------------------------------------

PRESETS = family_calculator.PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_calculator_shows_the_packages_count_and_the_papers_row(preset):
    table, channels, size = PRESETS[preset]
    for family in ("holistic", "o2o_modelwise"):
        html = FamilyCalculator.render(CalculatorState(channels, size, family, "linear"))
        cost = family_cost(channels, size, family, "linear")
        cells = [cell.text for cell in parse(html).iter("td")]
        assert f"{cost.cost.parameters:,}" in cells
        assert len(cells) == 4 * (len(channels) + 1)
        if table is None:
            assert "no row" in html
            continue
        row = next(
            r for r in paper_table(table) if (r.get("family"), r.get("mode")) == (family, "linear")
        )
        assert row["extra_params_text"] in html and f"{row['gflops']:.2f}" in html


def test_calculator_counts_parameters_as_the_formula_says():
    # Sec. 4.3.2: M2O linear adds 4k²C² a stage, k = 2.
    html = FamilyCalculator.render(CalculatorState((8, 16), 32, "m2o", "linear"))
    cells = [cell.text for cell in parse(html).iter("td")]
    assert cells[0::4] == [f"{16 * 64:,}", f"{16 * 256:,}", f"{16 * 320:,}"]


@pytest.mark.parametrize("preset", PRESETS)
def test_all_families_stand_in_one_table_beside_the_papers_figures(preset):
    table, channels, size = PRESETS[preset]
    root = parse(FamilyCalculator.render(CalculatorState(channels, size, "all", "linear")))
    lines = list(root.iter("tbody"))[0]
    assert len(lines) == len(FAMILIES)
    for family, line in zip(FAMILIES, lines, strict=True):
        ours, paper = [cell.text for cell in line.iter("td")][4:6], [c.text for c in line][6:]
        assert line[1].text == f"{family_cost(channels, size, family, 'linear').cost.parameters:,}"
        if table is None:
            assert paper == ["–", "–"]
            continue
        rows = paper_table(table)
        row = next(r for r in rows if (r.get("family"), r.get("mode")) == (family, "linear"))
        assert paper[0] == row["extra_params_text"]
        assert float(paper[1]) == pytest.approx(float(ours[0]), abs=0.02)


@pytest.mark.parametrize(
    "state", [CalculatorState(()), CalculatorState((8, 0, 8)), CalculatorState((8,) * 5, 16)]
)
def test_calculator_refuses_impossible_encoders(state):
    with pytest.raises(ValueError):
        FamilyCalculator.render(state)


def test_samples_are_squares_that_three_halvings_divide():
    for name in ("camera", "astronaut", "coins", "ankle boot"):
        picture = sample_picture(name)
        assert picture.pixels.shape == (picture.side, picture.side) and picture.side % 8 == 0


# --- trimap painter ------------------------------------------------------------------------------


def painted(state, points):
    return np.frombuffer(painted_along(state, points), np.uint8).reshape(state.size)


def test_a_brush_is_a_disc_of_its_radius():
    blank = replace(sample_state(), painted=bytes(75 * 113), radius=4)
    rows, columns = np.mgrid[:75, :113]
    distance = np.hypot(rows - 30, columns - 50)
    disc = painted(blank, [(50, 30)]) == 128
    assert disc[distance <= 3.5].all() and not disc[distance > 5].any()


def test_a_stroke_joins_its_points_and_ends_at_the_edge():
    blank = replace(sample_state(), painted=bytes(75 * 113), radius=1, brush="foreground")
    line = painted(blank, [(-30, 10), (200, 10)])
    assert (line[9:12] == 255).all() and not line[13:].any()


@pytest.mark.parametrize("view", ["both", "trimap", "photograph"])
def test_the_painter_says_what_it_shows(view):
    state = replace(sample_state(), view=view, row=3, column=7)
    html = TrimapPainter.render(state)
    shares = {v: (state.trimap == v).mean() for v in (0, 128, 255)}
    assert f"background {shares[0]:.0%}, unknown {shares[128]:.0%}" in html
    assert "brush at row 3, column 7" in html and "cat, 113×75" in html
