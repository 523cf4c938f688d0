"""Layers that several of the matting networks share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["ASPP", "alpha_head", "conv_bn_relu6", "initialise"]


def conv_bn_relu6(in_channels: int, out_channels: int, kernel_size: int = 1) -> nn.Sequential:
    """A convolution without bias that keeps the size, BN, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU6(inplace=True),
    )


def alpha_head(in_channels: int, kernel_size: int = 5) -> nn.Sequential:
    """Features → one channel, BN, ReLU6, and once more: alpha, not clipped."""
    padding = kernel_size // 2
    return nn.Sequential(
        *conv_bn_relu6(in_channels, 1, kernel_size),
        nn.Conv2d(1, 1, kernel_size, padding=padding, bias=False),
    )


def initialise(*parts: nn.Module) -> None:
    """Convolutions normal with variance 2 / (k²·C_out), biases 0, as in the released code."""
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv2d):
                height, width = module.kernel_size
                std = math.sqrt(2 / (height * width * module.out_channels))
                nn.init.normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (Chen et al., ECCV 2018) of depthwise convolutions.

    A 1×1 convolution, three dilated 3×3 depthwise ones each with a 1×1, and the mean of the whole
    map; all concatenated and narrowed by a 1×1; dropout of one half.

    Args:
        in_channels, out_channels: widths.
        inner_channels: of each of the five branches.
        dilations: of the depthwise convolutions.

    Raises (in ``forward``):
        ValueError: one image a batch in training; the branch of the mean normalises over the batch.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        inner_channels: int = 256,
        dilations: Sequence[int] = (2, 4, 8),
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList([conv_bn_relu6(in_channels, inner_channels)])
        for dilation in dilations:
            depthwise = nn.Conv2d(
                in_channels,
                in_channels,
                3,
                padding=dilation,
                dilation=dilation,
                groups=in_channels,
                bias=False,
            )
            self.branches.append(
                nn.Sequential(
                    depthwise,
                    nn.BatchNorm2d(in_channels),
                    nn.ReLU6(inplace=True),
                    *conv_bn_relu6(in_channels, inner_channels),
                )
            )
        self.mean = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), *conv_bn_relu6(in_channels, inner_channels)
        )
        self.narrow = nn.Sequential(
            *conv_bn_relu6((len(dilations) + 2) * inner_channels, out_channels), nn.Dropout(0.5)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.shape[0] == 1:
            raise ValueError(
                "ASPP cannot train on one image: its mean is normalised over the batch; "
                "use a batch size of at least 2 that leaves no single image over"
            )
        mean = self.mean(x).expand(-1, -1, *x.shape[-2:])  # nearest, from one pixel
        return self.narrow(torch.cat([*(branch(x) for branch in self.branches), mean], dim=1))
