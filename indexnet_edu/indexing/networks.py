"""The index blocks: fully convolutional networks that predict an index from a feature map.

Source: "Index Networks", Sec. 4.1–4.3, Fig. 4–7; the hidden widths are those that the paper's
parameter counts need (Tables 5, 7, 8, 10). A block maps features ``(N, C, H, W)`` with even H, W to
logits as columns ``(N, 4, G, H/2, W/2)`` (see :mod:`indexnet_edu.indexing.operators`);
normalisation comes after.

The paper draws depthwise blocks as four parallel columns, one for each corner of the 2×2 regions.
Four convolutions that read the same input are one convolution with four times the outputs, and that
is how they are written here: the same weights, the same function, a quarter of the passes over
memory.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "ACTIVATIONS",
    "FAMILIES",
    "MODES",
    "HolisticIndexBlock",
    "ManyToOneIndexBlock",
    "OneToOneIndexBlock",
    "SharedSliceBatchNorm2d",
    "SharedSliceConv2d",
    "create_index_block",
]

FAMILIES = (
    "holistic",
    "o2o_modelwise",
    "o2o_shared_stagewise",
    "o2o_unshared_stagewise",
    "m2o",
)
MODES = ("linear", "nonlinear", "nonlinear_context")
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6}


class SharedSliceConv2d(nn.Module):
    """One small convolution that every channel slice goes through, whatever the number of slices.

    A slice is ``in_channels`` consecutive channels. The paper reshapes ``(N, C, H, W)`` to
    ``(C·N, 1, H, W)`` for this (Sec. 4.3.1); a grouped convolution with the weight repeated
    computes the same without making C·N tiny images, and is several times faster on a CPU.

    Shape: ``(N, S·in_channels, H, W)`` → ``(N, S·out_channels, H', W')`` for any number
    S of slices.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.stride, self.padding, self.groups = stride, padding, groups
        self.weight = nn.Parameter(
            torch.empty(out_channels, in_channels // groups, kernel_size, kernel_size)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """PyTorch's own default for convolutions."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        slices = x.shape[1] // self.in_channels
        weight = self.weight.repeat(slices, 1, 1, 1)  # (S·out, in/groups, k, k)
        return F.conv2d(
            x, weight, stride=self.stride, padding=self.padding, groups=slices * self.groups
        )

    def macs(self, x: Tensor, y: Tensor) -> int:
        """True multiply-accumulates for one image: every slice costs a convolution."""
        slices = x.shape[1] // self.in_channels
        return slices * self.weight.numel() * y.shape[-2] * y.shape[-1]

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels} per slice, "
            f"kernel_size={tuple(self.weight.shape[2:])}, stride={self.stride}, "
            f"padding={self.padding}, groups={self.groups}"
        )


class SharedSliceBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that all channel slices share: statistics over batch, slices and pixels.

    Shape: ``(N, S·num_features, H, W)`` → the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        slices = x.reshape(-1, self.num_features, *x.shape[2:])  # (N·S, features, H, W)
        return super().forward(slices).reshape(x.shape)


def _first_geometry(mode: str) -> tuple[int, int, int]:
    """Kernel size, stride and padding of the first convolution."""
    # Weak context doubles the kernel; padding 1 keeps the output at half the size.
    return (4, 2, 1) if mode == "nonlinear_context" else (2, 2, 0)


