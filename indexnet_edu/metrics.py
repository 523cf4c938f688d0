"""Image metrics, once for all tasks; torchmetrics does the work and is imported when first
needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ImageMetrics", "MeanOf", "legacy_ssim", "psnr_per_image", "ssim"]


class ImageMetrics:
    """PSNR, SSIM, MAE and RMSE of images in [0, 1]; predictions are clipped to that range first.

    ``psnr`` is pooled over all pixels of the set, −20·log10(RMSE): so the paper's Table 3 is
    computed, whose "MSE" is the RMSE. ``psnr_per_image`` is the mean of the images' own PSNRs,
    which is what most others report and is larger. ``ssim`` is the mean of :func:`ssim`; the
    paper's SSIM is no windowed one and not comparable (docs/paper.md).
    """

    def __init__(self) -> None:
        from torchmetrics import MeanAbsoluteError, MeanSquaredError
        from torchmetrics.image import PeakSignalNoiseRatio

        self._metrics: dict[str, Any] = {
            "psnr": PeakSignalNoiseRatio(data_range=1.0),
            "psnr_per_image": MeanOf(psnr_per_image),
            "ssim": MeanOf(ssim),
            "mae": MeanAbsoluteError(),
            "rmse": MeanSquaredError(squared=False),
        }
        self._empty = True

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor | None = None) -> None:
        """Adds a batch, both ``(N, C, H, W)``.

        Raises:
            ValueError: a mask: whole images are measured.
        """
        if valid is not None:
            raise ValueError("these metrics measure whole images and take no mask")
        prediction = prediction.detach().float().clamp(0, 1).contiguous()
        target = target.float().contiguous()
        for metric in self._metrics.values():
            metric.to(prediction.device).update(prediction, target)
        self._empty = False

    def compute(self) -> dict[str, float]:
        """The metrics of everything added so far, by all processes of a training.

        Raises:
            ValueError: nothing was added.
        """
        if self._empty and not _among_others():
            raise ValueError("no images were measured")
        return {name: float(metric.compute()) for name, metric in self._metrics.items()}


class MeanOf:
    """The mean over images of a function of prediction and target, in the manner of a metric.

    Its state is two sums, whatever was seen: processes that saw no image sum with the others.
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        from torchmetrics import MeanMetric

        self._function, self._mean = function, MeanMetric()

    def to(self, device: torch.device) -> MeanOf:
        self._mean.to(device)
        return self

    def update(self, prediction: Tensor, target: Tensor) -> None:
        self._mean.update(self._function(prediction, target))

    def compute(self) -> Tensor:
        return self._mean.compute()


def psnr_per_image(prediction: Tensor, target: Tensor) -> Tensor:
    """``(N, C, H, W)`` in [0, 1] twice → ``(N,)`` in dB, each image by its own error."""
    return -10 * (prediction - target).square().mean(dim=(1, 2, 3)).log10()


def ssim(prediction: Tensor, target: Tensor) -> Tensor:
    """SSIM as Wang et al. (2004) define it, with ``data_range`` 1.

    An 11×11 Gaussian window (σ 1.5), population covariances, and only windows that lie wholly
    within the image: what scikit-image gives with ``gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False``. (torchmetrics 1.9 averages over reflected borders too, other
    versions do not; with noise of 0.02 on 32×32 pixels that is 0.86 instead of 0.93.)

    Args:
        prediction, target: ``(N, C, H, W)`` in [0, 1], H and W from 11.

    Returns:
        ``(N,)``.
    """
    steps = torch.arange(-5.0, 6.0, dtype=torch.float64, device=target.device)
    window = torch.exp(-(steps**2) / (2 * 1.5**2))
    window = window / window.sum()

    def mean(values: Tensor) -> Tensor:
        planes = values.flatten(0, 1).unsqueeze(1)  # (N, C, H, W) → (N·C, 1, H, W)
        planes = F.conv2d(F.conv2d(planes, window[None, None, None]), window[None, None, :, None])
        return planes.unflatten(0, values.shape[:2]).squeeze(2)  # → (N, C, H-10, W-10)

    return _ssim(prediction, target, mean, data_range=1)


def legacy_ssim(prediction: Tensor, target: Tensor) -> Tensor:
    """SSIM as old versions of scikit-image computed it for floats unless told otherwise.

    A 7×7 window without weights, sample covariances, no border, and ``data_range`` 2, although
    images lie in [0, 1]: the constants against division by zero are four times too large, and so
    the figure is too. Noisy Set12 so measured gives the figures of Table 7's CARAFE rows.

    Args:
        prediction, target: ``(N, C, H, W)`` in [0, 1], H and W from 7.

    Returns:
        ``(N,)``.
    """
    sample = 7 * 7 / (7 * 7 - 1)
    return _ssim(prediction, target, lambda v: F.avg_pool2d(v, 7, stride=1), 2, sample)


def _ssim(
    prediction: Tensor,
    target: Tensor,
    mean: Callable[[Tensor], Tensor],
    data_range: float,
    sample: float = 1.0,
) -> Tensor:
    """The mean of luminance × structure over all windows, of which ``mean`` takes means."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    x, y = prediction.double(), target.double()
    mean_x, mean_y = mean(x), mean(y)
    variances = sample * (mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2)
    covariance = sample * (mean(x * y) - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return (luminance * (2 * covariance + c2) / (variances + c2)).mean(dim=(1, 2, 3))


def _among_others() -> bool:
    """Whether other processes may have measured what this one has not."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
