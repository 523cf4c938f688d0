"""The encoder–decoder of Sec. 5.3:
C(32)–D–C(64)–D–C(128)–D–C(256)–C(128)–U–C(64)–U–C(32)–U–C(1)."""

from __future__ import annotations

from torch import Tensor, nn

from ...engine.recipe import Recipe
from ...resampling import Resampler

__all__ = ["ReconstructionNet", "build_model"]


def _conv_bn_relu(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """C(k): a 3×3 convolution, BN, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class ReconstructionNet(nn.Module):
    """Squeezes a grey image to an eighth of its size and rebuilds it; D and U are a resampler's
    pair.

    Args:
        resampler: the pair; space-to-depth makes the layers after it wider, so its network is
            larger.
        widths: of the encoder's stages, and in reverse of the decoder's three upsamplings.

    Shape: ``(N, 1, H, W)`` → the same, values about [0, 1] but not clipped; H and W from 5, so that
    three halvings have something to halve.
    """

    def __init__(self, resampler: Resampler, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        self.down = resampler.downsampling(widths)
        self.encoder = nn.ModuleList()
        channels = 1
        for stage, width in enumerate(widths):
            self.encoder.append(_conv_bn_relu(channels, width, stride=self.down.conv_stride))
            channels = self.down.out_channels[stage]
        self.bottleneck = _conv_bn_relu(channels, 2 * widths[-1])
        self.decoder, self.ups = nn.ModuleList(), nn.ModuleList()
        channels = 2 * widths[-1]
        for width, guide_channels in zip(widths[::-1], self.down.guide_channels[::-1], strict=True):
            self.decoder.append(_conv_bn_relu(channels, width))
            up = resampler.upsampling(width, guide_channels)
            self.ups.append(up)
            channels = up.out_channels
        self.head = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        crossing = []  # the guide of each stage, and the size to come back to
        for stage, conv in enumerate(self.encoder):
            size = x.shape[-2:]  # before a stride that the convolution itself may have
            x, guide = self.down(conv(x), stage)
            crossing.append((guide, size))
        x = self.bottleneck(x)
        for conv, up, (guide, size) in zip(self.decoder, self.ups, crossing[::-1], strict=True):
            x = up(conv(x), guide, output_size=size)
        return self.head(x)


def build_model(resampler: Resampler, recipe: Recipe) -> ReconstructionNet:
    """The network of Table 3 for a pair."""
    return ReconstructionNet(resampler)
