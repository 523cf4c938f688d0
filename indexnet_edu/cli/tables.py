"""Commands on figures: table, complexity, resamplers."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageError, UserError
from ..files import replace_text
from .common import Commands, aligned, as_json, complain, print_json, print_rows

__all__ = ["add_commands"]


def _table(arguments: argparse.Namespace) -> int:
    from ..records import paper_table
    from ..records.formats import FORMATS, plain_rows
    from ..records.record import Outcome, recorded_runs
    from ..records.table import compare, find_runs
    from ..tasks import find_table

    if arguments.json and arguments.format:
        raise UsageError("--json and --format ask for two things: leave one out")
    chosen = "json" if arguments.json else arguments.format or "text"
    found = find_table(arguments.number)
    if found is None:
        rows = paper_table(arguments.number)
        if chosen == "json":
            text = as_json({"table": arguments.number, "paper": rows})
        elif chosen == "text":
            columns = list(dict.fromkeys(key for row in rows for key in row))
            text = aligned([{key: row.get(key, "") for key in columns} for row in rows])
            text += "\nthe paper's figures only: this task is not trained here yet"
        else:
            text = plain_rows(chosen, rows)
        return _deliver(text, arguments.out)
    task, table = found
    results: list[Outcome] = [
        *find_runs(arguments.runs, task.name, complain),
        *recorded_runs(task.name, arguments.records, complain),
    ]
    comparisons = compare(task, results, table)
    if chosen == "json":
        text = as_json([comparison.as_dict() for comparison in comparisons])
    else:
        text = FORMATS[chosen](comparisons)
    if chosen == "text" and not results:
        text += (
            f"\n\nno finished runs below {arguments.runs} and no records: make some with "
            f"indexnet-edu train {task.name} VARIANT, or name other folders with --runs, --records"
        )
    return _deliver(text, arguments.out)


def _deliver(text: str, out: str | None) -> int:
    if out is None:
        print(text)
        return 0
    path = Path(out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text + "\n")
    except OSError as error:
        raise UserError(f"cannot write {out} ({error.strerror}): use another --out") from None
    return 0


def _complexity(arguments: argparse.Namespace) -> int:
    from ..complexity import format_tables, table_rows
    from ..tasks import COST_TABLES

    known = {costs.number: costs for costs in COST_TABLES}
    if arguments.table is not None and arguments.table not in known:
        choices = ", ".join(map(str, known))
        raise UsageError(f"Table {arguments.table} has no costs to count; choose from {choices}")
    tables = list(known.values()) if arguments.table is None else [known[arguments.table]]
    if arguments.json:
        print_json([row for table in tables for row in table_rows(table)])
    else:
        print(format_tables(*tables))
    return 0


def _resamplers(arguments: argparse.Namespace) -> int:
    from ..resampling import list_resamplers

    rows = [
        {
            "name": name,
            "kind": "guided" if pair.guided else "blind",
            "downsampling": pair.down.__name__,
            "upsampling": pair.up.__name__,
            "title": pair.title,
        }
        for name, pair in list_resamplers().items()
    ]
    if arguments.json:
        print_json(rows)
    else:
        print_rows(rows)
    return 0


def add_commands(commands: Commands) -> None:
    table = commands.add("table", _table, "a table of the paper, our runs beside it")
    table.add_argument("number", type=int, metavar="N", help="2 to 11")
    table.add_argument("--runs", default="runs", help="folder that holds run folders (runs)")
    table.add_argument("--records", metavar="DIR", help="folder of records (data/records)")
    table.add_argument("--format", choices=("text", "markdown", "csv", "latex"), help="(text)")
    table.add_argument("--out", metavar="FILE", help="write it there, not on the terminal")

    complexity = commands.add(
        "complexity", _complexity, "parameters and cost beside Tables 5, 7, 8 and 10"
    )
    complexity.add_argument("--table", type=int, metavar="N", help="one of them (all)")

    commands.add("resamplers", _resamplers, "the pairs of downsampling and upsampling by name")
