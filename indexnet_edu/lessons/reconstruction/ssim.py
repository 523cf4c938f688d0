"""Two quantities called SSIM, and why Table 3's cannot stand beside the usual one."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from ...metrics import ImageMetrics

__all__ = ["blur_to_rmse", "one_window_ssim", "windowed_ssim"]


def one_window_ssim(output: Tensor, target: Tensor) -> float:
    """SSIM (Wang et al., 2004) with one window for the whole image, averaged over images.

    Args:
        output, target: ``(N, 1, H, W)`` in [0, 1].
    """
    c1, c2 = 0.01**2, 0.03**2
    x, y = output.flatten(1).double(), target.flatten(1).double()  # (N, 1, H, W) → (N, H·W)
    mean_x, mean_y = x.mean(1), y.mean(1)
    covariance = ((x - mean_x[:, None]) * (y - mean_y[:, None])).mean(1)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (x.var(1, correction=0) + y.var(1, correction=0) + c2)
    return float((luminance * structure).mean())


def windowed_ssim(output: Tensor, target: Tensor) -> float:
    """The usual SSIM: an 11×11 Gaussian window slides over the image (σ 1.5, range 1)."""
    metrics = ImageMetrics()
    metrics.update(output, target)
    return metrics.compute()["ssim"]


def blur_to_rmse(images: Tensor, rmse: float) -> Tensor:
    """Images ``(N, 1, H, W)`` mixed with their 5×5 means so far that the RMSE is ``rmse``.

    Raises:
        ValueError: a blur of this size does not reach so far.
    """
    padded = F.pad(images, (2, 2, 2, 2), mode="replicate")
    change = F.avg_pool2d(padded, 5, stride=1) - images
    share = rmse / float(change.square().mean().sqrt())
    if not 0 <= share <= 1:
        raise ValueError(f"a 5×5 blur of these images stays below an RMSE of {rmse}")
    return images + share * change
