"""Commands on records: record add, list."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageError
from ..paths import asset, checkout
from .common import Commands, print_json, print_rows

__all__ = ["add_commands"]


def _add(arguments: argparse.Namespace) -> int:
    from ..engine import Run
    from ..records.record import add_records

    if arguments.records:
        folder = Path(arguments.records)
    elif (root := checkout()) is not None:
        folder = root / "data" / "records"
    else:
        raise UsageError("the course is not run from a checkout: name a folder with --records")
    runs = [Run(Path(run)) for run in arguments.runs]
    rows = [
        {"outcome": outcome, "record": str(path)}
        for path, outcome in add_records(runs, folder, arguments.replace)
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
            "commit": record.environment["commit"][:12],
            "data": record.config["data"]["name"],
        }
        for task in TASKS.values()
        for record in recorded_runs(task.name, folder)
    ]
    if arguments.json:
        print_json(rows)
    else:
        print_rows(rows)
    return 0


def add_commands(commands: Commands) -> None:
    record = commands.group("record", "keep the figures of finished runs, list what is kept")
    add = record.add("add", _add, "record finished runs: configuration, provenance, figures")
    add.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    add.add_argument("--records", metavar="DIR", help="where records are kept (data/records)")
    add.add_argument(
        "--replace", action="store_true", help="put new figures in the place of recorded ones"
    )
    listing = record.add("list", _list, "what is on record")
    listing.add_argument("--records", metavar="DIR", help="where records are kept (data/records)")
