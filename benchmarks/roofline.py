"""The machine's limits, measured: bytes a second of a copy, operations a second of a product.

What an index network needs at least follows from its formulas: how often each tensor must be read
or written, forward and back, if nothing but inputs, outputs and the guide ever left the processor.
The larger of both times is the limit; its share of the measured time is what is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.timing import interleaved
from indexnet_edu.complexity import count

__all__ = ["Limits", "Work", "limits", "work_of"]

FLOAT = 4  # bytes


@dataclass(frozen=True)
class Limits:
    """Bytes a second (read and written, of arrays far beyond the caches) and operations a second
    (a multiplication and an addition are two)."""

    bandwidth: float
    peak: float


def limits(rounds: int = 5, megabytes: int = 256) -> Limits:
    """Measured with the threads that PyTorch has now."""
    source = torch.ones(megabytes * 2**20 // FLOAT)
    target = torch.zeros_like(source)
    a = torch.randn(2048, 2048)
    seconds = interleaved(
        {"copy": lambda: target.copy_(source), "product": lambda: torch.mm(a, a)}, rounds
    )
    return Limits(2 * FLOAT * source.numel() / seconds["copy"], 2 * 2048**3 / seconds["product"])


@dataclass(frozen=True)
class Work:
    """What a round trip, forward and back, cannot do without: operations and bytes."""

    operations: float
    bytes: float

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.operations / self.bytes

    def seconds(self, machine: Limits) -> float:
        return max(self.operations / machine.peak, self.bytes / machine.bandwidth)


def work_of(pool: nn.Module, n: int, c: int, size: int, index_channels: int) -> Work:
    """Block, indexed pooling and indexed upsampling of (n, c, size, size), forward and back.

    Operations: the block's convolutions, three times (forward, and back to input and weights).
    Bytes: features x, twice read, and their gradient; the large output's gradient and the output;
    the decoder's index and its gradient, three times each; six tensors of pooled size.
    """
    convolutions = 2 * count(pool, torch.empty(1, c, size, size)).macs * n
    pixels = n * size * size
    numbers = 5 * c * pixels + 6 * index_channels * pixels + 6 * c * pixels / 4
    return Work(3 * convolutions, FLOAT * numbers)
