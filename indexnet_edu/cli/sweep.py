"""Commands on sweeps: sweep TASK (start), status, log."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, UserError
from .common import SET_HELP, Commands, complain, print_json, print_rows, settings

if TYPE_CHECKING:
    from ..engine.sweep import Sweep
    from ..engine.task import Task

__all__ = ["add_commands", "spelled_out"]

_COMMANDS = ("start", "status", "log")

#: Crews of workers in a row that may die before they finish a cell. One may be unlucky.
_CREWS = 3

#: Seconds that the cells of a dead worker get to save their state, before they count as others'.
_ORPHANS = 10


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """``sweep TASK …`` is short for ``sweep start TASK …``."""
    given = list(arguments)
    if given[:1] == ["sweep"] and given[1:] and given[1] not in (*_COMMANDS, "-h", "--help"):
        given.insert(1, "start")
    return given


def _start(arguments: argparse.Namespace) -> int:
    from ..course.hiding import hiding
    from ..engine.sweep import Sweep, make_plan, sbatch_script, submit_to_slurm
    from ..tasks import get_task

    task = get_task(arguments.task)
    if arguments.workers < 1 or (arguments.threads or 1) < 1:
        raise UsageError("--workers and --threads must be at least 1")
    plan = make_plan(
        task,
        variants=arguments.variants,
        families=arguments.families,
        modes=arguments.modes,
        seeds=arguments.seeds,
        profile=arguments.profile,
        overrides=settings(arguments.set),
    )
    sweep, options = Sweep(Path(arguments.out)), _slurm_options(arguments)
    slurm = arguments.executor == "slurm"
    if arguments.dry_run:
        script = sbatch_script(sweep, arguments.workers, arguments.threads, options)
        shown = plan.as_dict() | ({"script": script} if slurm else {})
        if arguments.json:
            print_json(shown)
        else:
            print("\n".join(cell.name for cell in plan.cells))
            print(f"{len(plan.cells)} cells on {plan.data['name']}; nothing was started")
            print(f"\n{script}" if slurm else "", end="")
        return 0
    if slurm:  # wrong options are refused before anything is written
        sbatch_script(sweep, arguments.workers, arguments.threads, options)
    sweep.adopt(plan)
    if arguments.retry_failed:
        sweep.retry_failed()
    if not slurm:
        for line in hiding(Path.cwd()):
            complain(line)
        _work_here(task, sweep, arguments)
        if left := _count(sweep)["to do"]:
            why = sweep.folder / "jobs"
            print(f"workers ended early, {left} cells to do: {why} says why", file=sys.stderr)
        return _report(sweep, arguments.json)
    workers = min(arguments.workers, _count(sweep)["to do"])
    jobs = submit_to_slurm(task, sweep, workers, arguments.threads, options) if workers else []
    if arguments.json:
        print_json({"sweep": str(sweep.folder), "jobs": jobs, "counts": _count(sweep)})
    else:
        print(f"queued {workers} workers: {' '.join(jobs)}" if jobs else "nothing is to do")
        print(f"indexnet-edu sweep status {sweep.folder}")
    return 0


def _slurm_options(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.slurm and arguments.executor != "slurm":
        raise UsageError("--slurm takes effect with --executor slurm: add it, or leave --slurm out")
    options: dict[str, Any] = {}
    for name, text in settings(arguments.slurm, "--slurm").items():
        try:
            options[name] = json.loads(text)  # numbers, true
        except ValueError:
            options[name] = text
    return options


def _count(sweep: Sweep) -> dict[str, int]:
    from ..engine.sweep import count_states

    return count_states(sweep.rows())


def _settled(sweep: Sweep) -> dict[str, int]:
    """The counts when no cell is running any more, or after a while."""
    until = time.monotonic() + _ORPHANS
    while (counts := _count(sweep))["running"] and time.monotonic() < until:
        time.sleep(0.1)
    return counts


def _work_here(task: Task, sweep: Sweep, arguments: argparse.Namespace) -> None:
    """Workers on this machine until nothing is to do; whom a dead one leaves, others take up."""
    from tqdm import tqdm

    from ..engine.stop import Stopped, StopSignals
    from ..engine.sweep import LocalWorkers

    threads = arguments.threads or max(1, (os.cpu_count() or 1) // arguments.workers)
    counts, fruitless = _count(sweep), 0
    bar = tqdm(total=sum(counts.values()), unit="cell", disable=True if arguments.json else None)
    with StopSignals() as stop, bar:
        while counts["to do"] and fruitless < _CREWS and stop.exit_code is None:
            ended = counts["done"] + counts["failed"]
            crew = LocalWorkers(task, sweep, min(arguments.workers, counts["to do"]), threads)
            looked = 0.0
            while crew.working:
                time.sleep(0.1)
                if stop.exit_code is not None:
                    crew.stop()  # again and again: a process that just starts may miss it
                    time.sleep(0.5)
                elif time.monotonic() > looked + 2 and not bar.disable:
                    bar.n, looked = _count(sweep)["done"], time.monotonic()
                    bar.refresh()
            if stop.exit_code is not None:
                break
            counts = _settled(sweep)
            fruitless = 0 if counts["done"] + counts["failed"] > ended else fruitless + 1
    if stop.exit_code is not None:
        raise Stopped(
            f"stopped with every state kept in {sweep.folder}: the same command goes on",
            stop.exit_code,
        )


def _report(sweep: Sweep, as_json: bool) -> int:
    """Prints how the sweep stands; 1 unless all is done."""
    from ..engine.sweep import count_states, seconds_left

    rows = sweep.rows()
    for row in rows:
        if row["damaged"]:
            complain(row["damaged"])
    plan, counts, left = sweep.plan, count_states(rows), seconds_left(rows)
    if as_json:
        described = {"sweep": str(sweep.folder), "task": plan.task, "profile": plan.profile}
        print_json(described | {"counts": counts, "seconds_left": left, "cells": rows})
    else:
        print_rows(_by_pair(rows))
        total = ", ".join(f"{number} {state}" for state, number in counts.items())
        about = "" if left is None else f"; about {_duration(left)} left"
        print(f"\n{plan.task}, profile {plan.profile}, {len(rows)} cells: {total}{about}")
        failed = [row for row in rows if row["state"] == "failed"]
        for row in failed[:10]:
            attempts = "" if row["attempts"] == 1 else f" ({row['attempts']} attempts)"
            print(f"failed: {row['cell']}{attempts}: {row['reason']}")
        if failed:
            print(
                f"read more with indexnet-edu sweep log {sweep.folder} {failed[0]['cell']}, "
                "try again with --retry-failed"
            )
    return 0 if counts["done"] == len(rows) else 1


def _by_pair(rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Families × modes, other pairs a row each: how many cells are done of all, and the rest."""
    by_pair: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        family, _, mode = row["variant"].partition("-")
        by_pair.setdefault(family, {}).setdefault(mode or "pair", []).append(row["state"])
    modes = dict.fromkeys(mode for columns in by_pair.values() for mode in columns)

    def told(states: Sequence[str]) -> str:
        others = (f"{states.count(s)} {s}" for s in ("running", "failed") if s in states)
        return ", ".join([f"{states.count('done')}/{len(states)}", *others])

    return [
        {"": family, **{mode: told(columns[mode]) if mode in columns else "" for mode in modes}}
        for family, columns in by_pair.items()
    ]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _status(arguments: argparse.Namespace) -> int:
    from ..engine.sweep import open_sweep

    _report(open_sweep(arguments.sweep), arguments.json)
    return 0


