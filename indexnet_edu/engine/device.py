"""Which device computes, and what it is called in a record."""

from __future__ import annotations

import os
import platform

import torch

__all__ = ["default_device", "describe_device"]


def default_device() -> torch.device:
    """CUDA, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe_device(device: torch.device) -> str:
    """A device's name for people and records, for example ``"CPU (x86_64, 2 threads)"``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    threads = min(torch.get_num_threads(), os.cpu_count() or 1)
    return f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
