"""Which of the fast functions computes which index block."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode

from ..networks import HolisticIndexBlock, OneToOneIndexBlock
from ..operators import check_index
from .blocks import is_channels_last
from .convolution import RegionConv
from .guide import ColumnGuide
from .hidden import hidden_layers
from .holistic import HolisticPool, HolisticUpsample
from .many_to_one import ManyToOnePool
from .operators import LinearPool, Pool, Upsample
from .slices import SliceConv

__all__ = ["applies", "can_pool", "can_upsample", "pool_and_guide", "upsample"]


def applies(*tensors: Tensor) -> bool:
    """Whether the functions here can take these: plain float32 or float64 on a CPU, run eagerly.

    Under autocast, ``torch.compile``, ``torch.export``, the transforms of ``torch.func`` and modes
    that look at every operation (a counter of FLOPs) the clear path is taken.
    """
    return (
        all(
            type(t) in (Tensor, nn.Parameter)
            and t.device.type == "cpu"
            and t.dtype in (torch.float32, torch.float64)
            and t.dtype == tensors[0].dtype
            and t.numel() > 0
            for t in tensors
        )
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
        and not torch.jit.is_tracing()
        and not torch._C._are_functorch_transforms_active()
        and _get_current_dispatch_mode() is None
    )


def can_pool(block: nn.Module, x: Tensor) -> bool:
    """Whether the fast path takes these features, ``(N, C, H, W)``, through this block."""
    return applies(x, *block.parameters()) and _lies_together(x)


def can_upsample(d: Tensor, guide: ColumnGuide) -> bool:
    """Whether the fast path takes these features, ``(N, C, h, w)``, with this guide."""
    return applies(d, guide.columns) and _lies_together(d)


def _lies_together(features: Tensor) -> bool:
    # Gradients lie in memory as features do, and are written through views of one of these layouts.
    return features.is_contiguous() or features.is_contiguous(memory_format=torch.channels_last)


def pool_and_guide(block: nn.Module, x: Tensor, temperature: float) -> tuple[Tensor, ColumnGuide]:
    """Index block, the paper's normalisation and indexed pooling.

    Args:
        block: of :func:`~indexnet_edu.indexing.create_index_block`.
        x: features ``(N, C, H, W)``, H and W even.

    Returns:
        Pooled features ``(N, C, H/2, W/2)`` and the guide.
    """
    y, columns = _pool_and_columns(block, x, temperature)
    return y, ColumnGuide(columns, temperature)


def upsample(d: Tensor, guide: ColumnGuide) -> Tensor:
    """Indexed upsampling of ``(N, C, h, w)``; ValueError if the guide does not fit."""
    n, _, g, h, w = guide.columns.shape
    check_index(d, (n, g, 2 * h, 2 * w), 2, "decoder")
    return (HolisticUpsample if g == 1 else Upsample).apply(d, guide.columns)


def _pool_and_columns(block: nn.Module, x: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    layers: Any = block.layers
    linear = len(layers) == 1
    if isinstance(block, HolisticIndexBlock):
        logits, weight = (None, layers[0].weight) if linear else (_dense_logits(block, x), None)
        return HolisticPool.apply(x, logits, weight, temperature)
    if isinstance(block, OneToOneIndexBlock):
        if not _suits(block, x):
            return Pool.apply(x, block(x), temperature)
        weight = _first_weight(block, x.shape[1])
        if linear:
            return LinearPool.apply(x, weight.flatten(2), temperature)
        return Pool.apply(x, _one_to_one_logits(block, x, weight), temperature)
    if linear:
        return ManyToOnePool.apply(x, layers[0].weight, temperature)
    return Pool.apply(x, _dense_logits(block, x), temperature)


def _suits(block: OneToOneIndexBlock, x: Tensor) -> bool:
    # In channels-last memory a matrix product runs over all channels, so they must share weights.
    return not is_channels_last(x) or not isinstance(block.layers[0], nn.Conv2d)


def _first_weight(block: OneToOneIndexBlock, channels: int) -> Tensor:
    """(1 or C, F, k, k)"""
    weight: Tensor = block.layers[0].weight  # type: ignore[assignment]
    slices = channels if isinstance(block.layers[0], nn.Conv2d) else 1
    return weight.view(slices, -1, *weight.shape[2:])


def _one_to_one_logits(block: OneToOneIndexBlock, x: Tensor, weight: Tensor) -> Tensor:
    n, c, height, width = x.shape
    h, w = height // 2, width // 2
    layers: Any = block.layers
    hidden = SliceConv.apply(x, weight)
    columns = layers[3].weight.view(len(weight), 4, -1)
    # Each column has hidden features of its own: (S, 4, e) → block-diagonal (S, 4, 4·e).
    matrix = torch.diag_embed(columns.transpose(1, 2)).permute(0, 2, 3, 1).flatten(2)
    if len(weight) > 1:
        hidden = hidden.view(n, -1, hidden.shape[-1])
    logits = hidden_layers(hidden, layers[1], _ceiling(layers[2]), matrix)
    if is_channels_last(x):
        return logits.view(n, 4, h, w, c).permute(0, 1, 4, 2, 3)
    return logits.view(n, c, 4, h, w).transpose(1, 2)


def _dense_logits(block: nn.Module, x: Tensor) -> Tensor:
    """Holistic and M2O: the first convolution, then the rest in one."""
    layers: Any = block.layers
    weight = layers[0].weight
    hidden = RegionConv.apply(x, weight) if weight.shape[-1] == 2 else layers[0](x)
    n, _, h, w = hidden.shape
    last = is_channels_last(x)
    # (N, F, h·w), or in channels-last memory (1, F, N·h·w)
    if last:
        hidden = hidden.transpose(0, 1).flatten(1).unsqueeze(0)
    else:
        hidden = hidden.flatten(2).contiguous()
    second = layers[3].weight  # (4, 2C, 1, 1) or four groups, (4·C, 2C, 1, 1)
    groups = 1 if isinstance(block, HolisticIndexBlock) else 4
    matrix = second.view(groups, -1, second.shape[1])
    logits = hidden_layers(hidden, layers[1], _ceiling(layers[2]), matrix)
    if last:
        logits = logits[0].unflatten(1, (n, -1)).transpose(0, 1)
    return logits.unflatten(2, (h, w)).unflatten(1, (4, -1))


def _ceiling(activation: nn.Module) -> float:
    return 6.0 if isinstance(activation, nn.ReLU6) else float("inf")
