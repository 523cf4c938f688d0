"""Two networks made for segmentation, B1 and B2 of Table 4: strides, bilinear interpolation and
nothing that crosses but features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones import MobileNetV2, scaled
from .layers import ASPP, alpha_head, conv_bn_relu6, initialise

__all__ = ["DeepLabV3Plus", "RefineNet"]

_INNER = 256
_KERNEL = 5  # of all decoders in the released code; the paper does not say, DeepLab itself has 3


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=True)


class DeepLabV3Plus(nn.Module):
    """DeepLabv3+ (Chen et al., ECCV 2018) at output stride 16: B1.

    Args:
        width: multiplies all channels, see :func:`~indexnet_edu.backbones.mobilenet_v2.scaled`.
        kernel_size: of the decoder's convolutions, odd.
        pad_before_expansion, norm_frozen: see :class:`~indexnet_edu.backbones.MobileNetV2`.

    Shape: ``(N, 4, H, W)``, image and trimap → alpha ``(N, 1, H, W)``, not clipped. Corners are
    aligned, so sizes of the form 32k + 1 keep the features' pixels on the image's (the paper's
    crops have 321).
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        kernel_size: int = _KERNEL,
        pad_before_expansion: bool = True,
        norm_frozen: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = MobileNetV2(
            4,
            width=width,
            output_stride=16,
            pad_before_expansion=pad_before_expansion,
            norm_frozen=norm_frozen,
        )
        inner, low = scaled(_INNER, width), scaled(48, width)
        channels = self.encoder.channels
        self.context = ASPP(channels[-1], inner, inner, dilations=(6, 12, 18))
        self.low = conv_bn_relu6(channels[2], low)
        self.decoder = nn.Sequential(
            conv_bn_relu6(inner + low, inner, kernel_size),
            conv_bn_relu6(inner, inner, kernel_size),
        )
        self.head = alpha_head(inner, kernel_size=1)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        deepest, features, _ = self.encoder(x)
        low = self.low(features[2])  # at 1/4
        context = _resized(self.context(deepest), like=low)
        return _resized(self.head(self.decoder(torch.cat([context, low], dim=1))), like=x)


class ChainedResidualPooling(nn.Module):
    """Four times pool and convolve what was pooled before, and add it up (Lin et al., CVPR 2017).

    Shape: ``(N, C, H, W)`` → the same.
    """

    def __init__(self, channels: int, links: int = 4) -> None:
        super().__init__()
        self.links = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(5, stride=1, padding=2), *conv_bn_relu6(channels, channels))
            for _ in range(links)
        )

    def forward(self, x: Tensor) -> Tensor:
        top = x
        for link in self.links:
            top = link(top)
            x = x + top
        return x


class RefineNet(nn.Module):
    """RefineNet (Lin et al., CVPR 2017), the light one, at output stride 32: B2.

    Six features of 320 to 24 channels meet at 256 channels, in four groups of one size; each sum
    passes chained residual pooling.

    Args:
        width, pad_before_expansion, norm_frozen: see :class:`DeepLabV3Plus`.

    Shape: as :class:`DeepLabV3Plus`.
    """

    #: Features that meet at 1/32, 1/16, 1/8 and 1/4, by their number in the encoder.
    MEETING = ((7, 6), (4, 5), (3,), (2,))

    def __init__(
        self,
        *,
        width: float = 1.0,
        pad_before_expansion: bool = True,
        norm_frozen: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = MobileNetV2(
            4, width=width, pad_before_expansion=pad_before_expansion, norm_frozen=norm_frozen
        )
        inner = scaled(_INNER, width)
        self.laterals = nn.ModuleDict(
            {
                str(group): conv_bn_relu6(self.encoder.channels[group], inner)
                for groups in self.MEETING
                for group in groups
            }
        )
        self.pooling = nn.ModuleList(ChainedResidualPooling(inner) for _ in self.MEETING)
        self.adapt = nn.ModuleList(conv_bn_relu6(inner, inner) for _ in self.MEETING[1:])
        self.head = alpha_head(inner, _KERNEL)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        features = self.encoder(x).features
        y: Tensor | None = None
        for step, groups in enumerate(self.MEETING):
            met = torch.stack([self.laterals[str(g)](features[g]) for g in groups]).sum(dim=0)
            if y is not None:
                met = met + _resized(self.adapt[step - 1](y), like=met)
            y = self.pooling[step](F.relu6(met))
        return _resized(self.head(y), like=x)
