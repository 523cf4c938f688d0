"""The baseline: an index network exactly as Sec. 4 writes it down, one plain operation a word.

Four separate columns, stacked; sigmoid; softmax; pixel shuffle; multiply; average pooling times
four; nearest interpolation; multiply. Weights are taken from a block of the package. It is the
oracle of the fast path's tests and what ``benchmarks/operators.py`` compares with.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from indexnet_edu.indexing.networks import HolisticIndexBlock, ManyToOneIndexBlock

__all__ = ["PaperOperators"]


class PaperOperators(nn.Module):
    """Index block, indexed pooling and indexed upsampling of x (N, C, H, W), even H and W.

    Args:
        block: of ``create_index_block``; its weights and statistics are copied.
        channels: C.
    """

    def __init__(self, block: nn.Module, channels: int, temperature: float = 1.0) -> None:
        super().__init__()
        self.channels, self.temperature = channels, temperature
        self.holistic = isinstance(block, HolisticIndexBlock)
        first = block.layers[0]
        self.shared = not isinstance(first, nn.Conv2d)
        self.columns = nn.ModuleList(
            self._column(block, None if self.holistic else position) for position in range(4)
        )
        if self.holistic:
            del self.columns[1:]

    def _column(self, block: nn.Module, position: int | None) -> nn.Sequential:
        """One column's layers; position None is a holistic block, which has one for all four."""
        many_to_one = isinstance(block, ManyToOneIndexBlock)
        slices = 1 if self.holistic or many_to_one or self.shared else self.channels

        def part(tensor: Tensor) -> Tensor:
            if position is None:
                return tensor.detach().clone()
            grouped = tensor.detach().unflatten(0, (slices, 4, -1))
            return grouped[:, position].flatten(0, 1).clone()

        layers: list[nn.Module] = []
        for layer in block.layers:
            if isinstance(layer, nn.BatchNorm2d):
                norm = nn.BatchNorm2d(len(part(layer.weight))).to(layer.weight.dtype)
                norm.load_state_dict(
                    {k: part(v) if v.ndim else v for k, v in layer.state_dict().items()}
                )
                layers.append(norm)
            elif hasattr(layer, "weight"):
                weight = part(layer.weight)
                groups = slices
                conv = nn.Conv2d(
                    weight.shape[1] * groups, len(weight), weight.shape[2], layer.stride,
                    layer.padding, groups=groups, bias=False,
                ).to(weight.dtype)  # fmt: skip
                conv.weight = nn.Parameter(weight)
                layers.append(conv)
            else:
                layers.append(copy.deepcopy(layer))
        return nn.Sequential(*layers)

    def logits(self, x: Tensor) -> Tensor:
        """(N, G, H, W)"""
        n, c, height, width = x.shape
        if self.holistic:
            return F.pixel_shuffle(self.columns[0](x), 2)
        if self.shared:
            x = x.reshape(n * c, 1, height, width)
        columns = [column(x).reshape(n, c, height // 2, width // 2) for column in self.columns]
        return F.pixel_shuffle(torch.stack(columns, dim=2).flatten(1, 2), 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features and those features upsampled again."""
        decoder = torch.sigmoid(self.logits(x))
        regions = F.pixel_unshuffle(decoder, 2).unflatten(1, (-1, 4)) / self.temperature
        encoder = F.pixel_shuffle(torch.softmax(regions, dim=2).flatten(1, 2), 2)
        y = F.avg_pool2d(encoder * x, 2) * 4
        return y, decoder * F.interpolate(y, scale_factor=2, mode="nearest")
