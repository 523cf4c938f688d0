"""Reading two rows beside each other and beside what needs no training, or keeping silent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...engine import Run
from ...records import paper_table
from ...records.table import Comparison, compare
from ...tasks.matting import MATTING
from ...tasks.matting.table import TABLE_4, TABLE_5, TABLE_6
from ..answers import as_bullets, beside_predictions

__all__ = ["findings", "judge_prediction", "paper_sad", "sads", "spread_on_record"]

_SEEDS = 3  # fewer say nothing about how far a row moves


def sads(metrics: Mapping[str, Run | Mapping[str, float]]) -> dict[str, float]:
    """Name → SAD / 1000 on the first test set, of runs and of methods that learn nothing."""
    return {
        name: MATTING.main_figure(each.metrics if isinstance(each, Run) else each)
        for name, each in metrics.items()
    }


def paper_sad() -> dict[str, float]:
    """Variant → SAD / 1000 on Composition-1k, as Tables 4 to 6 print it."""
    found = {}
    for table in (TABLE_4, TABLE_5, TABLE_6):
        for row in paper_table(table.number):
            found[table.variant_of(row)] = row["sad"]
    return found


def spread_on_record(run: Run, names: Iterable[str], recorded: Iterable[Any]) -> float | None:
    """The larger standard deviation over seeds that two rows have on record, made as a run was.

    Args:
        run: what was trained here: its data and profile must be those of the record.
        names: of the rows; both need three seeds or more.
        recorded: records of the task.

    Returns:
        In SAD / 1000; None where the record does not have it.
    """
    alike = [
        each
        for each in recorded
        if each.config["data"]["checksum"] == run.config["data"]["checksum"]
        and each.config["profile"] == run.config["profile"]
    ]
    if not alike:
        return None
    table: Comparison = compare(MATTING, alike)[0]
    by_name = {row["variant"]: row for row in table.rows}
    key = table.columns[0].key
    deviations = []
    for name in names:
        row = by_name.get(name)
        if row is None or len(row["seeds"]) < _SEEDS or row["std"].get(key) is None:
            return None
        deviations.append(float(row["std"][key]))
    return max(deviations)


def findings(
    sad: Mapping[str, float],
    yardsticks: Mapping[str, float],
    rows: tuple[str, str],
    spread: float | None,
    steps: int,
) -> str:
    """What the two chosen rows say about each other; silence where they can say nothing.

    Args:
        sad: variant → SAD / 1000 here, lower is better.
        yardsticks: the same of methods that learn nothing.
        rows: the two.
        spread: standard deviation over seeds on record, None where there is none.
        steps: of training.
    """
    best = min(yardsticks, key=yardsticks.__getitem__)
    first, second = rows
    asked = f"Which is lower, {first} or {second}?"
    if first == second:
        return as_bullets([f"{asked} They are one row: choose another for the second."])
    margin = spread or 0.0
    behind = [name for name in rows if sad[name] >= yardsticks[best] - margin]
    reasons = [f"each row was trained once, {steps:,} steps"]
    if behind:
        reasons.append(
            f"{' and '.join(behind)} {'is' if len(behind) == 1 else 'are'} not ahead of {best} "
            f"({yardsticks[best]:.2f}), which learns nothing"
        )
    if spread is None:
        reasons.append(
            "no three seeds of both rows are on record for these data, so nobody knows how far a "
            "row moves with its seed"
        )
    gap = abs(sad[first] - sad[second])
    if not behind and spread is not None and gap <= spread:
        reasons.append(
            f"their distance ({gap:.2f}) is no more than what one seed more or less moves "
            f"({spread:.2f} on record)"
        )
    if behind or spread is None or gap <= spread:
        return as_bullets([f"{asked} This run cannot tell: {'; '.join(reasons)}."])
    lower, higher = sorted(rows, key=sad.__getitem__)
    printed = paper_sad()
    lines = [
        f"{asked} Here {lower} ({sad[lower]:.2f}, {higher} {sad[higher]:.2f}): further apart than "
        f"the spread on record ({spread:.2f}), and both are ahead of {best} "
        f"({yardsticks[best]:.2f})."
    ]
    if printed.keys() >= set(rows):
        alike = (printed[lower] < printed[higher]) == (sad[lower] < sad[higher])
        lines.append(
            f"Is that the paper's order? {'Yes' if alike else 'No'}: there {first} has "
            f"{printed[first]}, {second} {printed[second]}, on other data."
        )
    return as_bullets(lines)


def judge_prediction(
    sad: Mapping[str, float],
    yardsticks: Mapping[str, float],
    rows: tuple[str, str],
    *,
    lower: str = "",
    beats_colours: int | None = None,
) -> str:
    """A learner's predictions beside what came out; what was left empty is told, not blamed.

    Args:
        sad, yardsticks, rows: as for :func:`findings`.
        lower: the row expected to have the lower error.
        beats_colours: how many of the two were expected ahead of the nearest colours.
    """
    ahead = [name for name in rows if sad[name] < yardsticks["nearest_colours"]]
    return beside_predictions([
        ("lower error", lower, min(rows, key=sad.__getitem__)),
        ("ahead of nearest colours",
         "" if beats_colours is None else str(beats_colours), f"{len(ahead)} of {len(rows)}"),
    ])  # fmt: skip
