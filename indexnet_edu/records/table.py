"""Our results beside the paper's figures. What does not compare is never put into one table."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine import Run, Task
from .baselines import recorded_baselines
from .paper import paper_table, variant_of
from .record import IMMATERIAL, Record, Result, figures, shared_settings

__all__ = ["COLUMNS", "Comparison", "compare", "find_runs"]

#: A metric: key in our runs, key in the paper's rows, heading, decimals.
Column = tuple[str, str | None, str, int]


def _denoising(sigma: int, key: str, title: str, printed: bool = True) -> tuple[Column, ...]:
    key, title = f"{key}_sigma{sigma}", f"{title} σ{sigma}"
    psnr, ssim = (f"{key}_psnr", f"{key}_ssim") if printed else (None, None)
    return (
        (f"{key}_psnr", psnr, f"{title} / dB", 2),
        (f"{key}_ssim", None, f"{title} SSIM", 4),
        (f"{key}_ssim_legacy", ssim, f"{title} old SSIM", 4),
    )


#: The metrics of a table. It shows those that its runs measured; without runs, the paper's.
COLUMNS: dict[int, tuple[Column, ...]] = {
    3: (
        ("psnr", "psnr", "PSNR / dB", 2),
        ("psnr_per_image", None, "per image / dB", 2),
        ("ssim", "ssim", "SSIM", 4),
        ("mae", "mae", "MAE", 4),
        ("rmse", "rmse", "RMSE", 4),
    ),
    7: tuple(
        column
        for sigma in (15, 25, 50)
        for column in (
            *_denoising(sigma, "bsd68", "BSD68"),
            *_denoising(sigma, "set12", "Set12"),
            *_denoising(sigma, "photographs", "embedded", printed=False),
        )
    ),
}


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

    number: int
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
            self, columns=tuple(column for column in self.columns if column[0] in metrics)
        )

    def measured(self) -> Comparison:
        """The same table without the rows that nobody has trained here."""
        kept = [row for row in self.rows if any(v is not None for v in row["ours"].values())]
        return dataclasses.replace(self, rows=kept)

    def beside(self, baselines: Mapping[str, Mapping[str, float]]) -> Comparison:
        """The same table below methods that learn nothing (name → metrics)."""
        keys = [key for key, *_ in self.columns]
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
            "table": self.number,
            "profile": self.profile,
            "data": self.data,
            "device": self.device,
            "departs_from_the_paper": self.departs,
            "left_out": self.left_out,
            "rows": self.rows,
        }


def find_runs(folder: str | Path, task: str) -> list[Run]:
    """All finished runs of a task below a folder, in the order of their paths."""
    runs = [Run(path.parent) for path in sorted(Path(folder).rglob("config.json"))]
    return [run for run in runs if run.finished and run.config.get("task") == task]


def _departure(task: Task, config: Mapping[str, Any]) -> str:
    """The settings that decide a figure and differ from the paper's, in words."""
    recipe, paper = config["recipe"], dataclasses.asdict(task.profile("gpu"))
    # What the paper has several values of, its table has columns for.
    no_matter = IMMATERIAL | {"eval_batch_size", "sigma"}
    parts = []
    source = config["data"]["name"].partition(":")[0]
    if task.paper_data and source != task.paper_data:
        parts.append(f"{source} instead of {task.paper_data}")
    for key, theirs in paper.items():
        theirs = list(theirs) if isinstance(theirs, tuple) else theirs
        if key in no_matter or recipe.get(key, theirs) in (theirs, task.paper_counts.get(key)):
            continue
        none = "all" if key.endswith(("_images", "_patches")) else "none"
        ours, theirs = (none if value is None else value for value in (recipe[key], theirs))
        parts.append(f"{key.replace('_', ' ')} {ours} instead of {theirs}")
    return ", ".join(parts)


def _row_names(task: Task) -> dict[str, str]:
    """Resampler, as a configuration holds it → the row that it is: a sweep's
    ``m2o-nonlinear_context`` is Table 3's ``indexed_m2o``."""
    return {
        json.dumps({"name": pair.name, "options": dict(pair.options)}, sort_keys=True): name
        for name, pair in task.variants.items()
        if pair is not None
    }


