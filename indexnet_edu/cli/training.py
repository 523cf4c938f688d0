"""Commands on runs: train, evaluate, predict."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError
from .common import SET_HELP, Commands, complain, print_json, print_rows, settings

__all__ = ["add_commands", "spelled_out"]

_PREDICT_OPTIONS = ("out", "with", "json", "help")


def _train(arguments: argparse.Namespace) -> int:
    from ..engine import estimate, is_main_process, train
    from ..tasks import get_task

    what = (get_task(arguments.task), arguments.variant, arguments.profile, arguments.out)
    how = {
        "seed": arguments.seed,
        "overrides": settings(arguments.set),
        "threads": arguments.threads,
    }
    if arguments.dry_run:
        cost = estimate(*what, **how)
        if is_main_process():
            print_json(cost.as_dict()) if arguments.json else print(cost)
        return 0 if cost.obstacle is None else 1
    run = train(*what, **how, resume=arguments.resume, progress=not arguments.json)
    if not is_main_process():  # the others have nothing to add
        return 0
    if arguments.json:
        print_json({"run": str(run.folder), "config": run.config, "metrics": run.metrics})
    else:
        shown = "  ".join(
            f"{name} {value:.4f}" for name, value in run.metrics.items() if name != "steps"
        )
        print(f"{arguments.task} {arguments.variant} on {run.config['data']['name']}")
        print(f"{shown}\n{run.folder}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from ..engine import evaluate_run, open_run
    from ..tasks import get_task

    run = open_run(arguments.run)
    metrics = evaluate_run(get_task(run.config["task"]), run)
    if arguments.json:
        print_json({"run": str(run.folder), "data": run.config["data"], "metrics": metrics})
    else:
        print(f"{run.config['variant']} on {run.config['data']['name']}")
        print("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()))
    return 0


def _predict(arguments: argparse.Namespace) -> int:
    from ..engine import load_model, open_run
    from ..engine.device import default_device
    from ..engine.predict import predict_files
    from ..tasks import get_task

    run = open_run(arguments.run)
    task = get_task(run.config["task"])
    if task.predict is None:
        raise UsageError(f"a {task.name} run has nothing to say about an image: use another run")
    others: dict[str, list[Path]] = {}
    for name, file in arguments.with_:
        others.setdefault(name, []).append(Path(file))
    model = load_model(task, run).to(default_device())
    images = list(map(Path, arguments.images))
    rows = predict_files(task.predict, model, images, Path(arguments.out), others, complain)
    if arguments.json:
        print_json({"run": str(run.folder), "images": rows})
    elif rows:
        print_rows([{**row, "results": " ".join(row["results"])} for row in rows])
    return 0 if len(rows) == len(images) else 1


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """In ``predict``, ``--NAME FILE …`` is short for ``--with NAME FILE`` of each file: a task's
    inputs have names of its own.

    Raises:
        UsageError: a name without a file.
    """
    given = list(arguments)
    if given[:1] != ["predict"]:
        return given
    result, name, files = list[str](), "", 0
    for number, argument in enumerate([*given, "--"]):
        if not argument.startswith("--"):
            result += ["--with", name, argument] if name else [argument]
            files += 1
            continue
        if name and not files:
            raise UsageError(f"--{name} takes a file for each image; without one it says nothing")
        if argument == "--":  # what follows are images, whatever they are called
            return result + given[number:]
        option, equals, value = argument[2:].partition("=")
        name, files = ("", 0) if option in _PREDICT_OPTIONS else (option, bool(equals))
        if not name:
            result.append(argument)
        elif equals:
            result += ["--with", name, value]
    return result


def add_commands(commands: Commands) -> None:
    train = commands.add("train", _train, "train one row of a table")
    train.add_argument("task", metavar="TASK")
    train.add_argument(
        "variant", metavar="VARIANT", help="a row, a resampler's name, or FAMILY-MODE"
    )
    train.add_argument("--profile", default="cpu", help="smoke, cpu or gpu (cpu)")
    train.add_argument("--out", help="run folder (runs/TASK/VARIANT-PROFILE-seedN)")
    train.add_argument("--seed", type=int, help="of weights, data order and noise")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=SET_HELP)
    train.add_argument("--resume", action="store_true", help="go on with an unfinished run")

    train.add_argument("--threads", type=int, metavar="N", help="of the CPU (PyTorch's choice)")
    train.add_argument(
        "--dry-run", action="store_true", help="a few steps, then what the rest will cost"
    )

    evaluate = commands.add("evaluate", _evaluate, "measure a finished run again")
    evaluate.add_argument("run", metavar="RUN", help="its folder")

    predict = commands.add("predict", _predict, "what a finished run makes of your own images")
    predict.add_argument("run", metavar="RUN", help="its folder")
    predict.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG, …, of any size")
    predict.add_argument("--out", default="predicted", help="folder for the results (predicted)")
    predict.add_argument(
        "--with",
        dest="with_",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "FILE"),
        help="another input of the network, a file for each image; short: --NAME FILE …",
    )
