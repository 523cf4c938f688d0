"""A network, or a classical method, on an image of any size."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from indexnet_edu.errors import UserError
from indexnet_edu.tasks.matting.classics import CLASSICS, Matter, closed_form, half, knn
from indexnet_edu.tasks.matting.cutout import foreground_colour
from indexnet_edu.tasks.matting.predict import estimate_alpha
from tests.tasks.matting.networks import network


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Red before blue: image, trimap and alpha."""
    ramp = np.clip((np.arange(width) - width / 2) / 6 + 0.5, 0, 1)
    alpha = np.broadcast_to(ramp, (height, width))
    image = alpha[..., None] * [230, 20, 20] + (1 - alpha[..., None]) * [20, 20, 230]
    trimap = np.where((alpha > 0) & (alpha < 1), 128, 255 * alpha).astype(np.uint8)
    return np.round(image).astype(np.uint8), trimap, alpha


class Echo(nn.Module):
    """Alpha is the trimap; notes the sizes that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape))
        return self.scale * x[:, 3:]


@pytest.mark.parametrize("size, seen", [((64, 96), (64, 96)), ((33, 70), (64, 96))])
def test_sides_become_multiples_of_32_and_come_back(
    size: tuple[int, int], seen: tuple[int, int]
) -> None:
    image, trimap, _ = scene(*size)
    model = Echo()
    alpha = estimate_alpha(model, image, trimap)
    assert model.seen == [(1, 4, *seen)] and alpha.shape == size
    assert alpha[trimap == 0].max() == 0 and alpha[trimap == 255].min() == 1
    assert abs(alpha[trimap == 128] - 128 / 255).mean() < 0.1


def test_a_real_network() -> None:
    image, trimap, _ = scene(40, 50)
    alpha = estimate_alpha(network("m2o-linear", width=0.25).eval(), image, trimap)
    assert alpha.dtype == np.float32 and alpha.min() >= 0 and alpha.max() <= 1
    with pytest.raises(ValueError, match="do not fit"):
        estimate_alpha(Echo(), image, trimap[1:])


def test_padding_leaves_the_pixels_as_they_are() -> None:
    image, trimap, _ = scene(33, 70)
    model = Echo()
    alpha = estimate_alpha(model, image, trimap, fit="pad")
    assert model.seen == [(1, 4, 64, 96)]
    np.testing.assert_allclose(alpha[trimap == 128], 128 / 255, atol=1e-6)


def test_tiles_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    image, trimap, _ = scene(130, 150)
    trimap[40:90, 20:140] = 128
    model = nn.Conv2d(4, 1, 9, padding=4)  # sees four pixels around
    whole = estimate_alpha(model, image, trimap, fit="pad")
    monkeypatch.setattr("indexnet_edu.tasks.matting.predict.LARGEST", 64 * 64)
    monkeypatch.setattr("indexnet_edu.tasks.matting.predict.MARGIN", 8)
    np.testing.assert_allclose(estimate_alpha(model, image, trimap, fit="pad"), whole, atol=1e-5)
    monkeypatch.setattr("indexnet_edu.tasks.matting.predict.MARGIN", 0)
    assert np.abs(estimate_alpha(model, image, trimap, fit="pad") - whole).max() > 1e-3


@given(st.integers(0, 10**6))
def test_a_cut_outs_colours_compose_the_photograph_again(seed: int) -> None:
    """Where a foreground of one colour lies before a background of one, both are found."""
    rng = np.random.default_rng(seed)
    front, back = rng.random(3), rng.random(3)
    alpha = np.clip((np.arange(60) - 20) / 20, 0, 1)[None].repeat(50, axis=0)
    image = alpha[..., None] * front + (1 - alpha[..., None]) * back
    found = foreground_colour(image, alpha)
    visible = alpha > 0.2
    error, before = (np.abs(each[visible] - front).max() for each in (found, image))
    assert error < 0.25 * before + 1e-3


def test_the_command(cli: Callable, tmp_path: Path) -> None:
    """Trained, asked about a photograph: 16 bits of alpha, a cut-out, what is known kept."""
    tiny = ("train_images=1", "per_foreground=2", "width=0.0625", "test_images=1", "batch_size=2")
    settings = [f"--set={setting}" for setting in tiny]
    folder = tmp_path / "run"
    trained = cli(
        "train", "matting", "m2o-linear", "--profile", "smoke", *settings, "--out", folder
    )
    assert trained.returncode == 0, trained.stderr
    assert "drawn_sad" in trained.stdout
    image, trimap, _ = scene(50, 71)
    mask = np.where(trimap > 0, 255, 0).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "photo.jpg")
    for name, content in (("trimap", trimap), ("mask", mask), ("small", trimap[:40])):
        Image.fromarray(content).save(tmp_path / f"{name}.png")
    asked = ("predict", tmp_path / "run", tmp_path / "photo.jpg", "--out", tmp_path / "out")
    done = cli(*asked, "--trimap", tmp_path / "trimap.png", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["images"]
    alpha, cut = (Image.open(path) for path in row["results"])
    assert alpha.mode == "I;16" and cut.mode == "RGBA" and alpha.size == cut.size == (71, 50)
    levels = np.asarray(alpha)
    assert (levels[trimap == 0] == 0).all() and (levels[trimap == 255] == 65535).all()
    for extra, words in (
        (["--trimap", tmp_path / "mask.png"], "trimap: has no unknown pixels, it is a mask: paint"),
        (["--trimap", tmp_path / "small.png"], "trimap is 71×40, its image 71×50: make both"),
        ([], "needs a trimap for each image"),
        (["--guide", tmp_path / "trimap.png"], "no input --guide for this run: it takes --trimap"),
    ):
        refused = cli(*asked, *extra)
        assert refused.returncode in (1, 2) and words in refused.stderr, refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_half_where_nothing_is_known() -> None:
    image, trimap, _ = scene(8, 30)
    alpha = half(image, trimap)
    assert (alpha[trimap == 128] == 0.5).all()
    assert (alpha[trimap == 255] == 1).all() and (alpha[trimap == 0] == 0).all()


@pytest.mark.parametrize("method", [closed_form, knn])
def test_closed_form_and_knn_find_a_ramp(method: Matter) -> None:
    pytest.importorskip("pymatting")
    image, trimap, truth = scene(24, 30)
    alpha = method(image, trimap)
    assert alpha.shape == truth.shape and np.abs(alpha - truth).max() < 0.15


def test_without_pymatting_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", None)
    image, trimap, _ = scene(8, 30)
    for name in ("closed_form", "knn"):
        with pytest.raises(UserError, match="pip install pymatting"):
            CLASSICS[name](image, trimap)


def test_trimaps_that_know_one_side_only() -> None:
    image, trimap, _ = scene(8, 30)
    with pytest.raises(UserError, match="sure foreground, white"):
        closed_form(image, np.where(trimap == 255, 128, trimap))
