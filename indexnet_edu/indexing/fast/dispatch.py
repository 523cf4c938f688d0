"""Where the fast path is taken, and which of its functions computes what."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode

from ..networks import HolisticIndexBlock, OneToOneIndexBlock, SharedSliceConv2d
from ..operators import check_index
from .corners import is_channels_last
from .guide import ColumnGuide
from .o2o_convolution import SliceConv
from .o2o_hidden import hidden_layers
from .o2o_linear import LinearPool
from .pooling import Pool, Upsample

__all__ = ["applies", "can_pool", "can_upsample", "has_hooks", "pool_and_guide", "upsample"]

#: Numbers in a feature map from which a holistic index is faster here; it is few numbers itself,
#: and with smaller maps what a call costs weighs more.
HOLISTIC_FROM = 2**22

#: Rows and columns from which a 4×4 kernel is faster as four products in the usual layout: each
#: channel is a matrix of its own there, and a small one costs more to call than to compute.
CONTEXT_FROM = 64

_CEILINGS: dict[type, float] = {nn.ReLU: float("inf"), nn.ReLU6: 6.0}


def applies(*tensors: Tensor) -> bool:
    """Whether the functions here can take these: plain float32 or float64 on a CPU, run eagerly.

    Under autocast, ``torch.compile``, ``torch.export``, the transforms of ``torch.func``,
    forward-mode differentiation and modes that look at every operation (a counter of FLOPs) the
    clear path is taken.
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
        and forward_ad._current_level < 0
        and _get_current_dispatch_mode() is None
    )


def can_pool(block: nn.Module, x: Tensor) -> bool:
    """Whether the fast path takes these features, ``(N, C, H, W)``, through this block."""
    small = isinstance(block, HolisticIndexBlock) and x.numel() < HOLISTIC_FROM
    return not small and applies(x, *block.parameters()) and _lies_together(x)


def can_upsample(d: Tensor, guide: ColumnGuide) -> bool:
    """Whether the fast path takes these features, ``(N, C, h, w)``, with this guide."""
    return applies(d, guide.columns) and _lies_together(d)


def _lies_together(features: Tensor) -> bool:
    # Gradients lie in memory as features do, and are written through views of one of these layouts.
    return features.is_contiguous() or features.is_contiguous(memory_format=torch.channels_last)


def has_hooks(block: nn.Module) -> bool:
    """Whether layers must be called: a hook may watch them, or make their weights (pruning)."""
    return any(
        module._forward_pre_hooks
        or module._forward_hooks
        or module._backward_pre_hooks
        or module._backward_hooks
        for module in block.modules()
    )


def pool_and_guide(block: nn.Module, x: Tensor, temperature: float) -> tuple[Tensor, ColumnGuide]:
    """Index block, the paper's normalisation and indexed pooling.

    Args:
        block: of :func:`~indexnet_edu.indexing.create_index_block`.
        x: features ``(N, C, H, W)``, H and W even.

    Returns:
        Pooled features ``(N, C, H/2, W/2)`` and the guide.
    """
    layers: Any = block.layers
    if not (isinstance(block, OneToOneIndexBlock) and _is_fused(block, x)):
        y, columns = Pool.apply(x, block(x), temperature)
    elif len(layers) == 1:
        y, columns = LinearPool.apply(x, _first_weight(block, x).flatten(2), temperature)
    else:
        y, columns = Pool.apply(x, _one_to_one_logits(block, x), temperature)
    return y, ColumnGuide(columns, temperature)


def upsample(d: Tensor, guide: ColumnGuide) -> Tensor:
    """Indexed upsampling of ``(N, C, h, w)``; ValueError if the guide does not fit."""
    n, _, g, h, w = guide.columns.shape
    check_index(d, (n, g, 2 * h, 2 * w), 2, "decoder")
    return Upsample.apply(d, guide.columns)


def _is_fused(block: OneToOneIndexBlock, x: Tensor) -> bool:
    """Whether the block itself is computed here, not by its layers."""
    layers: Any = block.layers
    if has_hooks(block) or (len(layers) > 1 and type(layers[2]) not in _CEILINGS):
        return False
    if is_channels_last(x):  # a matrix product runs over all channels, so they must share weights
        return isinstance(layers[0], SharedSliceConv2d)
    return layers[0].weight.shape[-1] == 2 or min(x.shape[2:]) >= CONTEXT_FROM


def _first_weight(block: OneToOneIndexBlock, x: Tensor) -> Tensor:
    """(1 or C, F, k, k)"""
    layers: Any = block.layers
    slices = 1 if isinstance(layers[0], SharedSliceConv2d) else x.shape[1]
    return layers[0].weight.unflatten(0, (slices, -1)).squeeze(2)


def _one_to_one_logits(block: OneToOneIndexBlock, x: Tensor) -> Tensor:
    n, c, height, width = x.shape
    layers: Any = block.layers
    weight = _first_weight(block, x)
    hidden = SliceConv.apply(x, weight)
    if len(weight) > 1:
        hidden = hidden.view(n, -1, hidden.shape[-1])  # (N·C, F, h·w) → (N, C·F, h·w)
    ceiling = _CEILINGS[type(layers[2])]
    second = layers[3].weight.flatten(1)  # (4 or 4·C, e, 1, 1) → (4 or 4·C, e)
    logits = hidden_layers(hidden, layers[1], ceiling, second)
    if is_channels_last(x):
        return logits.view(n, 4, height // 2, width // 2, c).permute(0, 1, 4, 2, 3)
    return logits.view(n, c, 4, height // 2, width // 2).transpose(1, 2)
