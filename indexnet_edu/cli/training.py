"""Commands on runs: train, evaluate, predict."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageError, UserError
from .common import SET_HELP, Commands, print_json, print_rows, settings

__all__ = ["add_commands"]


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
    from ..engine import open_run
    from ..engine.device import default_device
    from ..engine.train import load_model
    from ..images import read_image, write_image
    from ..tasks import get_task

    run, out = open_run(arguments.run), Path(arguments.out)
    task = get_task(run.config["task"])
    if task.predict is None:
        raise UsageError(f"a {task.name} run has nothing to say about an image: use another run")
    targets = [out / f"{Path(image).stem}.png" for image in arguments.images]
    if twice := {target.name for target in targets if targets.count(target) > 1}:
        raise UsageError(f"several images would become {', '.join(sorted(twice))}: rename them")
    model = load_model(task, run).to(default_device())
    rows = []
    for source, target in zip(map(Path, arguments.images), targets, strict=True):
        try:
            image, note = read_image(source.read_bytes(), longest_side=None)
            if target.exists() and target.samefile(source):
                raise UsageError(f"{target} would be overwritten: use another --out")
            result = task.predict(model, image)
            out.mkdir(parents=True, exist_ok=True)
            write_image(target, result)
        except UserError as error:
            raise type(error)(f"{source}: {error}") from None
        except OSError as error:
            raise UserError(f"{error.filename or source}: {error.strerror or error}") from None
        kind = "grey" if image.ndim == 2 else "colour, each channel for itself"
        size = f"{image.shape[1]}×{image.shape[0]}"
        said = "; ".join(filter(None, [kind, note]))
        rows.append({"image": str(source), "result": str(target), "size": size, "note": said})
    if arguments.json:
        print_json({"run": str(run.folder), "images": rows})
    else:
        print_rows(rows)
    return 0


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
