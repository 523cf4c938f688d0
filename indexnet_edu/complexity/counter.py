"""One counter over real modules, on the meta device, so that nothing is computed.

Two counts stand side by side. *True* multiply-accumulates (MACs) are what one image costs. The
*paper's* count (Tables 5, 7, 8, 10, there called GFLOPs) is Σ weight.numel() · H_out · W_out over
the convolutions, divided by 2³⁰. It ignores the batch dimension, and the modelwise and shared O2O
networks fold the channels into the batch, so for them it is C times too small. Neither counts bias,
BN, activations, pooling or products of an index and a feature; CARAFE's reassembly is in the true
count only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_map_only

from ..indexing.networks import SharedSliceConv2d

__all__ = ["GIGA", "Cost", "count", "counted", "parameters_of"]

#: The paper's "G".
GIGA = 2**30

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d, SharedSliceConv2d)


@dataclass(frozen=True)
class Cost:
    """Parameters, true MACs of one image, and MACs as the paper counts them."""

    parameters: int = 0
    macs: int = 0
    paper_macs: int = 0

    @property
    def paper_gflops(self) -> float:
        """The paper's "GFLOPs": MACs in units of 2³⁰."""
        return self.paper_macs / GIGA

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters + other.parameters,
            self.macs + other.macs,
            self.paper_macs + other.paper_macs,
        )


def parameters_of(module: nn.Module) -> int:
    """How many numbers the module learns; what is shared counts once."""
    return sum(parameter.numel() for parameter in module.parameters())


def count(module: nn.Module, *inputs: Any) -> Cost:
    """The cost of one forward pass of ``module(*inputs)``; see :func:`counted`."""
    return counted(module, *inputs)[0]


def counted(module: nn.Module, *inputs: Any) -> tuple[Cost, Any]:
    """Counts one forward pass of ``module(*inputs)``, in evaluation mode and on the meta device.

    Works for a module on any device and leaves it as it was. Counted are ``nn.Conv2d``,
    ``nn.ConvTranspose2d`` and modules that say themselves what an image costs, by a method
    ``macs(x, y)`` of their input and output.

    Args:
        module: the network; a module called twice costs twice, its parameters count once.
        inputs: what it takes: tensors, of which only the shapes matter, and guides; anything else
            is passed on as it is.

    Returns:
        The cost, and what the module returned, on the meta device.
    """
    macs = paper_macs = 0

    def add(layer: nn.Module, args: tuple[Any, ...], y: Tensor) -> None:
        nonlocal macs, paper_macs
        macs += _true_macs(layer, args[0], y)
        if isinstance(layer, _CONVOLUTIONS):
            paper_macs += layer.weight.numel() * y.shape[-2] * y.shape[-1]

    state = dict(module.named_parameters()) | dict(module.named_buffers())
    training = [layer for layer in module.modules() if layer.training]
    hooks = [
        layer.register_forward_hook(add)
        for layer in module.modules()
        if isinstance(layer, _CONVOLUTIONS) or hasattr(layer, "macs")
    ]
    try:
        module.eval()
        with torch.no_grad():
            inputs = tree_map_only(Tensor, _to_meta, inputs)
            if all(tensor.is_meta for tensor in state.values()):
                output = module(*inputs)
            else:
                meta_state = {name: _to_meta(tensor) for name, tensor in state.items()}
                output = functional_call(module, meta_state, inputs)
    finally:
        for hook in hooks:
            hook.remove()
        for layer in training:
            layer.training = True
    return Cost(parameters_of(module), macs, paper_macs), output


def _to_meta(tensor: Tensor) -> Tensor:
    return tensor.detach().to("meta")


def _true_macs(layer: nn.Module, x: Tensor, y: Tensor) -> int:
    """Multiply-accumulates of one image."""
    if isinstance(layer, nn.ConvTranspose2d):  # every input pixel meets every weight
        return layer.weight.numel() * x.shape[-2] * x.shape[-1]
    if isinstance(layer, nn.Conv2d):
        return layer.weight.numel() * y.shape[-2] * y.shape[-1]
    return layer.macs(x, y)  # type: ignore[operator]