def _distinct(results: Iterable[Result]) -> list[Result]:
    """One result a seed. Your own run goes before a record, then the order is that of the contents,
    so that it does not matter how the results were found."""

    def order(result: Result) -> tuple[bool, str]:
        content = [result.metrics, result.environment, result.config]
        return isinstance(result, Record), json.dumps(content, sort_keys=True)

    by_seed: dict[int, Result] = {}
    for result in sorted(results, key=order):
        by_seed.setdefault(result.config["recipe"]["seed"], result)
    return [by_seed[seed] for seed in sorted(by_seed)]


def _columns(number: int, results: Iterable[Result]) -> tuple[Column, ...]:
    measured = dict.fromkeys(key for result in results for key in figures(result.metrics))
    if not measured:
        return COLUMNS[number]
    known = tuple(column for column in COLUMNS[number] if column[0] in measured)
    others = measured.keys() - {key for key, *_ in known}
    return (*known, *((key, None, key, 4) for key in measured if key in others))


def _row(
    number: int, variant: str, results: Sequence[Result], columns: Sequence[Column]
) -> dict[str, Any]:
    printed = next((row for row in paper_table(number) if variant_of(row) == variant), None)
    paper, ours, std = {}, {}, {}
    for key, paper_key, _, _ in columns:
        paper[key] = printed[paper_key] if printed and paper_key else None
        values = [result.metrics[key] for result in results]
        ours[key] = statistics.fmean(values) if values else None
        std[key] = statistics.stdev(values) if len(values) > 1 else None
    seeds = [result.config["recipe"]["seed"] for result in results]
    return {"variant": variant, "paper": paper, "ours": ours, "std": std, "seeds": seeds}


def _comparison(task: Task, group: Sequence[Result]) -> Comparison:
    names = _row_names(task)
    found: dict[str, list[Result]] = {}
    for result in group:
        resampler = json.dumps(result.config.get("resampler"), sort_keys=True)
        found.setdefault(names.get(resampler, result.config["variant"]), []).append(result)
    kept = {variant: _distinct(results) for variant, results in found.items()}
    # The same figures twice, as a run and its record have them, are one result: nothing left out.
    left_out = sum(
        len({json.dumps([r.config["recipe"]["seed"], figures(r.metrics)]) for r in results})
        - len(kept[variant])
        for variant, results in found.items()
    )
    printed = [variant_of(row) for row in paper_table(task.table)]
    ordered = dict.fromkeys([*printed, *(v for v in task.variants if v in kept), *sorted(kept)])
    results = [result for variant in kept.values() for result in variant]
    config, columns = group[0].config, _columns(task.table, results)
    table = Comparison(
        number=task.table,
        profile=config["profile"],
        data=config["data"]["name"],
        device="; ".join(sorted({result.environment["device"] for result in results})),
        departs=_departure(task, config),
        left_out=left_out,
        columns=columns,
        rows=[_row(task.table, variant, kept.get(variant, ()), columns) for variant in ordered],
    )
    return table.beside(recorded_baselines(config, [key for key, *_ in columns]))


def compare(task: Task, results: Iterable[Result]) -> list[Comparison]:
    """Groups results that compare and sets each group beside the paper's table.

    Args:
        results: finished runs and records of the task, in any order; a run and its record count
            once.

    Returns:
        One comparison a group, the largest group first; without results, the paper's figures alone.
    """
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(shared_settings(result.config), []).append(result)
    if not groups:
        columns = _columns(task.table, ())
        names = map(variant_of, paper_table(task.table))
        rows = [_row(task.table, name, (), columns) for name in names]
        return [Comparison(task.table, "", "", "", "", 0, columns, rows)]
    comparisons = {key: _comparison(task, group) for key, group in groups.items()}

    def size(key: str) -> int:
        return sum(len(row["seeds"]) for row in comparisons[key].rows)

    return [comparisons[key] for key in sorted(groups, key=lambda key: (-size(key), key))]
