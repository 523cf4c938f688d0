"""DnCNN, and as many layers around three downsamplings, DnCNN-SegNet (Sec. 6.2, Fig. 12).

Both are residual: they predict the noise and give the image without it. The paper says so of
DnCNN only; that its CARAFE rows show the figures of the noisy input, which a network that predicts
nothing then gives, says it of the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from ...resampling import Resampler
from .recipe import DenoisingRecipe

__all__ = ["DnCNN", "DnCNNSegNet", "build_dncnn", "build_segnet"]

_BEFORE_DOWN = (2, 2, 3)  # convolutions of each encoder stage, as in VGG-16
_AFTER_UP = 2


def _conv_bn_relu(
    in_channels: int, out_channels: int, bias: bool = True, stride: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=bias),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def _initialise(convolutions: nn.Module) -> None:
    """The paper's "improved Xavier": normal with variance 2 / fan-in (He et al., 2015)."""
    for module in convolutions.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class DnCNN(nn.Module):
    """Seventeen 3×3 convolutions at full resolution (Zhang et al., 2017), no biases.

    Args:
        channels: of every layer between the first and the last.
        layers: convolutions in all.

    Shape: noisy ``(N, 1, H, W)`` → denoised, the same, not clipped.
    """

    def __init__(self, channels: int = 64, layers: int = 17) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            *(_conv_bn_relu(channels, channels, bias=False) for _ in range(layers - 2)),
            nn.Conv2d(channels, 1, 3, padding=1, bias=False),
        )
        _initialise(self.body)

    def forward(self, x: Tensor) -> Tensor:
        return x - self.body(x)


class DnCNNSegNet(nn.Module):
    """DnCNN's seventeen convolutions as an encoder–decoder; any pair goes up and down.

    64, 64, D, 128, 128, D, 256, 256, 256, D, 512, 512, 256, U, 128, 128, U, 64, 64, U, 64, 64, 1.

    Args:
        resampler: the pair. One that changes widths (space-to-depth) makes the layer behind it
            wider.
        widths: of the three encoder stages.

    Shape: noisy ``(N, 1, H, W)`` → denoised, the same, not clipped; H and W from 5. A size that
    eight does not divide is mirrored at its lower and right border up to the next multiple, and the
    result is cropped.
    """

    def __init__(self, resampler: Resampler, widths: Sequence[int] = (64, 128, 256)) -> None:
        super().__init__()
        self.down = resampler.downsampling(widths)
        self.multiple = 2 ** len(widths)
        self.encoder, self.decoder, self.ups = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        channels = 1
        for stage, width in enumerate(widths):
            layers = nn.Sequential()
            for layer in range(_BEFORE_DOWN[stage]):
                last = layer == _BEFORE_DOWN[stage] - 1
                stride = self.down.conv_stride if last else 1  # a blind pair's own convolution
                layers.append(_conv_bn_relu(channels, width, stride=stride))
                channels = width
            self.encoder.append(layers)
            channels = self.down.out_channels[stage]
        deepest = 2 * widths[-1]
        self.bottleneck = nn.Sequential(
            _conv_bn_relu(channels, deepest),
            _conv_bn_relu(deepest, deepest),
            _conv_bn_relu(deepest, widths[-1]),
        )
        channels = widths[-1]
        narrower = (*widths[-2::-1], widths[0])  # 128, 64, 64
        for width, guide_channels in zip(narrower, self.down.guide_channels[::-1], strict=True):
            up = resampler.upsampling(channels, guide_channels)
            self.ups.append(up)
            layers, channels = nn.Sequential(), up.out_channels
            for _ in range(_AFTER_UP):
                layers.append(_conv_bn_relu(channels, width))
                channels = width
            self.decoder.append(layers)
        self.head = nn.Conv2d(channels, 1, 3, padding=1)
        for part in (self.encoder, self.bottleneck, self.decoder, self.head):
            _initialise(part)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        missing = (0, -width % self.multiple, 0, -height % self.multiple)
        padded = F.pad(x, missing, mode="reflect") if any(missing) else x
        return x - self._noise(padded)[..., :height, :width]

    def _noise(self, x: Tensor) -> Tensor:
        crossing = []  # the guide of each stage, and the size to come back to
        for stage, layers in enumerate(self.encoder):
            size = x.shape[-2:]  # before a stride that the last convolution itself may have
            x, guide = self.down(layers(x), stage)
            crossing.append((guide, size))
        x = self.bottleneck(x)
        for up, layers, (guide, size) in zip(self.ups, self.decoder, crossing[::-1], strict=True):
            x = layers(up(x, guide, output_size=size))
        return self.head(x)


def _scaled(channels: int, width: float) -> int:
    """A share of the paper's channels, a multiple of four, which depth-to-space needs."""
    return max(4, 4 * round(channels * width / 4))


def build_segnet(resampler: Resampler, recipe: DenoisingRecipe) -> DnCNNSegNet:
    """DnCNN-SegNet for a pair, as wide as a recipe says."""
    return DnCNNSegNet(resampler, [_scaled(channels, recipe.width) for channels in (64, 128, 256)])


def build_dncnn(resampler: None, recipe: DenoisingRecipe) -> DnCNN:
    """DnCNN, as wide as a recipe says; nothing is resampled."""
    return DnCNN(_scaled(64, recipe.width))
