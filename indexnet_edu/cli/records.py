"""Commands on records: record add, list."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..paths import asset, checkout
from .common import Commands, complain, print_json, print_rows

if TYPE_CHECKING:
    from ..engine import Run

__all__ = ["add_commands"]


def _add(arguments: argparse.Namespace) -> int:
    from ..engine import open_run
    from ..records.record import add_records
    from ..tasks import get_task

    if arguments.records:
        folder = Path(arguments.records)
    elif (root := checkout()) is not None:
        folder = root / "data" / "records"
    else:
        raise UsageError("the course is not run from a checkout: name a folder with --records")
    runs: dict[str, list[Run]] = {}
    for name in arguments.runs:
        run = open_run(name)
        runs.setdefault(run.config["task"], []).append(run)
    rows = [
        {"outcome": outcome, "record": str(path)}
        for task, of_task in runs.items()
        for path, outcome in add_records(get_task(task), of_task, folder, arguments.replace)
    ]
    if arguments.json:
        print_json(rows)
    else:
        print_rows(rows)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from ..records.record import recorded_runs
    from ..tasks import TASKS

    folder = Path(arguments.records) if arguments.records else asset("data", "records")
    rows = [
        {
            "task": task.name,
            "variant": record.config["variant"],
            "profile": record.config["profile"],
            "seed": record.config["recipe"]["seed"],
            task.headline: round(task.main_figure(record.metrics), 4),
            "commit": (record.environment.get("commit") or "")[:12],
            "data": record.config["data"]["name"],
        }
        for task in TASKS.values()
        for record in recorded_runs(task.name, folder, complain)
    ]
    if arguments.json:
        print_json(rows)
    else:
        print_rows(rows)
    return 0


def _baselines(arguments: argparse.Namespace) -> int:
    from ..records.baselines import keep_baselines
    from ..tasks import get_task

    path = keep_baselines(get_task(arguments.task), arguments.profile)
    print_json({"record": str(path)}) if arguments.json else print(path)
    return 0


def add_commands(commands: Commands) -> None:
    record = commands.group("record", "keep the figures of finished runs, list what is kept")
    add = record.add("add", _add, "record finished runs: configuration, provenance, figures")
    add.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    add.add_argument("--records", metavar="DIR", help="where records are kept (data/records)")
    add.add_argument(
        "--replace", action="store_true", help="put new figures in the place of recorded ones"
    )
    baselines = record.add(
        "baselines", _baselines, "measure methods that learn nothing on a task's test images"
    )
    baselines.add_argument("task", metavar="TASK")
    baselines.add_argument("--profile", default="cpu", help="whose data (cpu)")
    listing = record.add("list", _list, "what is on record")
    listing.add_argument("--records", metavar="DIR", help="where records are kept (data/records)")
