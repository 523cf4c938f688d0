"""What notebook 06 counts, shows and compares."""

import numpy as np
import pytest
import torch

from indexnet_edu.engine import TaskData
from indexnet_edu.errors import UserError
from indexnet_edu.lessons.matting import lesson
from indexnet_edu.tasks.matting import MATTING
from indexnet_edu.tasks.matting.recipe import MattingRecipe
from indexnet_edu.tasks.matting.sources import WholeCompositions, drawn_foregrounds
from indexnet_edu.viz.matting_network import u_network
from indexnet_edu.viz.palette import style
from tests.tasks.matting.networks import network

HIN = "holistic-nonlinear_context"


@pytest.fixture(scope="module")
def data() -> TaskData:
    foregrounds = drawn_foregrounds("test", 1, size=96)[:1]
    grey = np.full((96, 96, 3), 90, np.uint8)
    split = WholeCompositions(foregrounds, [grey])
    return TaskData("some", "c", split, {"drawn": split})


def test_every_row_has_a_title_of_its_own() -> None:
    titles = {name: style(name).title for name in MATTING.variants}
    assert not titles.keys() & set(titles.values())


def test_eight_hairs_are_one_feature_and_eight_guides() -> None:
    small, guides = lesson.halvings(lesson.LINES, 3)
    assert len(lesson.LINES.unique(dim=0)) == 8 and len(small.unique(dim=0)) == 1
    restored = small
    for positions in guides[::-1]:
        restored = torch.nn.functional.max_unpool2d(restored, positions, 2)
    # The maxima are put back where they were: into the column of their own hair.
    assert (restored.sum(dim=2)[:, 0] > 0).float().argmax(dim=1).tolist() == list(range(8, 16))


def test_halving_loses_more_each_time_and_a_flat_matte_nothing() -> None:
    matte = (torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    errors = [float((lesson.through_halvings(matte, n) - matte).abs().mean()) for n in range(4)]
    assert errors[0] == 0 and errors == sorted(errors)
    flat = torch.full((1, 1, 32, 32), 0.3)
    assert torch.allclose(lesson.through_halvings(flat, 3), flat)


def test_levels_are_those_of_fig_9() -> None:
    levels = lesson.levels_of(HIN)
    assert [level.size for level in levels] == [224, 112, 56, 28, 14, 7]
    assert [level.encoder for level in levels] == [(32,), (16, 24), (32,), (64,), (96, 160), (320,)]
    passed = [c for level in levels[::-1] for c in level.decoder]
    assert passed == [160, 96, 64, 32, 24, 16, 32, 32]  # Fig. 9, from ASPP on
    assert [level.guide for level in levels[:2]] == [(1, 224, 224), (1, 112, 112)]
    assert all(level.fused for level in levels[:5]) and levels[5].guide is None
    assert lesson.levels_of("b5")[0].guide == (32, 112, 112)  # positions of maxima
    blind = lesson.levels_of("b6")
    assert not any(level.guide or level.fused for level in blind)
    with pytest.raises(ValueError, match="strides of its own"):
        lesson.levels_of("b1")


def test_the_drawing_has_an_arrow_for_each_guide() -> None:
    guide = style("guide").colour
    assert u_network(lesson.levels_of(HIN)).count(f'stroke="{guide}"') == 5
    assert u_network(lesson.levels_of("b6")).count(f'stroke="{guide}"') == 0


def test_costs_are_those_of_the_papers_count() -> None:
    lines = lesson.cost_lines(["b5", "b11", "b5"]).splitlines()
    assert len(lines) == 3 and "2,520,939" in lines[1] and "3,753,259" in lines[2]


def test_the_window_holds_object_background_and_what_is_mixed() -> None:
    truth = np.zeros((90, 120))
    truth[:, 60:64], truth[:, 64:] = 0.5, 1.0
    rows, columns = lesson.window_of(truth, 32)
    assert rows.stop - rows.start == columns.stop - columns.start == 32
    assert columns.start < 60 and columns.stop > 64


def test_everybody_on_one_scene(data: TaskData) -> None:
    shown = lesson.scene(data, side=64)
    assert shown.x.shape == (1, 4, 64, 64)
    models = {"b6": network("b6", width=0.25).eval()}
    pictures, notes = lesson.by_all_hands(models, shown, classics=False)
    names = ["image", "trimap", "true alpha", "half", "nearest_colours", "b6"]
    assert list(pictures) == names and list(notes) == names[3:]
    assert all(picture.shape == (64, 64, 3) for picture in pictures.values())
    known = shown.trimap[shown.window] != 128
    for name in names[3:]:
        assert (pictures[name][known] == pictures["true alpha"][known]).all()
    yardsticks = lesson.yardsticks(data)
    assert f"{yardsticks['half']['drawn_sad']:.2f}" in notes["half"]


def test_an_unknown_hand_is_named_with_those_there_are(data: TaskData) -> None:
    shown = lesson.scene(data, side=64)
    with pytest.raises(UserError, match="choose one of half, nearest_colours"):
        lesson.matte_by("magic", {}, shown.image, shown.trimap)


def test_index_maps_of_five_stages_and_the_network_is_left_as_it_was(data: TaskData) -> None:
    recipe = MattingRecipe(width=0.25, pretrained="none")
    model = lesson.untrained(HIN, recipe, 0).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x = lesson.scene(data, side=64).x
    maps = lesson.index_maps_of(model, x)
    assert [tuple(each.shape) for each in maps] == [(1, n, n) for n in (64, 32, 16, 8, 4)]
    assert all(0 <= each.min() and each.max() <= 1 for each in maps)
    assert not model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    again = lesson.index_maps_of(lesson.untrained(HIN, recipe, 0), x)
    assert all(torch.equal(a, b) for a, b in zip(maps, again, strict=True))
    with pytest.raises(ValueError, match="no index maps"):
        lesson.index_maps_of(network("b6", width=0.25), x)
    with pytest.raises(ValueError, match="no index maps"):
        lesson.index_maps_of(network("b1", width=0.25), x)


def test_only_a_softmax_at_the_end_keeps_the_magnitude() -> None:
    grown = lesson.magnitudes()
    assert grown["softmax"] == pytest.approx(1, abs=1e-5)
    assert grown["sigmoid+softmax"] == pytest.approx(1, abs=1e-5)
    assert grown["sigmoid"] == pytest.approx(32, rel=0.05)  # four halves, five times
    assert 2**5 < grown["softmax+sigmoid"] < 4**5
