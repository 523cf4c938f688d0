"""The noise that is asked for is the noise that is there: in patches, images, for classics."""

import numpy as np
import pytest
import torch

from indexnet_edu.engine import TaskData
from indexnet_edu.tasks.denoising import classics
from indexnet_edu.tasks.denoising.data import NoisyImages, Patches, cut_patches
from indexnet_edu.tasks.denoising.recipe import DenoisingRecipe


def photograph(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def patches(sigma: int) -> Patches:
    return cut_patches([photograph(60, 70)], sigma)


@pytest.mark.parametrize("sigma", [15, 50])
def test_sigma_is_of_255_grey_levels(sigma: int) -> None:
    """A million values show a part in a thousand; 256 for 255 would be four."""
    training = patches(sigma).batch(torch.zeros(1000, dtype=torch.long), 0)
    test = NoisyImages.of([photograph(1000, 1000)], sigma).batch(torch.tensor([0]), 0)
    for batch in (training, test):
        noise = 255 * (batch.x - batch.target).double()
        assert float(noise.std()) == pytest.approx(sigma, rel=2e-3)
        assert float(noise.mean()) == pytest.approx(0, abs=sigma / 250)


def test_grey_levels_are_of_255() -> None:
    white = np.full((60, 70), 255, np.uint8)
    assert (cut_patches([white], 25).cut(torch.zeros(1).long(), torch.zeros(1)) == 1).all()
    assert (NoisyImages.of([white], 25).clean[0] == 1).all()


def test_a_batch_shows_all_eight_symmetries() -> None:
    batch = patches(25).batch(torch.zeros(200, dtype=torch.long), 0)
    counts = torch.unique(batch.target, dim=0, return_counts=True)[1]
    assert len(counts) == 8 and int(counts.min()) > 10


def test_the_classics_are_told_the_noise_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []

    def spy(image: np.ndarray, sigma: float) -> np.ndarray:
        told.append(sigma)
        return image

    monkeypatch.setattr(classics, "CLASSICS", {"spy": spy})
    test = NoisyImages.of([photograph(300, 300)] * 2, 40)
    data = TaskData("", "", patches(40), {"a_sigma40": test})
    found = classics.measure_classics(data, DenoisingRecipe(sigma=40))
    assert told == [40 / 255] * 2
    actual = float((test.noisy[0] - test.clean[0]).std())
    assert told[0] == pytest.approx(actual, rel=0.01)
    assert found["spy"]["a_sigma40_psnr"] == pytest.approx(17, abs=1)
