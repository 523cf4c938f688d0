"""Which images the lessons show, and what is measured on them."""

import math

import pytest
import torch

from indexnet_edu.lessons.reconstruction.pictures import (
    examples,
    figure_8_images,
    psnr_by_class,
    reconstruct,
    texture,
)
from indexnet_edu.lessons.reconstruction.ssim import blur_to_rmse, one_window_ssim, windowed_ssim
from indexnet_edu.metrics import ImageMetrics
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION
from indexnet_edu.tasks.reconstruction.data import CLASSES, ReconstructionSplit


@pytest.fixture(scope="module")
def test_split() -> ReconstructionSplit:
    split = RECONSTRUCTION.load_data(RECONSTRUCTION.profile("smoke")).test
    assert isinstance(split, ReconstructionSplit)
    return split


def test_examples_come_class_by_class(test_split: ReconstructionSplit) -> None:
    picked = examples(test_split, 2)
    assert picked.shape == (2, 10, 1, 32, 32)
    bag = CLASSES.index("bag")
    of_class = test_split.images[test_split.labels == bag]
    assert torch.equal(picked[:, bag], of_class[:2])
    with pytest.raises(ValueError, match="not every class has 1000"):
        examples(test_split, 1000)


def test_figure_8_follows_its_rule(test_split: ReconstructionSplit) -> None:
    names, images = figure_8_images(test_split)
    assert names == ["trouser", "high heel", "top", "shirt", "bag"]
    assert images.shape == (5, 1, 32, 32)
    shirts = test_split.images[test_split.labels == CLASSES.index("shirt")]
    assert texture(images[3:4]) == texture(shirts).max()


def test_texture_of_a_flat_image_is_zero_and_of_stripes_is_not() -> None:
    flat, stripes = torch.full((1, 1, 4, 4), 0.5), torch.zeros(1, 1, 4, 4)
    stripes[..., ::2] = 1
    assert texture(flat) == 0
    assert texture(stripes) == pytest.approx(1)


def test_reconstructions_are_clipped_and_led_by_the_input() -> None:
    images = torch.rand(2, 1, 4, 4)
    found = reconstruct({"double": torch.nn.Upsample(scale_factor=1)}, 2 * images)
    assert list(found) == ["input", "double"]
    assert found["double"].max() <= 1


def test_psnr_by_class_pools_the_pixels_of_a_class() -> None:
    target = torch.zeros(3, 1, 2, 2)
    output = target + torch.tensor([0.1, 0.3, 0.01])[:, None, None, None]
    labels = torch.tensor([1, 1, 8])
    found = psnr_by_class({"input": target, "net": output}, labels)["net"]
    assert set(found) == {"trouser", "bag"}
    assert found["bag"] == pytest.approx(40, abs=1e-3)
    assert found["trouser"] == pytest.approx(-10 * math.log10((0.01 + 0.09) / 2), abs=1e-3)


def test_psnr_by_class_agrees_with_the_metrics_where_there_is_one_class() -> None:
    target, output = torch.rand(4, 1, 16, 16), torch.rand(4, 1, 16, 16)
    metrics = ImageMetrics()
    metrics.update(output, target)
    found = psnr_by_class({"input": target, "net": output}, torch.zeros(4))
    assert found["net"]["T-shirt/top"] == pytest.approx(metrics.compute()["psnr"], abs=1e-3)


def test_both_ssims_are_one_for_equal_images_and_differ_for_blurred_ones(
    test_split: ReconstructionSplit,
) -> None:
    images = test_split.images
    assert one_window_ssim(images, images) == pytest.approx(1)
    assert windowed_ssim(images, images) == pytest.approx(1)
    blurred = blur_to_rmse(images, 0.0509)
    assert float((blurred - images).square().mean().sqrt()) == pytest.approx(0.0509, abs=1e-5)
    assert one_window_ssim(blurred, images) == pytest.approx(0.981, abs=0.01)  # Table 3, first row
    assert windowed_ssim(blurred, images) < 0.95


def test_a_blur_that_cannot_reach_the_rmse_is_refused() -> None:
    with pytest.raises(ValueError, match="stays below"):
        blur_to_rmse(torch.full((1, 1, 8, 8), 0.5) + 0.01 * torch.rand(1, 1, 8, 8), 0.5)
