"""What computes: the device, its processes and threads, and how strictly it repeats itself."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from ..errors import UsageError

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = [
    "accelerator",
    "default_device",
    "describe_device",
    "determinism",
    "is_main_process",
    "require_compiler",
    "use_threads",
    "wait_for",
]


#: How launchers tell a process of the others.
_OTHERS = {
    "RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE",
    "MV2_COMM_WORLD_SIZE",
}  # fmt: skip


def accelerator(alone: bool = False) -> Accelerator:
    """Accelerate's view of this process: its device (CUDA, MPS or CPU) and the others it trains
    with.

    Under ``torchrun`` this joins the process group. Precision is left to ``torch.autocast``:
    Accelerate fixes it once for a process, and a notebook trains in both.

    Args:
        alone: joins no group, though there may be one.
    """
    from accelerate import Accelerator

    # What another launcher or shell has left in the environment means no group that could be
    # joined: waiting for it would last for ever.
    alone = alone or "TORCHELASTIC_RUN_ID" not in os.environ
    if not alone:
        _join_after_restart()
    with _without(_OTHERS if alone else set()):
        # Without being told so, Accelerate joins no group of processes on the CPU.
        return Accelerator(cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()))


@contextmanager
def _without(names: set[str]) -> Iterator[None]:
    """Inside, environment variables of these names are not set, nor any of Accelerate's own:
    a recipe says what it would say."""
    hidden = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name in names or name.startswith("ACCELERATE_")
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


def _join_after_restart() -> None:
    """Joins the group of a restarted ``torchrun`` under names of its own.

    On one machine its agent keeps one store over all restarts, and in it the addresses of dead
    processes; a new one that reads them waits for ever. (For several machines the store must be a
    new one: ``TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1``, see docs/training.md.)
    """
    restarts = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    one_machine = os.environ.get("GROUP_WORLD_SIZE") == "1"
    if restarts == "0" or not one_machine or torch.distributed.is_initialized():
        return
    store, rank, processes = next(torch.distributed.rendezvous("env://"))
    torch.distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=torch.distributed.PrefixStore(f"restart-{restarts}", store),
        rank=rank,
        world_size=processes,
    )


def is_main_process() -> bool:
    """Whether this is the process that writes and prints; alone, it is."""
    return accelerator().is_main_process


def default_device() -> torch.device:
    """CUDA, then Apple's MPS, then the CPU: what one process computes on."""
    return accelerator(alone=True).device


def describe_device(device: torch.device, processes: int = 1) -> str:
    """A device's name for people and records, for example ``"CPU (x86_64, 2 threads)"``."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "mps":
        name = f"Apple GPU ({platform.machine()})"
    else:
        threads = min(torch.get_num_threads(), os.cpu_count() or 1)
        name = f"CPU ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
    return name if processes == 1 else f"{processes} × {name}"


def use_threads(threads: int | None) -> None:
    """Lets the CPU's operators use so many threads; None leaves PyTorch's choice.

    Raises:
        UsageError: a number below 1 or above this machine's cores, where more threads only wait
            for each other.
    """
    if threads is None:
        return
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise UsageError(
            f"--threads must be 1 to {cores}, the cores of this machine, got {threads}"
        )
    torch.set_num_threads(threads)


def require_compiler() -> None:
    """``torch.compile`` writes C++ even for a GPU.

    Raises:
        UsageError: this machine has no compiler.
    """
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++", "cl")))):
        raise UsageError(
            "torch.compile needs a C++ compiler and finds none: install g++ or clang++, or leave "
            "compile at none"
        )


@contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Inside, operators that would not repeat bit for bit are replaced or refused by PyTorch."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if wanted:
        # cuBLAS reads it when it is first used; without it PyTorch refuses matrix products.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


def wait_for(device: torch.device) -> None:
    """Returns when the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
