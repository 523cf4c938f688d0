"""What all benchmarks share: interleaved medians, memory held for the way back, tables, files."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Options", "held", "interleaved", "options", "save", "slope", "table"]

Call = Callable[[], Any]


@dataclass(frozen=True)
class Options:
    """How much to measure and where to write."""

    quick: bool
    threads: int
    out: Path

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 9


def options(description: str) -> Options:
    """The command line that every benchmark takes; sets PyTorch's threads."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: a trial")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    return Options(given.quick, given.threads, given.out)


def interleaved(calls: Mapping[str, Call], rounds: int) -> dict[str, float]:
    """Median seconds of each call. All are measured in turn, round after round, so that whatever
    else the machine does meets all of them; the first call of each is not counted."""
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def held(forward: Call) -> int:
    """Bytes that a forward pass keeps for the way back; memory that is shared counts once."""
    storages: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage  # kept, so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        forward()
    return sum(storage.nbytes() for storage in storages.values())


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The exponent p of a least-squares fit seconds ∝ size^p."""
    x, y = [math.log(s) for s in sizes], [math.log(s) for s in seconds]
    return statistics.linear_regression(x, y).slope


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as text, columns in the order of the first row's keys."""

    def word(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
        return "" if value is None else str(value)

    names = list(rows[0])
    lines = [names] + [[word(row.get(name)) for name in names] for row in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def save(name: str, result: Mapping[str, Any], text: str, given: Options) -> None:
    """``NAME.json`` with the machine it was measured on, ``NAME.txt``, and the text on screen."""
    machine = {
        "processor": _processor(),
        "threads": given.threads,
        "torch": torch.__version__,
        "load": os.getloadavg()[0],
        "quick": given.quick,
    }
    body = json.dumps({"machine": machine, **result}, indent=1)
    (given.out / f"{name}.json").write_text(body, encoding="utf-8")
    head = ", ".join(f"{key} {value}" for key, value in machine.items())
    (given.out / f"{name}.txt").write_text(f"{head}\n\n{text}\n", encoding="utf-8")
    print(f"\n{name}: {head}\n\n{text}", flush=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