def _log(arguments: argparse.Namespace) -> int:
    from ..engine.sweep import open_sweep

    sweep = open_sweep(arguments.sweep)
    cell = sweep.find(arguments.cell)
    try:
        text = sweep.log(cell).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise UserError(f"{cell.name} has not been started yet, so it has no log") from None
    if arguments.json:
        failure = sweep.failure(cell) or {}
        print_json(
            {
                "cell": cell.name,
                "state": sweep.state(cell),
                "reason": failure.get("reason"),
                "attempts": failure.get("attempts"),
                "log": text,
            }
        )
    else:
        sys.stdout.write(text)
    return 0


def add_commands(commands: Commands) -> None:
    sweep = commands.group("sweep", "train many rows and seeds: sweep TASK, status, log")

    start = sweep.add(
        "start", _start, "train what is missing (`sweep TASK` is short for `sweep start TASK`)"
    )
    start.add_argument("task", metavar="TASK")
    start.add_argument("--out", required=True, metavar="DIR", help="folder of the sweep")
    start.add_argument(
        "--variants", nargs="+", default=[], metavar="V", help="rows, resamplers or FAMILY-MODE"
    )
    start.add_argument("--families", nargs="+", default=[], metavar="F", help="of IndexNets (all)")
    start.add_argument("--modes", nargs="+", default=[], metavar="M", help="of IndexNets (all)")
    start.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="K", help="(0)")
    start.add_argument("--profile", default="cpu", help="smoke, cpu or gpu (cpu)")
    start.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=SET_HELP)
    start.add_argument("--workers", type=int, default=1, metavar="N", help="cells at a time (1)")
    start.add_argument(
        "--threads", type=int, metavar="T", help="of a worker (local: all cores, divided)"
    )
    start.add_argument("--executor", choices=("local", "slurm"), default="local", help="(local)")
    start.add_argument(
        "--slurm", nargs="+", default=[], metavar="NAME=VALUE",
        help="sbatch options by submitit's names: partition=gpu time=120 (minutes) gpus_per_node=1",
    )  # fmt: skip
    start.add_argument("--retry-failed", action="store_true", help="try failed cells again")
    start.add_argument(
        "--dry-run", action="store_true", help="show the cells and the batch script, start nothing"
    )

    status = sweep.add("status", _status, "what is done, running, failed and to do")
    status.add_argument("sweep", metavar="DIR")

    log = sweep.add("log", _log, "what a cell printed")
    log.add_argument("sweep", metavar="DIR")
    log.add_argument("cell", metavar="CELL", help="VARIANT-seedK")
