"""Our results beside the paper's figures. What does not compare is never put into one table."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine import Column, Run, Table, Task, open_run
from ..errors import UserError
from .baselines import recorded_baselines
from .paper import PAPER_TABLES, paper_table
from .record import (
    IMMATERIAL,
    Complain,
    Outcome,
    Record,
    figures,
    lacks,
    shared_settings,
    those_readable,
)

__all__ = ["Comparison", "compare", "find_runs"]


@dataclass(frozen=True)
class Comparison:
    """One table: everything in it was made with the same data, profile and settings.

    Attributes:
        profile, data: what our figures were made with; "" where there are none.
        device: all devices they were made on; their figures agree to rounding only.
        departs: how the settings depart from the paper's schedule or data, "" if they do not.
        left_out: results of a row and seed that another result has already.
        columns: of the table's metrics those that were measured, and what else was measured.
        rows: one a variant: ``variant``, ``paper`` and ``ours`` (metric → figure, ours the mean
            over seeds), ``std`` (over seeds, where there are two or more), ``seeds``. Methods that
            learn nothing come first and have no seeds.
    """

    table: Table
    profile: str
    data: str
    device: str
    departs: str
    left_out: int
    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]

    def only(self, *metrics: str) -> Comparison:
        """The same table with fewer columns, so that it fits a page."""
        return dataclasses.replace(
            self, columns=tuple(column for column in self.columns if column.key in metrics)
        )

    def measured(self) -> Comparison:
        """The same table without the rows that nobody has trained here."""
        kept = [row for row in self.rows if any(v is not None for v in row["ours"].values())]
        return dataclasses.replace(self, rows=kept)

    def beside(self, baselines: Mapping[str, Mapping[str, float]]) -> Comparison:
        """The same table below methods that learn nothing (name → metrics)."""
        keys = [column.key for column in self.columns]
        nothing = dict.fromkeys(keys)
        above = [
            {
                "variant": name,
                "paper": dict(nothing),
                "ours": {key: metrics.get(key) for key in keys},
                "std": dict(nothing),
                "seeds": [],
            }
            for name, metrics in baselines.items()
        ]
        others = [row for row in self.rows if row["variant"] not in baselines]
        return dataclasses.replace(self, rows=[*above, *others])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "table": self.table.number,
            "profile": self.profile,
            "data": self.data,
            "device": self.device,
            "departs_from_the_paper": self.departs,
            "left_out": self.left_out,
            "rows": self.rows,
        }


def find_runs(folder: str | Path, task: str, complain: Complain | None = None) -> list[Run]:
    """All finished runs of a task below a folder, in the order of their paths.

    Args:
        complain: is told a line for each damaged one, and the others are found all the same.

    Raises:
        UserError: a damaged run, and there is no ``complain``.
    """

    def read(config: Path) -> Run | None:
        run = open_run(config.parent)
        if not run.finished or run.config["task"] != task:
            return None
        if fault := lacks(run):
            raise UserError(f"{run.folder} cannot be compared ({fault}): train it again")
        return run

    return those_readable(sorted(Path(folder).rglob("config.json")), read, complain)


def _departure(task: Task, table: Table, config: Mapping[str, Any]) -> str:
    """The settings that decide a figure and differ from the paper's, in words."""
    recipe = config["recipe"]
    paper = dataclasses.asdict(task.profile("gpu", config["network"]))
    # What the paper has several values of, its table has columns for.
    no_matter = IMMATERIAL | {"eval_batch_size"} | table.several
    parts = []
    source = config["data"]["name"].partition(":")[0]
    if table.paper_data and source != table.paper_data:
        parts.append(f"{source} instead of {table.paper_data}")
    for key, theirs in paper.items():
        theirs = list(theirs) if isinstance(theirs, tuple) else theirs
        if key in no_matter or recipe.get(key, theirs) in (theirs, table.paper_counts.get(key)):
            continue
        none = "all" if key.endswith(("_images", "_patches")) else "none"
        ours, theirs = (none if value is None else value for value in (recipe[key], theirs))
        parts.append(f"{key.replace('_', ' ')} {ours} instead of {theirs}")
    return ", ".join(parts)


def _identity(described: Mapping[str, Any]) -> str:
    """Network, pair and options of a configuration, as text."""
    parts = [described["network"], described.get("resampler"), described.get("options", {})]
    return json.dumps(parts, sort_keys=True)


def _row_names(task: Task) -> dict[str, str]:
    """What a row is made of, as a configuration holds it → its name: a sweep's
    ``m2o-nonlinear_context`` is Table 3's ``indexed_m2o``."""
    return {_identity(variant.as_dict()): name for name, variant in task.variants.items()}


