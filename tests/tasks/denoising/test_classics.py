"""Denoisers that learn nothing: each better than nothing, and told the noise."""

import numpy as np
import pytest

from indexnet_edu.engine import TaskData
from indexnet_edu.tasks.denoising import DENOISING
from indexnet_edu.tasks.denoising.classics import CLASSICS
from indexnet_edu.tasks.denoising.data import NoisyImages
from indexnet_edu.tasks.denoising.photographs import load_embedded
from indexnet_edu.tasks.denoising.recipe import DenoisingRecipe


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return load_embedded().tests["photographs"][1][100:228, 100:200]  # the camera man


def measure(tests: dict[str, NoisyImages], sigma: int) -> dict[str, dict[str, float]]:
    data = TaskData("some", "c", next(iter(tests.values())), tests)
    assert DENOISING.baselines is not None
    return DENOISING.baselines(data, DenoisingRecipe(sigma=sigma))


@pytest.mark.parametrize("sigma", [15, 50])
def test_both_gain_decibels_over_the_noisy_input(photograph: np.ndarray, sigma: int) -> None:
    tests = {"set": NoisyImages.of([photograph], sigma)}
    psnr = {name: metrics["set_psnr"] for name, metrics in measure(tests, sigma).items()}
    assert list(psnr) == list(CLASSICS)
    assert all(psnr[name] > psnr["noisy_input"] + 3 for name in CLASSICS if name != "noisy_input")


def test_every_set_and_metric_is_named_as_a_run_names_it(photograph: np.ndarray) -> None:
    split = NoisyImages.of([photograph], 25)
    found = measure({"a": split, "b": split}, 25)["noisy_input"]
    metrics = ("psnr", "ssim", "ssim_legacy")
    assert list(found) == [f"{test}_{metric}" for test in "ab" for metric in metrics]
    noise = (split.noisy[0].clamp(0, 1) - split.clean[0]).square().mean().log10()
    assert found["a_psnr"] == pytest.approx(-10 * noise.item(), abs=1e-4)
