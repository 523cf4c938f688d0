"""The command line. Thin: it parses, calls, prints.

Exit codes: 0 done, 1 failed, 2 wrong use, 75 stopped by a scheduler (queue it again), 130
interrupted.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import __version__
from .errors import UsageError, UserError

__all__ = ["main"]


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    """Rows with the same keys, as aligned text."""
    if not rows:
        print("nothing to show")
        return
    table = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _settings(pairs: Sequence[str]) -> dict[str, str]:
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set takes name=value, got {pair!r}")
        settings[name.replace("-", "_")] = value
    return settings


def _doctor(arguments: argparse.Namespace) -> int:
    from .course.doctor import checks_to_json, format_checks, passed, run_checks

    checks = run_checks()
    print(checks_to_json(checks) if arguments.json else format_checks(checks))
    return 0 if passed(checks) else 1


def _run(arguments: argparse.Namespace) -> int:
    from .course.execute import run_course
    from .course.progress import print_progress

    report = run_course(
        arguments.notebooks or None,
        arguments.profile,
        arguments.out or f"build/course/{arguments.profile}",
        parameters=_parameters(arguments.set),
        rerun=arguments.rerun,
        on_progress=print_progress(),
    )
    if arguments.json:
        _print_json(report.as_dict())
    else:
        for row in report.rows:
            print(f"{row.status:8} {row.name}" + (f": {row.error}" if row.error else ""))
        print(f"open {report.out / 'index.html'}")
    return 0 if report.ok else 1


def _parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """Notebook parameters: JSON where it is JSON (numbers, true), else text."""
    parameters: dict[str, Any] = {}
    for name, value in _settings(pairs).items():
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def _train(arguments: argparse.Namespace) -> int:
    from .engine import train
    from .tasks import get_task

    task = get_task(arguments.task)
    run = train(
        task,
        arguments.variant,
        arguments.profile,
        arguments.out,
        seed=arguments.seed,
        overrides=_settings(arguments.set),
        resume=arguments.resume,
        progress=not arguments.json,
    )
    if arguments.json:
        _print_json({"run": str(run.folder), "config": run.config, "metrics": run.metrics})
    else:
        shown = "  ".join(
            f"{name} {value:.4f}" for name, value in run.metrics.items() if name != "steps"
        )
        print(f"{arguments.task} {arguments.variant} on {run.config['data']['name']}")
        print(f"{shown}\n{run.folder}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from .engine import evaluate_run, open_run
    from .tasks import get_task

    run = open_run(arguments.run)
    metrics = evaluate_run(get_task(run.config["task"]), run)
    if arguments.json:
        _print_json({"run": str(run.folder), "data": run.config["data"], "metrics": metrics})
    else:
        print(f"{run.config['variant']} on {run.config['data']['name']}")
        print("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    return 0


def _table(arguments: argparse.Namespace) -> int:
    from .records.paper import paper_table
    from .records.table import compare, find_runs, format_comparison
    from .tasks import TASKS

    tasks = {task.table: task for task in TASKS.values()}
    if arguments.number not in tasks:
        rows = paper_table(arguments.number)
        if arguments.json:
            _print_json({"table": arguments.number, "paper": rows})
        else:
            columns = list(dict.fromkeys(key for row in rows for key in row))
            _print_rows([{key: row.get(key, "") for key in columns} for row in rows])
            print("the paper's figures only: this task is not trained here yet")
        return 0
    task = tasks[arguments.number]
    runs = find_runs(arguments.runs, task.name)
    reference = dataclasses.asdict(task.profile("gpu"))
    comparisons = compare(arguments.number, runs, reference, task.variants)
    if arguments.json:
        _print_json([comparison.as_dict() for comparison in comparisons])
        return 0
    print("\n\n".join(map(format_comparison, comparisons)))
    if not runs:
        print(
            f"\nno finished runs below {arguments.runs}: make some with "
            f"indexnet-edu train {task.name} VARIANT, or name another folder with --runs"
        )
    return 0


def _complexity(arguments: argparse.Namespace) -> int:
    from .complexity import COUNTED_TABLES, format_rows, table_rows

    numbers = [arguments.table] if arguments.table is not None else list(COUNTED_TABLES)
    tables = [table_rows(number) for number in numbers]
    if arguments.json:
        _print_json([row for rows in tables for row in rows])
    else:
        print("\n\n".join(map(format_rows, tables)))
    return 0


def _resamplers(arguments: argparse.Namespace) -> int:
    from .resampling import list_resamplers

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
        _print_json(rows)
    else:
        _print_rows(rows)
    return 0


def _data_list(arguments: argparse.Namespace) -> int:
    from .datasets import list_rows

    rows = list_rows()
    if arguments.json:
        _print_json(rows)
    else:
        _print_rows(
            [{key: row[key] for key in ("name", "status", "title", "where")} for row in rows]
        )
    return 0


def _data_get(arguments: argparse.Namespace) -> int:
    from .datasets import get

    folder = get(arguments.name, progress=not arguments.json)
    if arguments.json:
        _print_json({"name": arguments.name, "where": str(folder)})
    else:
        print(f"{arguments.name} is in {folder}")
    return 0


def _data_verify(arguments: argparse.Namespace) -> int:
    from .datasets import verify

    rows = verify(arguments.names)
    if arguments.json:
        _print_json(rows)
    else:
        _print_rows(rows)
    return 0 if all(row["state"] == "good" for row in rows) else 1


def _lab(arguments: argparse.Namespace) -> int:
    from .course.lab import start_lab

    return start_lab(arguments.folder, arguments.notebooks or None, arguments.lab_arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="indexnet-edu",
        description="Index Networks, the course: upsampling as indexing, in JupyterLab and batch.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    json_option = argparse.ArgumentParser(add_help=False)
    json_option.add_argument("--json", action="store_true", help="print data as JSON")

    def command(
        name: str, action: Callable[[argparse.Namespace], int], text: str, into: Any = commands
    ) -> argparse.ArgumentParser:
        sub = into.add_parser(name, help=text, description=text, parents=[json_option])
        sub.set_defaults(action=action)
        return sub

    set_help = "change one setting; may be given several times"
    command("doctor", _doctor, "check that this machine can run the course")

    run = command("run", _run, "run notebooks with papermill and make an index page")
    run.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="number, name or path (all)")
    run.add_argument("--profile", default="smoke", help="smoke, cpu or gpu (smoke)")
    run.add_argument("--out", help="folder of the results (build/course/PROFILE)")
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=set_help)
    run.add_argument("--rerun", action="store_true", help="run finished notebooks too")

    train = command("train", _train, "train one row of a table")
    train.add_argument("task", metavar="TASK")
    train.add_argument("variant", metavar="VARIANT")
    train.add_argument("--profile", default="cpu", help="smoke, cpu or gpu (cpu)")
    train.add_argument("--out", help="run folder (runs/TASK/VARIANT-PROFILE-seedN)")
    train.add_argument("--seed", type=int, help="of weights, data order and noise")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=set_help)
    train.add_argument("--resume", action="store_true", help="go on with an unfinished run")

    evaluate = command("evaluate", _evaluate, "measure a finished run again")
    evaluate.add_argument("run", metavar="RUN", help="its folder")

    table = command("table", _table, "a table of the paper, our runs beside it")
    table.add_argument("number", type=int, metavar="N", help="2 to 11")
    table.add_argument("--runs", default="runs", help="folder that holds run folders (runs)")

    complexity = command(
        "complexity", _complexity, "parameters and cost beside Tables 5, 7, 8 and 10"
    )
    complexity.add_argument("--table", type=int, metavar="N", help="one of them (all)")

    command("resamplers", _resamplers, "the pairs of downsampling and upsampling by name")

    data = commands.add_parser("data", help="list, get and verify data sets")
    data_commands = data.add_subparsers(required=True, metavar="COMMAND")
    command("list", _data_list, "what there is and where it is looked for", data_commands)
    get = command("get", _data_get, "download a data set, or say how to get it", data_commands)
    get.add_argument("name", metavar="NAME")
    verify = command("verify", _data_verify, "check every file's checksum", data_commands)
    verify.add_argument("names", nargs="*", metavar="NAME", help="all that are there")

    lab = command("lab", _lab, "open your copies of the notebooks in JupyterLab")
    lab.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="number or name (all)")
    lab.add_argument("--folder", default="my_work", help="where your copies are kept (my_work)")
    lab.add_argument("--lab-arguments", nargs=argparse.REMAINDER, default=[], help="for JupyterLab")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; a user's mistake is one line on stderr."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.action(parsed)
    except UserError as error:
        print(f"indexnet-edu: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as stopped:
        print(f"indexnet-edu: {str(stopped) or 'interrupted'}", file=sys.stderr)
        return getattr(stopped, "exit_code", 130)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
