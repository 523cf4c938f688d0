"""What notebook 07 trains and shows."""

import torch
from torch import nn

from indexnet_edu.tasks.denoising import DENOISING, lesson


def test_the_live_rows_are_rows_of_the_table():
    assert set(lesson.LIVE) <= set(DENOISING.variants)


def test_crops_begin_with_the_clean_image_and_are_clipped():
    clean, noisy = torch.full((1, 1, 8, 8), 0.5), torch.full((1, 1, 8, 8), 1.5)
    crops = lesson.clean_crops({"identity": nn.Identity()}, noisy, clean)
    assert list(crops) == ["clean", "noisy_input", "identity"]
    assert crops["clean"] is clean and float(crops["identity"].max()) == 1
