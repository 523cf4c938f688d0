"""What notebook 07 trains, counts and shows."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from indexnet_edu.engine import TaskData
from indexnet_edu.errors import UserError
from indexnet_edu.indexing import IndexGuide
from indexnet_edu.lessons.denoising import lesson
from indexnet_edu.tasks.denoising import DENOISING
from indexnet_edu.tasks.denoising.classics import CLASSICS
from indexnet_edu.tasks.denoising.data import NoisyImages
from indexnet_edu.tasks.denoising.recipe import DenoisingRecipe


def test_the_live_rows_are_rows_of_the_table():
    assert set(lesson.LIVE) <= set(DENOISING.variants)


def test_numbers_a_pixel_are_those_of_the_layout():
    # Three halvings: of 256 channels a 64th part a pixel; maxima of 64, 128, 256 channels at a
    # quarter, a sixteenth, a 64th of the pixels; index maps at four times as many.
    assert lesson.numbers_a_pixel("dncnn_segnet", 1.0) == (4, 16 + 8 + 4)
    assert lesson.numbers_a_pixel("m2o-linear", 1.0) == (4, 64 + 32 + 16)
    assert lesson.numbers_a_pixel("dncnn_max_carafe", 0.25) == (1, 0)


def test_costs_have_every_currency_and_more_channels_cost_more():
    rows = ("dncnn", "dncnn_segnet")
    narrow, wide = lesson.costs_of(rows, 0.125), lesson.costs_of(rows, 0.5)
    assert list(narrow) == list(lesson.COSTS)
    macs, _, memory = lesson.COSTS
    for row in rows:
        assert 0 < narrow[macs][row] < wide[macs][row]
        assert 0 < narrow[memory][row] < wide[memory][row]


def test_a_picture_by_all_hands_and_what_each_is_worth():
    generator = torch.Generator().manual_seed(0)
    image = (torch.rand(24, 32, generator=generator) * 255).byte().numpy()
    split = NoisyImages.of([image], 25)
    data = TaskData("some", "c", split, {"a": split})
    images, psnr = lesson.denoised({"identity": nn.Identity()}, data, DenoisingRecipe(sigma=25))
    assert list(images) == ["clean", *CLASSICS, "identity"] and list(psnr) == list(images)[1:]
    assert torch.equal(images["identity"], images["noisy_input"])
    assert psnr["identity"] == pytest.approx(20.2, abs=1.5)
    assert all(0 <= each.min() and each.max() <= 1 for each in images.values())


def test_the_liveliest_channels_vary_most():
    index_map = torch.full((1, 3, 4, 4), 0.5)
    index_map[0, 1, ::2] = 0.9
    index_map[0, 2, ::2] = 0.6
    guide = IndexGuide(index_map, index_map)
    first, second = (lesson.liveliest([guide], place)[0] for place in (0, 1))
    assert torch.equal(first, index_map[0, 1]) and torch.equal(second, index_map[0, 2])
    with pytest.raises(ValueError, match="blind"):
        lesson.liveliest([None])


def test_the_sample_is_noisy_and_ones_own_is_left_alone(tmp_path: Path):
    from PIL import Image

    sample, note = lesson.noisy_photograph(None, 25, seed=0)
    again, _ = lesson.noisy_photograph(None, 25, seed=0)
    assert sample.shape == (512, 512, 3) and "σ = 25" in note and np.array_equal(sample, again)
    own = np.arange(32 * 20, dtype=np.uint8).reshape(32, 20)
    Image.fromarray(own).save(tmp_path / "own.png")
    read, note = lesson.noisy_photograph(tmp_path / "own.png", 25, seed=0)
    assert np.allclose(read * 255, own) and note == "own.png"
    with pytest.raises(UserError, match="nothing.png cannot be read .* beside this notebook"):
        lesson.noisy_photograph(tmp_path / "nothing.png", 25, seed=0)


def test_psnr_of_the_picture_is_its_definition():
    clean = np.full((16, 16), 128, np.uint8)
    split = NoisyImages.of([clean], 50)
    data = TaskData("some", "c", split, {"a": split})
    images, psnr = lesson.denoised({}, data, DenoisingRecipe(sigma=50))
    error = (images["noisy_input"] - images["clean"]).square().mean().item()
    assert psnr["noisy_input"] == pytest.approx(-10 * math.log10(error))
