"""What a forward pass takes on the machine at hand: time and memory, measured."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..engine.device import wait_for

__all__ = ["Measured", "measure"]


@dataclass(frozen=True)
class Measured:
    """A forward pass without gradients.

    Attributes:
        seconds: the median.
        peak_bytes: of tensors that are alive at once, parameters and input left out.
    """

    seconds: float
    peak_bytes: int


@torch.no_grad()
def measure(model: nn.Module, x: Tensor, repeats: int = 3) -> Measured:
    """Times a model on an input and adds up what it allocates.

    Args:
        model: in evaluation mode, on the device of ``x``.
        repeats: passes of which the median is taken; one more goes before them.
    """
    peak = _peak_bytes(model, x)  # the first pass is also the one that is not timed
    times = []
    for _ in range(repeats):
        wait_for(x.device)
        began = time.perf_counter()
        model(x)
        wait_for(x.device)
        times.append(time.perf_counter() - began)
    return Measured(statistics.median(times), peak)


def _peak_bytes(model: nn.Module, x: Tensor) -> int:
    if x.is_cuda:
        torch.cuda.reset_peak_memory_stats(x.device)
        before = torch.cuda.memory_allocated(x.device)
        model(x)
        return torch.cuda.max_memory_allocated(x.device) - before
    # The processor's allocator keeps no account, but the profiler sees all that it does. What it
    # says of itself, past Python's own streams, would stand in a notebook.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        model(x)
    alive = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            alive += event.nbytes()
            peak = max(peak, alive)
    return peak
