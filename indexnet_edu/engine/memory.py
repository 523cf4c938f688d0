"""What a device can hold: asked beforehand where that can be known, and said in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil
import torch
from torch import nn

from ..errors import UserError
from .recipe import Recipe

__all__ = [
    "TRAINED",
    "in_bytes",
    "memory_of",
    "require_memory",
    "step_within_memory",
    "within_memory",
]

#: How often a training holds the weights: themselves, their gradients, and Adam's two moments.
TRAINED = 4


def in_bytes(count: float) -> str:
    """For people: ``"1.2 GB"``."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def memory_of(device: torch.device) -> tuple[int, int]:
    """Bytes at the peak so far, and bytes that could be had in all."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return torch.cuda.max_memory_reserved(device), free + torch.cuda.memory_reserved(device)
    memory = psutil.Process().memory_info()
    if sys.platform == "win32":
        peak = memory.peak_wset
    else:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return peak, psutil.virtual_memory().available + memory.rss


def require_memory(build: Callable[[], nn.Module], device: torch.device, copies: int) -> None:
    """Refuses a network that is too large for its device, before anything of it is there.

    On a CPU more can be asked for than there is: the system then kills the process as it fills it.

    Args:
        build: makes the network, here on the meta device.
        copies: how often its weights will be held.

    Raises:
        UserError: it does not fit.
    """
    try:
        with torch.device("meta"):
            tensors = build().state_dict().values()
        needed = copies * sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        size = f"{in_bytes(needed)} for its weights"
    except (RuntimeError, TypeError, OverflowError) as error:
        if "overflow" not in str(error).lower():
            raise
        needed, size = sys.maxsize, "more than any machine has"
    free = memory_of(device)[1]
    if needed > free:
        raise UserError(
            f"the network does not fit into the device's memory ({size}; {in_bytes(free)} are "
            "free): use a smaller one, or another device"
        )


@contextmanager
def within_memory(what: str, remedy: str) -> Iterator[None]:
    """Inside, what is raised for lack of memory becomes a line.

    Args:
        what: needs the memory; remedy: what to do where there is too little.

    Raises:
        UserError: it did not fit.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        # torch.OutOfMemoryError is a RuntimeError, and on a CPU there is no more than that.
        short = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        if not short and "allocate memory" not in str(error):
            raise
        raise UserError(f"{what} does not fit into the device's memory: {remedy}") from None


def step_within_memory(recipe: Recipe) -> AbstractContextManager[None]:
    """Inside, steps of a recipe are computed."""
    return within_memory(
        f"a step of {recipe.batch_size} examples",
        "use a smaller batch_size, or precision bfloat16",
    )
