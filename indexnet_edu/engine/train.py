"""From a task, a variant and a profile to a finished run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import UserError
from ..files import write_json
from . import checkpoint
from .batch import TaskData
from .device import accelerator, describe_device, determinism, use_threads
from .fit import evaluate, fit
from .memory import TRAINED, step_within_memory, within_memory
from .plan import Plan
from .run import Run, create_run
from .task import Task

__all__ = ["evaluate_run", "load_model", "train"]


def train(
    task: Task,
    variant: str,
    profile: str = "cpu",
    out: str | Path | None = None,
    *,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    threads: int | None = None,
    progress: bool = True,
    watch: Callable[[dict[str, Any]], None] | None = None,
    data: TaskData | None = None,
) -> Run:
    """Trains one row of a table and measures it on the test images.

    A run that has finished with the same settings is returned as it is.

    Args:
        task: what to train; variant, profile: names of its own.
        out: the run folder; by default ``runs/<task>/<variant>-<profile>-seed<seed>``.
        seed: shorthand for ``overrides={"seed": …}``.
        overrides: fields of the recipe to change.
        resume: continue an unfinished run.
        threads: of the CPU's operators; None leaves PyTorch's choice.
        progress: a bar on the terminal (never in a file or a notebook's log).
        watch: is shown every point of the curve as it comes; in a notebook,
            :meth:`LiveCurve.start <indexnet_edu.viz.live_curve.LiveCurve.start>` gives one.
        data: those of the recipe, where they have been read before.

    Raises:
        UsageError: an unknown name, or a folder that holds something else.
        UserError: data missing or damaged, a folder that cannot be written, a network or a step
            that does not fit into memory, a loss or metrics that are not finite.
        Stopped: interrupted; the state is kept.
    """
    plan = Plan.of(task, variant, profile, out, seed, overrides)
    recipe, run = plan.recipe, Run(plan.folder)
    use_threads(threads)
    data = data or task.load_data(recipe)
    here = accelerator()
    if here.is_main_process:
        device = describe_device(here.device, here.num_processes)
        create_run(plan.folder, plan.config(data), device, resume, task.completed)
    here.wait_for_everyone()
    if run.finished:
        return run
    try:
        # One process keeps the folder, and it alone writes.
        with run.locked() if here.is_main_process else nullcontext():
            with determinism(recipe.deterministic), step_within_memory(recipe):
                model = plan.build(here.device, TRAINED)
                data = data.to(here.device)
                seconds = fit(model, plan, data, run, here, progress, watch)
                test = evaluate(model, task, data.test, recipe, here)
            if bad := [name for name, value in test.items() if not math.isfinite(value)]:
                raise UserError(
                    f"{', '.join(bad)} of the test images: no finite number, so the run is not "
                    f"finished; its state is kept in {run.folder}; try a lower lr"
                )
            if here.is_main_process:
                checkpoint.save_weights(run.weights, model.state_dict())
                steps = run.curve[-1]["step"]
                write_json(run.folder / "metrics.json", test | {"seconds": seconds, "steps": steps})
    except OSError as error:
        raise UserError(
            f"cannot write to {plan.folder} ({error.strerror}): free some space or use another "
            "--out; what was saved before is kept, go on with --resume"
        ) from None
    here.wait_for_everyone()
    return run


def load_model(task: Task, run: Run) -> nn.Module:
    """The trained network of a finished run of ``task``, in evaluation mode on the CPU.

    Raises:
        UserError: the run has not finished, or its files do not fit this version of the package.
    """
    model = Plan.stored(task, run.folder, run.config).build(torch.device("cpu"))
    if not run.weights.is_file():
        raise UserError(f"{run.folder} has no weights yet: finish it with train … --resume")
    try:
        model.load_state_dict(checkpoint.load_weights(run.weights))
    except Exception as error:  # a damaged file, or weights of another network
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{run.weights} does not fit this network ({reason}): train it again"
        ) from None
    return model.eval()


def evaluate_run(task: Task, run: Run) -> dict[str, float]:
    """Measures a finished run again, on the data that its configuration names, in this process
    alone.

    Raises:
        UserError: the run has not finished, or the data are not those it was trained with.
    """
    config = run.config
    recipe = Plan.stored(task, run.folder, config).recipe
    model, here = load_model(task, run), accelerator(alone=True)
    data = task.load_data(recipe)
    if data.checksum != config["data"]["checksum"]:
        raise UserError(
            f"{run.folder} was trained on {config['data']['name']}, but here is {data.name}: "
            "set INDEXNET_DATA to the data of the run"
        )
    with within_memory("a test batch", "use another device"):
        model.to(here.device)
        return evaluate(model, task, data.to(here.device).test, recipe, here)
