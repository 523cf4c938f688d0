"""A network on one's own image: tiles give what the whole gives, colour goes channel by channel."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from indexnet_edu.resampling import create_resampler
from indexnet_edu.tasks import get_task
from indexnet_edu.tasks.denoising.model import DnCNN, DnCNNSegNet
from indexnet_edu.tasks.denoising.predict import denoise

TASK = get_task("denoising")
WIDEST = {
    "indexnet": {"family": "m2o", "mode": "nonlinear_context"},
    "conv_carafe": {},
    "conv_deconv": {},
    "maxpool_maxunpool": {},
}


def noisy(height: int, width: int, *channels: int) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, *channels), np.float32)


@pytest.mark.parametrize("name", ["dncnn", *WIDEST])
def test_tiles_give_what_the_whole_image_gives(name: str) -> None:
    torch.manual_seed(0)
    pair = WIDEST.get(name)
    model = DnCNN(4) if pair is None else DnCNNSegNet(create_resampler(name, **pair), (4, 4, 4))
    model.eval()
    image = noisy(305, 27)
    with torch.no_grad():
        whole = model(torch.from_numpy(image)[None, None])[0, 0].clamp(0, 1).numpy()
    np.testing.assert_allclose(denoise(model, image, tile=64), whole, atol=1e-5)


def test_a_margin_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = DnCNNSegNet(create_resampler("maxpool_maxunpool"), (4, 4, 4)).eval()
    image = noisy(160, 24)
    whole = denoise(model, image)
    monkeypatch.setattr("indexnet_edu.tasks.denoising.predict.MARGIN", 8)
    assert np.abs(denoise(model, image, tile=64) - whole).max() > 1e-4


def test_colour_is_denoised_channel_by_channel() -> None:
    model, image = DnCNN(4).eval(), noisy(21, 30, 3)
    result = denoise(model, image)
    assert result.shape == image.shape and result.min() >= 0 and result.max() <= 1
    for channel in range(3):
        np.testing.assert_array_equal(result[..., channel], denoise(model, image[..., channel]))


def test_the_command(cli: Callable, tmp_path: Path) -> None:
    tiny = [f"--set={name}=8" for name in ("train_patches", "batch_size")]
    trained = cli("train", "denoising", "dncnn", "--profile", "smoke", "--set=width=0.06",
                  "--set=train_images=1", *tiny, "--out", tmp_path / "run")  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    for name, shape in (("grey", (600, 20)), ("colour", (20, 33, 3))):
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg")
    images = [tmp_path / "grey.jpg", tmp_path / "colour.jpg"]
    done = cli("predict", tmp_path / "run", *images, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["images"]
    assert [row["note"] for row in rows] == ["grey", "colour, each channel for itself"]
    assert [row["size"] for row in rows] == ["20×600", "33×20"]
    assert [Image.open(row["results"][0]).mode for row in rows] == ["L", "RGB"]
    bad = cli("predict", tmp_path / "run", tmp_path / "missing.png", "--out", tmp_path / "out")
    assert bad.returncode == 1 and "missing.png: cannot be read (No such file" in bad.stderr
    twice = cli("predict", tmp_path / "run", images[0], tmp_path / "a" / "grey.png")
    assert twice.returncode == 2 and "grey.png: rename them" in twice.stderr
