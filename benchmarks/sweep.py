"""A sweep against the same trainings one by one: families × modes × seeds, profile smoke.

    python benchmarks/sweep.py [--families F …] [--modes M …] [--seeds K …] [--workers N]

The sweep has as many workers as there are cores, one thread each. One by one, each training is a
``train`` command of its own with all cores as threads. Both start with an empty folder; the sweep's
seconds include its start, and every cell is checked to be there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from indexnet_edu.indexing import FAMILIES, MODES

COMMAND = [sys.executable, "-m", "indexnet_edu"]


def _seconds(*arguments: object) -> float:
    began = time.perf_counter()
    subprocess.run([*COMMAND, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", default=FAMILIES)
    parser.add_argument("--modes", nargs="+", default=MODES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=cores, help=f"({cores}, the cores)")
    given = parser.parse_args()
    cells = [
        (f"{family}-{mode}", seed)
        for family in given.families
        for mode in given.modes
        for seed in given.seeds
    ]
    with tempfile.TemporaryDirectory() as place:
        swept, alone = Path(place, "swept"), Path(place, "alone")
        together = _seconds(
            "sweep", "reconstruction", "--profile", "smoke", "--out", swept, "--workers",
            given.workers, "--threads", 1, "--families", *given.families, "--modes", *given.modes,
            "--seeds", *given.seeds,
        )  # fmt: skip
        one_by_one = sum(
            _seconds(
                "train", "reconstruction", variant, "--profile", "smoke", "--seed", seed,
                "--threads", cores, "--out", alone / f"{variant}-seed{seed}",
            )
            for variant, seed in cells
        )  # fmt: skip
        for folder in (swept, alone):
            assert len(list(folder.glob("*/metrics.json"))) == len(cells)
    print(f"{len(cells)} cells on {cores} cores")
    print(f"swept, {given.workers} workers × 1 thread   {together:8.1f} s")
    print(f"one by one, {cores} threads        {one_by_one:8.1f} s")
    print(f"the sweep is {one_by_one / together:.2f} times as fast")


if __name__ == "__main__":
    main()
