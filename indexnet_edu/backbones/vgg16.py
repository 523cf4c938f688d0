"""VGG-16 with batch normalisation (Simonyan, Zisserman, 2015) with torchvision's names."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..resampling import Downsampling, Guide
from .backbone import Backbone, Encoded
from .mobilenet_v2 import scaled

__all__ = ["STAGES", "VGG16"]

#: Channels and convolutions before each halving.
STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
_FC6 = 4096


class VGG16(Backbone):
    """Thirteen 3×3 convolutions (bias, BN, ReLU) in five stages; a pair halves behind each.

    Args:
        in_channels: of the image; 4 for image and trimap.
        width: multiplies all channels, see :func:`~indexnet_edu.backbones.mobilenet_v2.scaled`.
        halved_to: the width behind each of the five downsamplings, ``down.out_channels``; None for
            the stages' own.
        fc6: adds the first fully connected layer as a 7×7 convolution to 4096 channels, with bias
            and ReLU, as DeepMatting has it.
        norm_frozen: see :class:`Backbone`.

    Attributes:
        channels: of the five features.

    Shape: ``(N, in_channels, H, W)`` → features at 1/1 to 1/16 of the size; the deepest at 1/32.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        width: float = 1.0,
        halved_to: Sequence[int] | None = None,
        fc6: bool = False,
        norm_frozen: bool = False,
    ) -> None:
        super().__init__(norm_frozen=norm_frozen)
        self.channels = self.widths(width)
        behind = self.channels if halved_to is None else list(halved_to)
        layers: list[nn.Module] = []
        self._stages: list[tuple[int, int]] = []
        channels = in_channels
        for stage, (_, convolutions) in enumerate(STAGES):
            begin = len(layers)
            for _ in range(convolutions):
                layers += [
                    nn.Conv2d(channels, self.channels[stage], 3, padding=1),
                    nn.BatchNorm2d(self.channels[stage]),
                    nn.ReLU(inplace=True),
                ]
                channels = self.channels[stage]
            self._stages.append((begin, len(layers)))
            layers.append(nn.Identity())  # torchvision's pooling: it keeps the numbers of the rest
            channels = behind[stage]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential()
        self.unused = ("classifier.",)
        if fc6:
            self.classifier.append(nn.Conv2d(channels, scaled(_FC6, width), 7, padding=3))
            self.classifier.append(nn.ReLU(inplace=True))
            self.unused = ("classifier.3.", "classifier.6.")

    @staticmethod
    def widths(width: float = 1.0) -> list[int]:
        """The channels of the five features."""
        return [scaled(channels, width) for channels, _ in STAGES]

    def forward(self, x: Tensor, down: Downsampling | None = None) -> Encoded:
        """See :class:`Encoded`.

        Raises:
            ValueError: no ``down``; this network has no strides of its own.
        """
        if down is None:
            raise ValueError("VGG16 halves by a pair only: pass its downsampling")
        features: list[Tensor] = []
        guides: list[Guide] = []
        layers = list(self.features)
        for stage, (begin, end) in enumerate(self._stages):
            for layer in layers[begin:end]:
                x = layer(x)
            features.append(x)
            x, guide = down(x, stage)
            guides.append(guide)
        return Encoded(self.classifier(x), features, guides)
