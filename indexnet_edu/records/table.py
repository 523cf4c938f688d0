"""Our runs beside the paper's figures. Runs that do not compare are never put into one table."""

from __future__ import annotations

import json
import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine import Run
from .paper import paper_note, paper_table

__all__ = ["Comparison", "compare", "find_runs", "format_comparison"]

#: The metrics of a table: key in our runs, key in the paper's rows, heading, decimals.
_COLUMNS: dict[int, tuple[tuple[str, str | None, str, int], ...]] = {
    3: (
        ("psnr", "psnr", "PSNR / dB", 2),
        ("psnr_per_image", None, "per image / dB", 2),
        ("ssim", "ssim", "SSIM", 4),
        ("mae", "mae", "MAE", 4),
        ("rmse", "rmse", "RMSE", 4),
    )
}

#: Characters of a caption's line, so that it fits a notebook's page.
_CAPTION_WIDTH = 100

#: What must be said beside ours and the paper's figures.
_REMARKS = {
    3: "The paper's SSIM is not a windowed one: ours, the standard, does not compare with it."
}


@dataclass(frozen=True)
class Comparison:
    """One table: everything in it was made with the same data, profile and settings.

    Attributes:
        profile, data, device: what our figures were made with; "" where there are none.
        departs: how the profile departs from the paper's schedule or data, "" if it does not.
        rows: one a variant: ``variant``, ``paper`` and ``ours`` (metric → figure, ours the mean
            over seeds), ``std`` (over seeds, where there are two or more), ``seeds``.
    """

    number: int
    profile: str
    data: str
    device: str
    departs: str
    rows: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "table": self.number,
            "profile": self.profile,
            "data": self.data,
            "device": self.device,
            "departs_from_the_paper": self.departs,
            "rows": self.rows,
        }


def find_runs(folder: str | Path, task: str) -> list[Run]:
    """All finished runs of a task below a folder, in the order of their paths."""
    runs = [Run(path.parent) for path in sorted(Path(folder).rglob("config.json"))]
    return [run for run in runs if run.finished and run.config.get("task") == task]


def _settings(config: Mapping[str, Any]) -> str:
    """What runs must share to stand in one table: all but variant and seed."""
    recipe = {key: value for key, value in config["recipe"].items() if key != "seed"}
    return json.dumps([config["profile"], config["data"], recipe], sort_keys=True)


def _departure(profile: str, recipe: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """The settings that decide a figure and differ from the paper's schedule, in words."""
    keys = ("epochs", "batch_size", "lr", "lr_drops", "train_images", "test_images")
    parts = []
    for key in keys:
        ours, theirs = recipe.get(key), reference.get(key)
        if ours != (list(theirs) if isinstance(theirs, tuple) else theirs):
            name = key.replace("_", " ")
            parts.append(f"{name} {ours} instead of {'all' if theirs is None else theirs}")
    return ", ".join(parts)


def _mean_rows(runs: Sequence[Run], number: int, extra: Iterable[str]) -> list[dict[str, Any]]:
    by_variant: dict[str, list[Run]] = {}
    for run in runs:
        by_variant.setdefault(run.config["variant"], []).append(run)
    printed = {row["method"]: row for row in paper_table(number)}
    rows = []
    for variant in [*printed, *(v for v in extra if v not in printed and v in by_variant)]:
        mine = [run.metrics for run in by_variant.get(variant, [])]
        seeds = sorted(run.config["recipe"]["seed"] for run in by_variant.get(variant, []))
        paper, ours, std = {}, {}, {}
        for key, paper_key, _, _ in _COLUMNS[number]:
            paper[key] = printed[variant][paper_key] if variant in printed and paper_key else None
            values = [metrics[key] for metrics in mine]
            ours[key] = statistics.fmean(values) if values else None
            std[key] = statistics.stdev(values) if len(values) > 1 else None
        rows.append({"variant": variant, "paper": paper, "ours": ours, "std": std, "seeds": seeds})
    return rows


def compare(
    number: int, runs: Sequence[Run], reference: Mapping[str, Any], variants: Iterable[str] = ()
) -> list[Comparison]:
    """Groups runs that compare and sets each group beside the paper's table.

    Args:
        number: the paper's table.
        runs: finished runs of the table's task.
        reference: the recipe of the paper's schedule, as a dictionary.
        variants: rows of ours that the paper's table does not have, shown after its own.

    Returns:
        One comparison a group, the largest group first; without runs, the paper's figures alone.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(_settings(run.config), []).append(run)
    if not groups:
        return [Comparison(number, "", "", "", "", _mean_rows([], number, ()))]
    comparisons = []
    for group in sorted(groups.values(), key=len, reverse=True):
        config = group[0].config
        devices = sorted({run.environment["device"] for run in group})
        comparisons.append(
            Comparison(
                number,
                config["profile"],
                config["data"]["name"],
                "; ".join(devices),
                _departure(config["profile"], config["recipe"], reference),
                _mean_rows(group, number, variants),
            )
        )
    return comparisons


def _figure(value: float | None, std: float | None, decimals: int) -> str:
    if value is None:
        return "–"
    return f"{value:.{decimals}f}" + (f" ± {std:.{decimals}f}" if std is not None else "")


def format_comparison(comparison: Comparison) -> str:
    """A comparison as aligned text: a caption, then paper and ours beside each other."""
    columns = _COLUMNS[comparison.number]
    have_ours = bool(comparison.profile)
    head, second = ["variant"], [""]
    for _, paper_key, heading, _ in columns:
        pair = (["paper"] if paper_key else []) + (["ours"] if have_ours else [])
        head += [heading] + [""] * (len(pair) - 1) if pair else []
        second += pair
    body = []
    for row in comparison.rows:
        line = [row["variant"]]
        for key, paper_key, _, decimals in columns:
            if paper_key:
                line.append(_figure(row["paper"][key], None, decimals))
            if have_ours:
                line.append(_figure(row["ours"][key], row["std"][key], decimals))
        body.append([*line, str(len(row["seeds"]))] if have_ours else line)
    if have_ours:
        head, second = [*head, "seeds"], [*second, ""]
    widths = [max(map(len, column)) for column in zip(second, *body, strict=True)]
    # A heading stands over its pair of columns; where it is wider, the pair's last column grows.
    starts = [i for i, text in enumerate(head) if text] + [len(head)]
    for start, end in zip(starts, starts[1:], strict=False):
        room = sum(widths[start:end]) + 2 * (end - start - 1)
        widths[end - 1] += max(0, len(head[start]) - room)
    top = "  ".join(
        head[start].ljust(sum(widths[start:end]) + 2 * (end - start - 1))
        for start, end in zip(starts, starts[1:], strict=False)
    )
    lines = [top.rstrip()]
    for cells in (second, *body):
        first, rest = cells[0].ljust(widths[0]), zip(cells[1:], widths[1:], strict=True)
        lines.append("  ".join([first, *(text.rjust(width) for text, width in rest)]).rstrip())
    lines.insert(2, "-" * max(map(len, lines)))
    caption = [f"Table {comparison.number}"]
    if have_ours:
        caption[0] += f", ours with profile {comparison.profile} on {comparison.device}"
        caption.append(comparison.data)
        if comparison.departs:
            departure = f"Not the paper's schedule: {comparison.departs}."
            caption += textwrap.wrap(departure, _CAPTION_WIDTH)
    notes = [paper_note(comparison.number), _REMARKS.get(comparison.number) if have_ours else None]
    return "\n".join([*caption, *filter(None, notes), "", *lines])
