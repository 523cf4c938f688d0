"""DeepMatting (Xu et al., CVPR 2017), B3 and B4 of Table 4, and its refinement stage."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...backbones import VGG16, scaled
from ...resampling import Resampler
from .layers import initialise

__all__ = ["DeepMatting", "RefinedDeepMatting", "RefinementStage"]

_NARROW = 512  # channels behind fc6


def _conv_relu(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2),
        nn.ReLU(inplace=True),
    )


class DeepMatting(nn.Module):
    """SegNet on VGG-16 with fc6: five times down, five times up and a 5×5 convolution.

    Nothing behind the encoder is normalised, and no feature of the encoder is fused.

    Args:
        resampler: the pair; the paper's B3 has max unpooling, B4 bilinear upsampling.
        width: multiplies all channels, see :func:`~indexnet_edu.backbones.mobilenet_v2.scaled`.
        norm_frozen: see :class:`~indexnet_edu.backbones.Backbone`.

    Raises:
        ValueError: a pair whose stride belongs into the network's own convolutions.

    Shape: ``(N, 4, H, W)``, image and trimap → alpha ``(N, 1, H, W)``, not clipped; H and W from
    17.
    """

    def __init__(
        self, resampler: Resampler, *, width: float = 1.0, norm_frozen: bool = False
    ) -> None:
        super().__init__()
        channels = VGG16.widths(width)
        self.down = resampler.downsampling(channels)
        if self.down.conv_stride != 1:
            raise ValueError(
                f"{resampler} leaves the stride to a convolution in front, which this encoder has "
                "none for: take the pair with own_convolution=True"
            )
        self.encoder = VGG16(
            4, width=width, halved_to=self.down.out_channels, fc6=True, norm_frozen=norm_frozen
        )
        d = scaled(_NARROW, width)
        self.bottleneck = _conv_relu(scaled(4096, width), d, kernel_size=1)
        self.ups, self.decoder = nn.ModuleList(), nn.ModuleList()
        for stage in reversed(range(len(channels))):
            up = resampler.upsampling(d, self.down.guide_channels[stage])
            self.ups.append(up)
            d = channels[max(stage - 1, 0)]
            self.decoder.append(_conv_relu(up.out_channels, d, kernel_size=5))
        self.head = nn.Conv2d(d, 1, 5, padding=2)
        initialise(self.encoder, self.bottleneck, self.decoder, self.head)

    def forward(self, x: Tensor) -> Tensor:
        deepest, features, guides = self.encoder(x, self.down)
        d = self.bottleneck(deepest)
        crossing = zip(features[::-1], guides[::-1], strict=True)
        for up, layers, (feature, guide) in zip(self.ups, self.decoder, crossing, strict=True):
            d = layers(up(d, guide, output_size=feature.shape[-2:]))
        return self.head(d)


class RefinementStage(nn.Module):
    """Four 3×3 convolutions at full resolution that correct an alpha matte (Xu et al., Sec. 4.2).

    Args:
        channels: of the three inner layers; 64 is ours, the paper of DeepMatting does not say.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv_relu(4, channels, 3),
            _conv_relu(channels, channels, 3),
            _conv_relu(channels, channels, 3),
            nn.Conv2d(channels, 1, 3, padding=1),
        )
        initialise(self.layers)

    def forward(self, image: Tensor, alpha: Tensor) -> Tensor:
        """Image ``(N, 3, H, W)``, standardised, and alpha ``(N, 1, H, W)`` → alpha."""
        return alpha + self.layers(torch.cat([image, alpha], dim=1))


class RefinedDeepMatting(nn.Module):
    """DeepMatting with its refinement stage (last baseline of Table 5).

    Xu et al. train the first stage, then the second with the first frozen
    (``model.first.requires_grad_(False)``), then both.

    Shape: as :class:`DeepMatting`.
    """

    def __init__(self, resampler: Resampler, *, width: float = 1.0, norm_frozen: bool = False):
        super().__init__()
        self.first = DeepMatting(resampler, width=width, norm_frozen=norm_frozen)
        self.refinement = RefinementStage(scaled(64, width))

    @property
    def encoder(self) -> VGG16:
        return self.first.encoder

    def forward(self, x: Tensor) -> Tensor:
        return self.refinement(x[:, :3], self.first(x))
