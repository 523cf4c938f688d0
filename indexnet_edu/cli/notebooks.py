"""Commands on notebooks and the machine: doctor, run, lab, handout."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .common import SET_HELP, Commands, complain, print_json, settings

__all__ = ["add_commands", "spelled_out"]


def _doctor(arguments: argparse.Namespace) -> int:
    from ..course.doctor import checks_to_json, format_checks, passed, run_checks

    checks = run_checks()
    print(checks_to_json(checks) if arguments.json else format_checks(checks))
    return 0 if passed(checks) else 1


def _run(arguments: argparse.Namespace) -> int:
    from ..course.execute import run_course
    from ..course.hiding import hiding
    from ..course.progress import print_progress

    out = arguments.out or f"build/course/{arguments.profile}"
    for line in hiding(Path(out)):
        complain(line)
    report = run_course(
        arguments.notebooks or None,
        arguments.profile,
        out,
        parameters=_parameters(arguments.set),
        rerun=arguments.rerun,
        on_progress=print_progress(),
    )
    if arguments.json:
        print_json(report.as_dict())
    else:
        for row in report.rows:
            print(f"{row.status:8} {row.name}" + (f": {row.error}" if row.error else ""))
        print(f"open {report.out / 'index.html'}")
    return 0 if report.ok else 1


def _parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """Notebook parameters: JSON where it is JSON (numbers, true), else text."""
    parameters: dict[str, Any] = {}
    for name, value in settings(pairs).items():
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters


def _lab(arguments: argparse.Namespace) -> int:
    from ..course.hiding import hiding
    from ..course.lab import allow_root_hint, start_lab

    for line in (*hiding(Path(arguments.folder)), *allow_root_hint(arguments.lab_arguments)):
        complain(line)
    return start_lab(arguments.folder, arguments.notebooks or None, arguments.lab_arguments)


def _handout(arguments: argparse.Namespace) -> int:
    from ..course.handout import make_handouts

    handouts = make_handouts(
        arguments.notebooks or None, arguments.out, overwrite=arguments.overwrite
    )
    if arguments.json:
        print_json([vars(handout) | {"path": str(handout.path)} for handout in handouts])
    else:
        for handout in handouts:
            print(f"{handout.status:9} {handout.path}")
    return 0


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """``lab … -- ARGUMENT …`` is short for ``lab … --lab-arguments ARGUMENT …``."""
    given = list(arguments)
    if given[:1] == ["lab"] and "--" in given and "--lab-arguments" not in given:
        given[given.index("--")] = "--lab-arguments"
    return given


def add_commands(commands: Commands) -> None:
    commands.add("doctor", _doctor, "check that this machine can run the course")

    run = commands.add("run", _run, "run notebooks with papermill and make an index page")
    run.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="number, name or path (all)")
    run.add_argument("--profile", default="smoke", help="smoke, cpu or gpu (smoke)")
    run.add_argument("--out", help="folder of the results (build/course/PROFILE)")
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=SET_HELP)
    run.add_argument("--rerun", action="store_true", help="run finished notebooks too")

    lab = commands.add("lab", _lab, "open your copies of the notebooks in JupyterLab")
    lab.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="number or name (all)")
    lab.add_argument("--folder", default="my_work", help="where your copies are kept (my_work)")
    lab.add_argument(
        "--lab-arguments", nargs=argparse.REMAINDER, default=[], help="for JupyterLab; short: -- …"
    )

    handout = commands.add("handout", _handout, "copy notebooks without their solutions")
    handout.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="number or name (all)")
    handout.add_argument("--out", default="handouts", help="folder of the copies (handouts)")
    handout.add_argument("--overwrite", action="store_true", help="replace copies that differ")
