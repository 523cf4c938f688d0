import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from indexnet_edu.metrics import ImageMetrics, legacy_ssim, ssim
from indexnet_edu.tasks.denoising.metrics import DenoisingMetrics


def measure(*batches: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float]:
    metrics = ImageMetrics()
    for prediction, target in batches:
        metrics.update(prediction, target)
    return metrics.compute()


def images(seed: int, n: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(n, 1, 16, 16, generator=generator)
    return (target + 0.2 * torch.randn(target.shape, generator=generator)), target


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_definitions(seed: int, n: int) -> None:
    prediction, target = images(seed, n)
    clipped = prediction.clamp(0, 1)
    mse = (clipped - target).double().square().mean((1, 2, 3))
    found = measure((prediction, target))
    assert found["rmse"] == pytest.approx(math.sqrt(mse.mean()), rel=1e-5)
    assert found["psnr"] == pytest.approx(-20 * math.log10(found["rmse"]), rel=1e-5)
    assert found["psnr_per_image"] == pytest.approx((-10 * mse.log10()).mean().item(), rel=1e-5)
    assert found["mae"] == pytest.approx((clipped - target).abs().mean().item(), rel=1e-5)


@given(st.integers(0, 10_000))
def test_batches_do_not_matter_and_the_pooled_psnr_is_the_smaller(seed: int) -> None:
    prediction, target = images(seed, 6)
    whole = measure((prediction, target))
    parts = measure((prediction[:1], target[:1]), (prediction[1:], target[1:]))
    assert parts == pytest.approx(whole, rel=1e-5)
    assert whole["psnr"] <= whole["psnr_per_image"] + 1e-4  # Jensen


@given(st.integers(0, 10_000), st.floats(0.05, 0.95))
def test_half_the_error_is_six_decibels(seed: int, share: float) -> None:
    prediction, target = images(seed)
    prediction = prediction.clamp(0, 1)
    nearer = target + share * (prediction - target)
    gain = measure((nearer, target))["psnr"] - measure((prediction, target))["psnr"]
    assert gain == pytest.approx(-20 * math.log10(share), abs=1e-3)


def test_flipping_both_changes_nothing() -> None:
    prediction, target = images(1)
    flipped = measure((prediction.flip(-1), target.flip(-1)))
    assert flipped == pytest.approx(measure((prediction, target)), rel=1e-5)


def test_a_perfect_image() -> None:
    _, target = images(2)
    found = measure((target, target))
    assert found["psnr"] == math.inf and found["mae"] == 0 and found["ssim"] == pytest.approx(1)


def test_predictions_are_clipped() -> None:
    target = torch.ones(1, 1, 16, 16)
    assert measure((target * 7, target))["rmse"] == 0


@given(st.integers(0, 10_000), st.sampled_from([(11, 11), (16, 23), (32, 32)]))
def test_ssim_is_wangs(seed: int, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(2, 3, *size, generator=generator).double()
    prediction = target + 0.1 * torch.randn(target.shape, generator=generator)
    expected = [
        structural_similarity(
            x.numpy(), y.numpy(), data_range=1.0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False, channel_axis=0,
        )
        for x, y in zip(prediction, target, strict=True)
    ]  # fmt: skip
    assert ssim(prediction, target).tolist() == pytest.approx(expected, abs=1e-9)


def test_ssim_of_a_border_that_nobody_sees_twice() -> None:
    # torchmetrics' mean over reflected borders gives 0.861 here
    generator = torch.Generator().manual_seed(0)
    ramp = torch.linspace(0.2, 0.8, 32).expand(1, 1, 32, 32)
    noisy = ramp + 0.02 * torch.randn(ramp.shape, generator=generator)
    found = measure((noisy, ramp))["ssim"]
    assert found == pytest.approx(float(ssim(noisy, ramp)), abs=1e-6)


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="no images"):
        ImageMetrics().compute()


# --- denoising -----------------------------------------------------------------------------------


def test_legacy_ssim_is_scikit_images_with_a_data_range_of_two() -> None:
    prediction, target = images(4)
    expected = [
        structural_similarity(x[0].numpy(), y[0].numpy(), data_range=2.0)
        for x, y in zip(prediction, target, strict=True)
    ]
    assert legacy_ssim(prediction, target).tolist() == pytest.approx(expected, abs=1e-5)


def test_denoising_metrics_are_means_over_images() -> None:
    prediction, target = images(5)
    metrics, usual = DenoisingMetrics(), measure((prediction, target))
    for x, y in zip(prediction, target, strict=True):
        metrics.update(x[None], y[None])
    found = metrics.compute()
    assert list(found) == ["psnr", "ssim", "ssim_legacy"]
    assert found["psnr"] == pytest.approx(usual["psnr_per_image"], rel=1e-5)
    assert found["ssim"] == pytest.approx(usual["ssim"], rel=1e-5)
    expected = legacy_ssim(prediction.clamp(0, 1), target).mean().item()
    assert found["ssim_legacy"] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="no images"):
        DenoisingMetrics().compute()


def test_a_mask_is_refused_by_metrics_of_whole_images() -> None:
    prediction, target = images(6)
    with pytest.raises(ValueError, match="take no mask"):
        ImageMetrics().update(prediction, target, torch.ones(target.shape, dtype=torch.bool))
