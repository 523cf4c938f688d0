"""What notebook 07 trains and shows."""

import torch
from torch import nn

from indexnet_edu.tasks.denoising import DENOISING, lesson
from indexnet_edu.tasks.denoising.data import NoisyImages


def test_the_live_rows_are_rows_of_the_table():
    assert set(lesson.LIVE) <= set(DENOISING.variants)


def test_classics_are_measured_on_every_test_set():
    image = (torch.rand(24, 24, generator=torch.Generator().manual_seed(0)) * 255).byte().numpy()
    tests = {"a_sigma25": NoisyImages.of([image], 25), "b_sigma25": NoisyImages.of([image], 25)}
    found = lesson.measure_classics(tests, 25)
    assert list(found)[0] == "noisy_input"
    assert all({"a_sigma25_psnr", "b_sigma25_psnr"} <= set(metrics) for metrics in found.values())


def test_crops_begin_with_the_clean_image_and_are_clipped():
    clean, noisy = torch.full((1, 1, 8, 8), 0.5), torch.full((1, 1, 8, 8), 1.5)
    crops = lesson.clean_crops({"identity": nn.Identity()}, noisy, clean)
    assert list(crops) == ["clean", "noisy_input", "identity"]
    assert crops["clean"] is clean and float(crops["identity"].max()) == 1
