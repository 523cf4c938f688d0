"""The paper's matting network on MobileNetV2 (Sec. 6.1.1, Fig. 9): B5 to B11 and all of Table 5's
index networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...backbones import MobileNetV2, scaled
from ...backbones.mobilenet_v2 import HALVED
from ...resampling import Resampler
from .layers import ASPP, alpha_head, conv_bn_relu6, initialise

__all__ = ["FUSIONS", "EncoderDecoder"]

#: What the decoder gets of the encoder's features (Sec. 6.1.2).
FUSIONS = ("none", "skip", "concat")
_KERNEL = 5


class EncoderDecoder(nn.Module):
    """Five times down, context, five times up; any pair. Seven 5×5 convolutions and a head.

    The decoder meets the encoder's features in reverse, from 160 channels at 1/16 to the stem's.
    Two of them, with 96 and 16 channels, follow no downsampling, so that nothing is upsampled
    before them.

    Args:
        resampler: the pair.
        fusion: ``"none"``; ``"skip"`` adds the encoder's feature, ``"concat"`` puts it beside the
            decoder's.
        context: ASPP at the deepest place (320→160), else one 1×1 convolution.
        width: multiplies all channels, see :func:`~indexnet_edu.backbones.mobilenet_v2.scaled`.
        masked_skip: features are fused as the pair hands them over, encoder index ⊙ x for index
            networks (the released code); False fuses x.
        pad_before_expansion, norm_frozen: see :class:`~indexnet_edu.backbones.MobileNetV2`.

    Raises:
        ValueError: an unknown fusion, a pair whose stride belongs into the network's own
            convolutions, or one that does not keep widths where features are added.

    Shape: ``(N, 4, H, W)``, image and trimap → alpha ``(N, 1, H, W)``, not clipped; H and W from
    17.
    """

    def __init__(
        self,
        resampler: Resampler,
        *,
        fusion: str = "concat",
        context: bool = True,
        width: float = 1.0,
        masked_skip: bool = True,
        pad_before_expansion: bool = True,
        norm_frozen: bool = False,
    ) -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise ValueError(f"unknown fusion {fusion!r}; choose from {', '.join(FUSIONS)}")
        self.fusion, self.masked_skip = fusion, masked_skip
        channels = MobileNetV2.widths(width)
        self.down = resampler.downsampling([channels[group] for group in HALVED])
        if self.down.conv_stride != 1:
            raise ValueError(
                f"{resampler} leaves the stride to a convolution in front, and this encoder's "
                "stages end in sums of several: take the pair with own_convolution=True"
            )
        self.encoder = MobileNetV2(
            4,
            width=width,
            halved_to=self.down.out_channels,
            pad_before_expansion=pad_before_expansion,
            norm_frozen=norm_frozen,
        )
        narrow = channels[HALVED[-1]]
        self.bottleneck = (
            ASPP(channels[-1], narrow, scaled(256, width))
            if context
            else conv_bn_relu6(channels[-1], narrow)
        )
        self.ups, self.decoder = nn.ModuleList(), nn.ModuleList()
        d = narrow
        for group in range(HALVED[-1], -1, -1):
            if group in HALVED:
                up = resampler.upsampling(d, self.down.guide_channels[HALVED.index(group)])
                self.ups.append(up)
                d = up.out_channels
            if fusion == "skip" and d != channels[group]:
                raise ValueError(
                    f"{resampler} brings {d} channels to an encoder's feature of "
                    f'{channels[group]}, which cannot be added: take fusion "concat"'
                )
            reads = d + channels[group] if fusion == "concat" else d
            d = channels[max(group - 1, 0)]
            self.decoder.append(conv_bn_relu6(reads, d, _KERNEL))
        self.head = alpha_head(d, _KERNEL)
        initialise(self.encoder, self.bottleneck, self.decoder, self.head)

    def forward(self, x: Tensor) -> Tensor:
        deepest, features, guides = self.encoder(x, self.down)
        d = self.bottleneck(deepest)
        ups = iter(self.ups)
        for group, layers in zip(range(HALVED[-1], -1, -1), self.decoder, strict=True):
            feature = features[group]
            if group in HALVED:
                guide = guides[HALVED.index(group)]
                d = next(ups)(d, guide, output_size=feature.shape[-2:])
                if self.masked_skip and self.fusion != "none":
                    feature = self.down.skip(feature, guide)
            if self.fusion == "skip":
                d = d + feature
            elif self.fusion == "concat":
                d = torch.cat([d, feature], dim=1)
            d = layers(d)
        return self.head(d)
