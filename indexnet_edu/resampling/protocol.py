"""The protocol of all resamplers: downsampling hands a guide to upsampling.

A downsampling serves all stages of an encoder, since a modelwise IndexNet is one module for all of
them; an upsampling serves one use. Models take both from a
:class:`~indexnet_edu.resampling.factory.Resampler` and treat the guide as opaque, so any pair fits
any model.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from ..indexing import IndexGuide
from ..indexing.fast import ColumnGuide

__all__ = ["Downsampling", "Guide", "Upsampling"]

#: Nothing (blind), positions of maxima (max pooling), or a pair of index maps (IndexNet).
Guide = Tensor | IndexGuide | ColumnGuide | None


class Downsampling(nn.Module):
    """Halves feature maps, all stages of an encoder, and says what crosses to the decoder.

    Args:
        channels: the width of the features at each stage.

    Attributes:
        out_channels: width after downsampling, per stage.
        guide_channels: width of the guide, per stage; None for a blind operator.
        conv_stride: 2 where the model's own convolution in front of the downsampling must have that
            stride (and this module then leaves features as they are), else 1.
    """

    conv_stride: int = 1

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = list(channels)
        self.out_channels: list[int] = list(channels)
        self.guide_channels: list[int | None] = [None] * len(self.channels)

    def forward(self, x: Tensor, stage: int = 0) -> tuple[Tensor, Guide]:
        """``(N, C, H, W)`` → ``(N, out_channels[stage], ⌈H/2⌉, ⌈W/2⌉)`` and the guide.

        Odd sizes are padded by repeating the last row or column: zero padding would take weight
        away from the border under indexed pooling.

        Raises:
            ValueError: another width than the stage was built for, or nothing left to halve.
        """
        if not 0 <= stage < len(self.channels):
            last = len(self.channels) - 1
            raise ValueError(f"stage {stage}: this encoder has stages 0 to {last}")
        if x.ndim != 4 or x.shape[1] != self.channels[stage]:
            raise ValueError(
                f"stage {stage} takes (N, {self.channels[stage]}, H, W), got {tuple(x.shape)}"
            )
        height, width = x.shape[-2:]
        if height < 2 or width < 2:
            raise ValueError(
                f"cannot halve a {height}×{width} feature map (stage {stage}): use a larger image"
            )
        if height % 2 or width % 2:
            x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        return self.downsample(x, stage)

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        """What a pair implements: ``x`` has the stage's width and even sizes."""
        raise NotImplementedError

    def skip(self, x: Tensor, guide: Guide) -> Tensor:
        """The feature that a skip connection carries: ``x``, unless an operator masks it."""
        return x


class Upsampling(nn.Module):
    """Doubles a feature map, once in a decoder, with the guide of the stage that it undoes.

    Args:
        channels: width of the features that come in.
        guide_channels: width of the guide, ``down.guide_channels[stage]``; blind operators ignore
            it.

    Attributes:
        out_channels: width of the features that go out.
    """

    def __init__(self, channels: int, guide_channels: int | None = None) -> None:
        super().__init__()
        self.channels = channels
        self.out_channels = channels

    def forward(
        self, d: Tensor, guide: Guide = None, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """``(N, C, h, w)`` → ``(N, out_channels, 2h, 2w)``, cropped to ``output_size`` where given.

        Args:
            output_size: (H, W) of the encoder's features before downsampling; 2h−1 or 2h, w alike.

        Raises:
            ValueError: a guide that is missing or does not fit ``d``, or an impossible
                ``output_size``.
        """
        height, width = 2 * d.shape[-2], 2 * d.shape[-1]
        wanted = (height, width) if output_size is None else tuple(output_size)
        if wanted[0] not in (height - 1, height) or wanted[1] not in (width - 1, width):
            raise ValueError(
                f"cannot upsample {tuple(d.shape[-2:])} to {wanted}: "
                f"possible are {height - 1} or {height} by {width - 1} or {width}"
            )
        y = self.upsample(d, guide)
        return y if wanted == (height, width) else y[..., : wanted[0], : wanted[1]]

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        """What a pair implements: exactly twice the size."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"{self.channels} → {self.out_channels}"
