"""Denoisers that learn nothing: each better than nothing, and told the noise."""

import numpy as np
import pytest

from indexnet_edu.tasks.denoising.classics import CLASSICS, measure_classic
from indexnet_edu.tasks.denoising.data import NoisyImages
from indexnet_edu.tasks.denoising.photographs import load_embedded


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return load_embedded().tests["photographs"][1][100:228, 100:200]  # the camera man


@pytest.mark.parametrize("sigma", [15, 50])
def test_both_gain_decibels_over_the_noisy_input(photograph: np.ndarray, sigma: int) -> None:
    tests = {"set": NoisyImages.of([photograph], sigma)}
    psnr = {name: measure_classic(name, tests, sigma)["set_psnr"] for name in CLASSICS}
    assert all(psnr[name] > psnr["noisy_input"] + 3 for name in CLASSICS if name != "noisy_input")


def test_every_set_and_metric_is_named_as_a_run_names_it(photograph: np.ndarray) -> None:
    split = NoisyImages.of([photograph], 25)
    found = measure_classic("noisy_input", {"a": split, "b": split}, 25)
    metrics = ("psnr", "ssim", "ssim_legacy")
    assert list(found) == [f"{test}_{metric}" for test in "ab" for metric in metrics]
    noise = (split.noisy[0].clamp(0, 1) - split.clean[0]).square().mean().log10()
    assert found["a_psnr"] == pytest.approx(-10 * noise.item(), abs=1e-4)
