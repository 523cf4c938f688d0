"""What a pair of downsampling and upsampling costs at each stage of an encoder–decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from ..resampling import Resampler, create_resampler
from .counter import Cost, count, counted

__all__ = ["ResamplerCost", "StageCost", "family_cost", "resampler_cost"]


@dataclass(frozen=True)
class StageCost:
    """One stage: its downsampling, the upsampling that undoes it, and the guide between them.

    ``channels`` and ``size`` are those of the features before downsampling. ``guide_bytes`` is what
    the
    guide of one image occupies: index maps in float32, positions of maxima in int64.
    """

    channels: int
    size: int
    down: Cost
    up: Cost
    guide_bytes: int

    @property
    def cost(self) -> Cost:
        return self.down + self.up


@dataclass(frozen=True)
class ResamplerCost:
    """All stages, and their sums."""

    stages: tuple[StageCost, ...]

    @property
    def cost(self) -> Cost:
        return sum((stage.cost for stage in self.stages), Cost())

    @property
    def guide_bytes(self) -> int:
        return sum(stage.guide_bytes for stage in self.stages)


def resampler_cost(resampler: Resampler, channels: Sequence[int], size: int = 224) -> ResamplerCost:
    """Costs of a pair in an encoder with these channels, from ``size`` × ``size``, halved at each
    stage.

    A parameter counts at the stage that first needs it, so a modelwise block counts once.
    """
    meta = torch.device("meta")
    with meta:  # modules are built inside and run outside, where a call costs half as much
        down = resampler.downsampling(channels).eval()
        ups = [
            resampler.upsampling(*widths)
            for widths in zip(down.out_channels, down.guide_channels, strict=True)
        ]
    called: set[nn.Module] = set()
    for module in down.modules():
        module.register_forward_hook(lambda module, *_: called.add(module))
    known, stages = 0, []
    with torch.no_grad():
        for k, (width, up) in enumerate(zip(channels, ups, strict=True)):
            x = torch.empty(1, width, size, size, device=meta)
            down_cost, (_, guide) = counted(down, x, k)
            needed = sum(p.numel() for m in called for p in m.parameters(recurse=False))
            down_cost = replace(down_cost, parameters=needed - known)
            known = needed
            half = -(-size // 2)
            d = torch.empty(1, down.out_channels[k], half, half, device=meta)
            up_cost = count(up, d, guide, (size, size))
            # A set: with some normalisations both index maps are one tensor.
            tensors = {leaf for leaf in tree_leaves(guide) if isinstance(leaf, Tensor)}
            guide_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
            stages.append(StageCost(width, size, down_cost, up_cost, guide_bytes))
            size = half
    return ResamplerCost(tuple(stages))


def family_cost(
    channels: Sequence[int], size: int, family: str, mode: str, expansion: int = 2
) -> ResamplerCost:
    """Costs of an index network, stage by stage and in all; see :func:`resampler_cost`.

    >>> cost = family_cost([32, 64, 128], 32, "m2o", "linear")
    >>> cost.stages[0].cost.parameters, cost.cost.macs, cost.guide_bytes
    (16384, 16777216, 458752)
    """
    resampler = create_resampler("indexnet", family=family, mode=mode, expansion=expansion)
    return resampler_cost(resampler, channels, size)
