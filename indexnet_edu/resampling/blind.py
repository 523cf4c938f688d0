"""Blind operators (Table 2, upper half): nothing crosses from the encoder to the decoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from .protocol import Downsampling, Guide, Upsampling

__all__ = [
    "AveragePooling",
    "BilinearUpsampling",
    "Deconvolution",
    "DepthToSpace",
    "NearestUpsampling",
    "SpaceToDepth",
    "StridedConvolution",
]


class AveragePooling(Downsampling):
    """The mean of each 2×2 region."""

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        return F.avg_pool2d(x, 2), None


class StridedConvolution(Downsampling):
    """Conv/2: a 3×3 convolution with stride 2, BN and ReLU, width unchanged.

    Args:
        own_convolution: False where the stride belongs to the model's own convolution, the one in
            front (DnCNN-conv-carafe in Table 7, FastDepth in Table 10: only that gives the paper's
            counts). The model then builds it with ``stride=down.conv_stride`` and this module does
            nothing.
    """

    def __init__(self, channels: Sequence[int], *, own_convolution: bool = True) -> None:
        super().__init__(channels)
        self.conv_stride = 1 if own_convolution else 2
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(c, c, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU()
            )
            for c in (self.channels if own_convolution else [])
        )

    def forward(self, x: Tensor, stage: int = 0) -> tuple[Tensor, Guide]:
        return (x, None) if self.conv_stride == 2 else super().forward(x, stage)

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        return self.convolutions[stage](x), None


class SpaceToDepth(Downsampling):
    """Each 2×2 region becomes four channels: nothing is lost, but every layer after it is wider.

    The paper's Table 2 prints this row with the two names swapped.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels)
        self.out_channels = [4 * c for c in self.channels]

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        return F.pixel_unshuffle(x, 2), None  # (N, C, H, W) → (N, 4C, H/2, W/2)


class NearestUpsampling(Upsampling):
    """Each value copied to its 2×2 region."""

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        return F.interpolate(d, scale_factor=2, mode="nearest")


class BilinearUpsampling(Upsampling):
    """Bilinear interpolation with half-pixel centres (``align_corners=False``)."""

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        return F.interpolate(d, scale_factor=2, mode="bilinear", align_corners=False)


class Deconvolution(Upsampling):
    """Deconv/2: a 4×4 transposed convolution with stride 2, width unchanged, no bias."""

    def __init__(self, channels: int, guide_channels: int | None = None) -> None:
        super().__init__(channels)
        self.deconvolution = nn.ConvTranspose2d(
            channels, channels, kernel_size=4, stride=2, padding=1, bias=False
        )

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        return self.deconvolution(d)


class DepthToSpace(Upsampling):
    """Periodic shuffling: four channels become one 2×2 region, so the width is divided by four."""

    def __init__(self, channels: int, guide_channels: int | None = None) -> None:
        super().__init__(channels)
        if channels % 4:
            raise ValueError(f"depth-to-space needs a multiple of 4 channels, got {channels}")
        self.out_channels = channels // 4

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        return F.pixel_shuffle(d, 2)  # (N, C, h, w) → (N, C/4, 2h, 2w)
