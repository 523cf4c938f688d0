"""MobileNetV2 (Sandler et al., CVPR 2018) with torchvision's names, without its classifier."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from ..resampling import Downsampling, Guide
from .backbone import Backbone, Encoded

__all__ = ["GROUPS", "MobileNetV2", "scaled"]

STEM = 32
#: Expansion t, channels c, blocks n and stride s of each group behind the stem (their Table 2).
GROUPS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
#: Behind which features a pair halves: 32, 24, 32, 64 and 160 channels (Sec. 6.1.1, Fig. 9). The
#: stem is number 0.
HALVED = (0, 2, 3, 4, 6)


def scaled(channels: int, width: float) -> int:
    """A share of some channels.

    Above 1 it is cut to a whole number, the rule of the paper's released code. Below 1, where there
    is none, it is a multiple of four, which depth-to-space needs.
    """
    return int(width * channels) if width >= 1 else max(4, 4 * round(width * channels / 4))


def _conv_bn(
    in_channels: int, out_channels: int, kernel_size: int = 1, **options: Any
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, bias=False, **options),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """1×1 expansion, 3×3 depthwise convolution, 1×1 projection; plus the input where it fits.

    Args:
        in_channels, out_channels: widths.
        expansion: of the hidden width; 1 leaves the first convolution out.
        stride, dilation: of the depthwise convolution.
        pad_before_expansion: the border that it needs is put around the block's input instead of
            its own. It is zero there, but relu6(BN(0)) behind the expansion.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        expansion: int,
        stride: int,
        dilation: int,
        pad_before_expansion: bool,
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.border = dilation if pad_before_expansion else 0
        self.residual = stride == 1 and in_channels == out_channels
        layers: list[nn.Module] = [] if expansion == 1 else [_conv_bn(in_channels, hidden)]
        depthwise = _conv_bn(
            hidden,
            hidden,
            3,
            stride=stride,
            padding=0 if pad_before_expansion else dilation,
            dilation=dilation,
            groups=hidden,
        )
        projection = nn.Conv2d(hidden, out_channels, 1, bias=False)
        self.conv = nn.Sequential(*layers, depthwise, projection, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(F.pad(x, [self.border] * 4) if self.border else x)
        return x + y if self.residual else y


class MobileNetV2(Backbone):
    """The stem and the seven groups of inverted residuals: eight features.

    Args:
        in_channels: of the image; 4 for image and trimap.
        width: multiplies all channels, see :func:`scaled`.
        halved_to: with a pair in place of the strides, the width behind each of its five
            downsamplings, ``down.out_channels``; the network then has no strides at all. None keeps
            its own.
        output_stride: 32; or 16, where the last stride is left out and the layers behind it are
            dilated (own strides only).
        pad_before_expansion: see :class:`InvertedResidual`. The paper's matting counts need it;
            the published weights were trained without.
        norm_frozen: see :class:`Backbone`.

    Attributes:
        channels: of the eight features.

    Shape: ``(N, in_channels, H, W)`` → features of ``channels``. With a pair at 1/1 (the stem),
    1/2, 1/2, 1/4, 1/8, 1/16, 1/16 and 1/32 of the size, else at half of that, but at least 1/32 or
    1/``output_stride``.
    """

    unused = ("features.18.", "classifier.")

    def __init__(
        self,
        in_channels: int = 3,
        *,
        width: float = 1.0,
        halved_to: Sequence[int] | None = None,
        output_stride: int = 32,
        pad_before_expansion: bool = False,
        norm_frozen: bool = False,
    ) -> None:
        super().__init__(norm_frozen=norm_frozen)
        if output_stride not in (16, 32) or (halved_to is not None and output_stride != 32):
            raise ValueError(
                f"output_stride is 32, or 16 with the network's own strides, got {output_stride}"
            )
        self.channels = self.widths(width)
        behind = list(self.channels)  # what the next group reads
        if halved_to is not None:
            for group, channels in zip(HALVED, halved_to, strict=True):
                behind[group] = channels
        own = halved_to is None
        stem = _conv_bn(in_channels, self.channels[0], 3, stride=2 if own else 1, padding=1)
        layers: list[nn.Module] = [stem]
        reached, dilation = 2, 1
        for group, (expansion, _, blocks, stride) in enumerate(GROUPS, 1):
            stride = stride if own else 1
            dilated = stride == 2 and reached == output_stride
            reached *= 1 if dilated else stride
            for block in range(blocks):
                first = block == 0
                layers.append(
                    InvertedResidual(
                        behind[group - 1] if first else self.channels[group],
                        self.channels[group],
                        expansion,
                        stride if first and not dilated else 1,
                        dilation,
                        pad_before_expansion,
                    )
                )
                if dilated and first:  # the block that lost its stride looks at the old places
                    dilation *= 2
        self.features = nn.Sequential(*layers)
        self._ends = list(accumulate([1, *(blocks for _, _, blocks, _ in GROUPS)], initial=0))

    @staticmethod
    def widths(width: float = 1.0) -> list[int]:
        """The channels of the eight features."""
        return [scaled(channels, width) for channels in (STEM, *(c for _, c, _, _ in GROUPS))]

    def forward(self, x: Tensor, down: Downsampling | None = None) -> Encoded:
        """See :class:`Encoded`; ``down`` halves behind each feature of ``HALVED``."""
        features: list[Tensor] = []
        guides: list[Guide] = []
        layers = list(self.features)
        for group, (begin, end) in enumerate(pairwise(self._ends)):
            for layer in layers[begin:end]:
                x = layer(x)
            features.append(x)
            if down is not None and group in HALVED:
                x, guide = down(x, len(guides))
                guides.append(guide)
        return Encoded(x, features, guides)
