"""Image metrics, once for all tasks; torchmetrics does the work and is imported when first
needed."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["ImageMetrics"]


class ImageMetrics:
    """PSNR, SSIM, MAE and RMSE of images in [0, 1]; predictions are clipped to that range first.

    ``psnr`` is pooled over all pixels of the set, −20·log10(RMSE): so the paper's Table 3 is
    computed, whose "MSE" is the RMSE. ``psnr_per_image`` is the mean of the images' own PSNRs,
    which is what most others report and is larger. ``ssim`` is Wang et al.'s with the usual 11×11
    Gaussian window (σ 1.5) and ``data_range`` 1; the paper's SSIM is no windowed one and not
    comparable (docs/paper.md).
    """

    def __init__(self) -> None:
        from torchmetrics import MeanAbsoluteError, MeanSquaredError
        from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

        self._metrics = {
            "psnr": PeakSignalNoiseRatio(data_range=1.0),
            "psnr_per_image": PeakSignalNoiseRatio(data_range=1.0, dim=(1, 2, 3)),
            "ssim": StructuralSimilarityIndexMeasure(data_range=1.0),
            "mae": MeanAbsoluteError(),
            "rmse": MeanSquaredError(squared=False),
        }
        self._empty = True

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Adds a batch, both ``(N, C, H, W)``."""
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


def _among_others() -> bool:
    """Whether other processes may have measured what this one has not."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
