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
from indexnet_edu.lessons.reconstruction.findings import ROWS, cost_of
from indexnet_edu.records import paper_table
from indexnet_edu.tasks import COST_TABLES
from indexnet_edu.tasks.reconstruction.table import SCHEDULE_3

_COUNTED = 224  # pixels a side of the image that `complexity` counts
_OPERATIONS = 6

#: Tables 4 and 6 vary Table 5's best network.
_LIKE_TABLE_5 = (4, 6)
#: Their networks are not built here yet, so nothing of them can be counted.
_UNCOUNTED = (9, 11)


def trainings() -> dict[int, list[float]]:
    """Operations of each training of a table, one seed."""
    shown = SCHEDULE_3.examples * SCHEDULE_3.epochs
    found = {3: [_OPERATIONS * cost_of(row).macs * shown for row in ROWS]}
    for table in COST_TABLES:
        shown = table.schedule.examples * table.schedule.epochs
        scale = _OPERATIONS * shown * (table.schedule.side / _COUNTED) ** 2
        rows = [row["macs"] * scale for row in table_rows(table)]
        found[table.number] = rows * table.schedule.trainings
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
