"""The whole paper in GPU hours, and how its trainings lay out on 8, 64 and 512 GPUs.

    python -m benchmarks.plan [--tflops 20] [--seeds 3]

Arithmetic, not a measurement: multiply–accumulates of our networks, counted on the networks
themselves, times six (two operations each, forward and backward being three times forward), times
the examples that the paper's schedule shows them, divided by an assumed sustained rate. What a row
takes on your GPU is measured by ``indexnet-edu train … --profile gpu --dry-run``.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Sequence

from indexnet_edu.complexity import table_rows
from indexnet_edu.lessons.reconstruction.findings import cost_of
from indexnet_edu.lessons.reconstruction.lesson import ROWS
from indexnet_edu.records import paper_table

_COUNTED = 224  # pixels a side of the image that `complexity` counts
_OPERATIONS = 6

#: What Tables 5, 7, 8, 10 show a network, as Sec. 6 says: examples an epoch, epochs, pixels a side,
#: and the trainings of one row. SUN RGB-D's 90,000 steps of 16 are 4,800 images × 300.
_SCHEDULES = {
    5: (48_000, 30, 320, 1),  # 90,000 steps of 16
    7: (240_000, 60, 40, 3),  # three noise levels
    8: (4_800, 300, 320, 1),
    10: (47_584, 30, 224, 1),  # the training images of FastDepth
}
#: Tables 4 and 6 vary Table 5's best network.
_LIKE_TABLE_5 = (4, 6)
#: Their networks are not built here yet, so nothing of them can be counted.
_UNCOUNTED = (9, 11)


def trainings() -> dict[int, list[float]]:
    """Operations of each training of a table, one seed."""
    found = {3: [_OPERATIONS * cost_of(row).macs * 60_000 * 100 for row in ROWS]}
    for number, (examples, epochs, side, repeats) in _SCHEDULES.items():
        scale = _OPERATIONS * examples * epochs * (side / _COUNTED) ** 2
        found[number] = [row["macs"] * scale for row in table_rows(number)] * repeats
    best = max(found[5][-15:])  # M2O, nonlinear with context
    for number in _LIKE_TABLE_5:
        found[number] = [best] * len(paper_table(number))
    return dict(sorted(found.items()))


def makespan(costs: Sequence[float], machines: int) -> float:
    """When the last training ends if each free machine takes the longest that is left."""
    loads = [0.0] * machines
    for cost in sorted(costs, reverse=True):
        heapq.heapreplace(loads, loads[0] + cost)
    return max(loads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tflops", type=float, default=20.0, help="sustained, an assumption (20)")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    an_hour = arguments.tflops * 1e12 * 3600
    everything: list[float] = []
    print(f"{'table':>5} {'trainings':>9} {'PFLOP each':>16} {'GPU hours':>9} {'longest':>8}")
    for number, costs in trainings().items():
        hours = [cost / an_hour for cost in costs * arguments.seeds]
        everything += hours
        each = f"{min(costs) / 1e15:.1f} to {max(costs) / 1e15:.1f}"
        print(f"{number:5} {len(hours):9} {each:>16} {sum(hours):9.1f} {max(hours):7.1f}h")
    print(f"{'all':>5} {len(everything):9} {'':16} {sum(everything):9.1f} {max(everything):7.1f}h")
    print(
        f"at {arguments.tflops:g} TFLOP/s sustained, {arguments.seeds} seeds; Tables "
        f"{' and '.join(map(str, _UNCOUNTED))} are not counted: their networks are not built yet"
    )
    for machines in (8, 64, 512):
        hours_there = makespan(everything, machines)
        busy = sum(everything) / machines / hours_there
        print(f"{machines:4} GPUs: {hours_there:7.1f} h, {busy:4.0%} of them busy")


if __name__ == "__main__":
    main()