class HolisticIndexBlock(nn.Module):
    """HIN (Sec. 4.2, Fig. 6): one index map for all channels.

    Linear: conv C→4. Nonlinear: conv C→2C, BN, activation, 1×1 conv 2C→4.

    Shape: ``(N, C, H, W)`` → ``(N, 4, 1, H/2, W/2)``.
    """

    def __init__(self, channels: int, mode: str, activation: str = "relu") -> None:
        super().__init__()
        geometry = _first_geometry(mode)
        if mode == "linear":
            self.layers = nn.Sequential(nn.Conv2d(channels, 4, *geometry, bias=False))
        else:
            hidden = 2 * channels
            self.layers = nn.Sequential(
                nn.Conv2d(channels, hidden, *geometry, bias=False),
                nn.BatchNorm2d(hidden),
                ACTIVATIONS[activation](),
                nn.Conv2d(hidden, 4, kernel_size=1, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).unsqueeze(2)  # (N, 4, h, w) → (N, 4, 1, h, w)


class ManyToOneIndexBlock(nn.Module):
    """M2O DIN (Sec. 4.3.2): one index map per channel, each looking at all channels.

    Four columns, each linear: conv C→C; nonlinear: conv C→2C, BN, activation, 1×1 conv 2C→C.

    Shape: ``(N, C, H, W)`` → ``(N, 4, C, H/2, W/2)``.
    """

    def __init__(
        self, channels: int, mode: str, expansion: int = 2, activation: str = "relu"
    ) -> None:
        super().__init__()
        self.channels = channels
        geometry = _first_geometry(mode)
        if mode == "linear":
            self.layers = nn.Sequential(nn.Conv2d(channels, 4 * channels, *geometry, bias=False))
        else:
            hidden = 4 * expansion * channels
            self.layers = nn.Sequential(
                nn.Conv2d(channels, hidden, *geometry, bias=False),
                nn.BatchNorm2d(hidden),
                ACTIVATIONS[activation](),
                nn.Conv2d(hidden, 4 * channels, kernel_size=1, groups=4, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).unflatten(1, (4, self.channels))  # (N, 4·C, h, w) → (N, 4, C, h, w)


class OneToOneIndexBlock(nn.Module):
    """O2O DIN (Sec. 4.3.1, Fig. 7): one index map per channel, looking at its own channel only.

    Four columns, each linear: conv 1→1; nonlinear: conv 1→2, BN, activation, 1×1 conv 2→1, on every
    channel slice. ``channels=None`` shares one such function among all slices, and so fits any
    number of channels (shared stagewise; modelwise when a model uses one block everywhere); a
    number gives each slice weights of its own (unshared stagewise).

    Shape: ``(N, C, H, W)`` → ``(N, 4, C, H/2, W/2)``.
    """

    def __init__(
        self, channels: int | None, mode: str, expansion: int = 2, activation: str = "relu"
    ) -> None:
        super().__init__()
        geometry = _first_geometry(mode)
        hidden = 4 * expansion
        first: nn.Module
        norm: nn.Module
        second: nn.Module
        outputs = 4 if mode == "linear" else hidden
        if channels is None:
            first = SharedSliceConv2d(1, outputs, *geometry)
            norm = SharedSliceBatchNorm2d(hidden)
            second = SharedSliceConv2d(hidden, 4, kernel_size=1, groups=4)
        else:
            first = nn.Conv2d(channels, outputs * channels, *geometry, groups=channels, bias=False)
            norm = nn.BatchNorm2d(hidden * channels)
            second = nn.Conv2d(
                hidden * channels, 4 * channels, kernel_size=1, groups=4 * channels, bias=False
            )
        layers = [first] if mode == "linear" else [first, norm, ACTIVATIONS[activation](), second]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.layers(x).unflatten(1, (x.shape[1], 4))  # (N, C·4, h, w) → (N, C, 4, h, w)
        return logits.transpose(1, 2)  # (N, 4, C, h, w)


def create_index_block(
    channels: int,
    family: str = "m2o",
    mode: str = "nonlinear_context",
    expansion: int = 2,
    activation: str = "relu",
) -> nn.Module:
    """Builds the index block of a family and mode for features of ``channels`` channels.

    Args:
        channels: C of the features ``(N, C, H, W)``.
        family: one of ``FAMILIES`` (Fig. 4). The two shared O2O families give the same block; that
            a modelwise one occurs once in a model is for the model's downsampling to see to.
        mode: one of ``MODES``: linear; with a hidden layer; with a hidden layer and a 4×4 first
            kernel.
        expansion: hidden width of O2O and M2O as a multiple of C. 2 is what the paper's counts
            need, 1 what the released code has; HIN keeps 2C in both.
        activation: ``"relu"`` (paper) or ``"relu6"`` (released code).

    Raises:
        ValueError: an unknown name, or an expansion or number of channels below 1.
    """
    for value, names, what in (
        (family, FAMILIES, "family"),
        (mode, MODES, "mode"),
        (activation, ACTIVATIONS, "activation"),
    ):
        if value not in names:
            raise ValueError(f"unknown {what} {value!r}; choose from {', '.join(names)}")
    if channels < 1 or expansion < 1:
        raise ValueError(
            f"channels and expansion must be at least 1, got {channels} and {expansion}"
        )
    if family == "holistic":
        return HolisticIndexBlock(channels, mode, activation)
    if family == "m2o":
        return ManyToOneIndexBlock(channels, mode, expansion, activation)
    shared = family in ("o2o_modelwise", "o2o_shared_stagewise")
    return OneToOneIndexBlock(None if shared else channels, mode, expansion, activation)
