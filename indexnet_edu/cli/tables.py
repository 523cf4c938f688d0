"""Commands on figures: table, complexity, resamplers."""

from __future__ import annotations

import argparse
import dataclasses

from .common import Commands, print_json, print_rows

__all__ = ["add_commands"]


def _table(arguments: argparse.Namespace) -> int:
    from ..records.paper import paper_table
    from ..records.table import compare, find_runs, format_comparison
    from ..tasks import TASKS

    tasks = {task.table: task for task in TASKS.values()}
    if arguments.number not in tasks:
        rows = paper_table(arguments.number)
        if arguments.json:
            print_json({"table": arguments.number, "paper": rows})
        else:
            columns = list(dict.fromkeys(key for row in rows for key in row))
            print_rows([{key: row.get(key, "") for key in columns} for row in rows])
            print("the paper's figures only: this task is not trained here yet")
        return 0
    task = tasks[arguments.number]
    runs = find_runs(arguments.runs, task.name)
    reference = dataclasses.asdict(task.profile("gpu"))
    comparisons = compare(arguments.number, runs, reference, task.variants)
    if arguments.json:
        print_json([comparison.as_dict() for comparison in comparisons])
        return 0
    print("\n\n".join(map(format_comparison, comparisons)))
    if not runs:
        print(
            f"\nno finished runs below {arguments.runs}: make some with "
            f"indexnet-edu train {task.name} VARIANT, or name another folder with --runs"
        )
    return 0


def _complexity(arguments: argparse.Namespace) -> int:
    from ..complexity import COUNTED_TABLES, format_rows, table_rows

    numbers = [arguments.table] if arguments.table is not None else list(COUNTED_TABLES)
    tables = [table_rows(number) for number in numbers]
    if arguments.json:
        print_json([row for rows in tables for row in rows])
    else:
        print("\n\n".join(map(format_rows, tables)))
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

    complexity = commands.add(
        "complexity", _complexity, "parameters and cost beside Tables 5, 7, 8 and 10"
    )
    complexity.add_argument("--table", type=int, metavar="N", help="one of them (all)")

    commands.add("resamplers", _resamplers, "the pairs of downsampling and upsampling by name")
