"""PSNR and SSIM as denoising papers report them."""

from __future__ import annotations

from ...metrics import ImageMetrics, MeanOf, legacy_ssim

__all__ = ["DenoisingMetrics"]


class DenoisingMetrics(ImageMetrics):
    """PSNR and SSIM, each the mean of the images' own.

    ``psnr`` here is :class:`ImageMetrics`' ``psnr_per_image``, and ``ssim`` the same as there.
    ``ssim_legacy`` is what the paper's Table 7 prints (:func:`legacy_ssim`): larger, and comparable
    with nothing else.
    """

    def __init__(self) -> None:
        super().__init__()
        self._metrics = {
            "psnr": self._metrics["psnr_per_image"],
            "ssim": self._metrics["ssim"],
            "ssim_legacy": MeanOf(legacy_ssim),
        }