def _distinct(results: Iterable[Outcome]) -> list[Outcome]:
    """One result a seed. Your own run goes before a record, then the order is that of the contents,
    so that it does not matter how the results were found."""

    def order(result: Outcome) -> tuple[bool, str]:
        content = [result.metrics, result.environment, result.config]
        return isinstance(result, Record), json.dumps(content, sort_keys=True)

    by_seed: dict[int, Outcome] = {}
    for result in sorted(results, key=order):
        by_seed.setdefault(result.config["recipe"]["seed"], result)
    return [by_seed[seed] for seed in sorted(by_seed)]


def _columns(table: Table, results: Iterable[Outcome]) -> tuple[Column, ...]:
    measured = dict.fromkeys(key for result in results for key in figures(result.metrics))
    if not measured:
        return table.columns
    known = tuple(column for column in table.columns if column.key in measured)
    others = (key for key in measured if table.column(key) is None)
    return (*known, *(Column(key, key, 4) for key in others))


def _printed(table: Table) -> dict[str, dict[str, Any]]:
    """Variant → the paper's figures; none for a table of our own."""
    rows = paper_table(table.number) if table.number in PAPER_TABLES else []
    return {table.variant_of(row): row for row in rows}


def _rows(table: Table) -> list[str]:
    """All rows of a table, the paper's in its order."""
    return list(dict.fromkeys([*_printed(table), *table.rows.values()]))


def _row(
    table: Table, variant: str, results: Sequence[Outcome], columns: Sequence[Column]
) -> dict[str, Any]:
    printed = _printed(table).get(variant)
    paper, ours, std = {}, {}, {}
    for column in columns:
        key = column.key
        paper[key] = printed[column.printed] if printed and column.printed else None
        # A metric that some of the seeds were not measured with would be a mean of other seeds.
        known = all(key in result.metrics for result in results)
        values = [result.metrics[key] for result in results] if known else []
        ours[key] = statistics.fmean(values) if values else None
        std[key] = statistics.stdev(values) if len(values) > 1 else None
    seeds = [result.config["recipe"]["seed"] for result in results]
    return {"variant": variant, "paper": paper, "ours": ours, "std": std, "seeds": seeds}


def _comparison(task: Task, table: Table, found: Mapping[str, list[Outcome]]) -> Comparison:
    kept = {variant: _distinct(results) for variant, results in found.items()}
    # The same figures twice, as a run and its record have them, are one result: nothing left out.
    left_out = sum(
        len({json.dumps([r.config["recipe"]["seed"], figures(r.metrics)]) for r in results})
        - len(kept[variant])
        for variant, results in found.items()
    )
    ordered = dict.fromkeys(
        [*_rows(table), *(v for v in task.variants if v in kept), *sorted(kept)]
    )
    results = [result for variant in kept.values() for result in variant]
    config, columns = task.completed(results[0].config), _columns(table, results)
    comparison = Comparison(
        table=table,
        profile=config["profile"],
        data=config["data"]["name"],
        device="; ".join(sorted({result.environment["device"] for result in results})),
        departs=_departure(task, table, config),
        left_out=left_out,
        columns=columns,
        rows=[_row(table, variant, kept.get(variant, ()), columns) for variant in ordered],
    )
    known = [column.key for column in columns if table.column(column.key)]
    return comparison.beside(recorded_baselines(config, known))


def compare(task: Task, results: Iterable[Outcome], table: Table | None = None) -> list[Comparison]:
    """Groups results that compare and sets each group beside the paper's table.

    Args:
        results: finished runs and records of the task, in any order; a run and its record count
            once. Those of networks that the table does not have are left out.
        table: one of the task's; its first by default.

    Returns:
        One comparison a group, the largest group first; without results, the paper's figures alone.
    """
    table = table or task.tables[0]
    names = _row_names(task)
    networks = {task.variant(name).network for name in _rows(table)}
    groups: dict[str, dict[str, list[Outcome]]] = {}
    for result in results:
        config = task.completed(result.config)
        if config["network"] in networks:
            group = groups.setdefault(shared_settings(task, config), {})
            variant = names.get(_identity(config), config["variant"])
            group.setdefault(variant, []).append(result)
    if not groups:
        columns = _columns(table, ())
        empty = [_row(table, name, (), columns) for name in _rows(table)]
        return [Comparison(table, "", "", "", "", 0, columns, empty)]
    comparisons = {key: _comparison(task, table, group) for key, group in groups.items()}

    def size(key: str) -> int:
        return sum(len(row["seeds"]) for row in comparisons[key].rows)

    return [comparisons[key] for key in sorted(groups, key=lambda key: (-size(key), key))]
