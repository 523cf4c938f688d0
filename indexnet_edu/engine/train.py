"""From a task, a variant and a profile to a finished run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import UserError
from ..files import write_json
from . import checkpoint
from .device import default_device
from .fit import evaluate, fit
from .recipe import Recipe, override
from .run import Run, create_run
from .task import Task, TaskData

__all__ = ["evaluate_run", "load_model", "train"]


def _build(task: Task, variant: str, recipe: Recipe, device: torch.device) -> nn.Module:
    torch.manual_seed(recipe.seed)
    model = task.build_model(task.variant(variant), recipe).to(device)
    if recipe.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    return model


def _config(
    task: Task, variant: str, profile: str, recipe: Recipe, data: TaskData
) -> dict[str, Any]:
    resampler = task.variant(variant)
    return {
        "task": task.name,
        "variant": variant,
        "profile": profile,
        "resampler": resampler and {"name": resampler.name, "options": dict(resampler.options)},
        "recipe": dataclasses.asdict(recipe),
        "data": {"name": data.name, "checksum": data.checksum},
    }


def train(
    task: Task,
    variant: str,
    profile: str = "cpu",
    out: str | Path | None = None,
    *,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Run:
    """Trains one row of a table and measures it on the test images.

    A run that has finished with the same settings is returned as it is.

    Args:
        task: what to train; variant, profile: names of its own.
        out: the run folder; by default ``runs/<task>/<variant>-<profile>-seed<seed>``.
        seed: shorthand for ``overrides={"seed": …}``.
        overrides: fields of the recipe to change.
        resume: continue an unfinished run.
        progress: a bar on the terminal (never in a file or a notebook's log).

    Raises:
        UsageError: an unknown name, or a folder that holds something else.
        UserError: data missing or damaged, a folder that cannot be written, a loss that is no
            longer finite.
        Stopped: interrupted; the state is kept.
    """
    task.variant(variant)
    changes = dict(overrides or {}) | ({} if seed is None else {"seed": seed})
    recipe: Recipe = override(task.profile(profile), changes)
    folder = Path(out or f"runs/{task.name}/{variant}-{profile}-seed{recipe.seed}")
    device = default_device()
    data = task.load_data(recipe)
    run = create_run(folder, _config(task, variant, profile, recipe, data), device, resume)
    if run.finished:
        return run
    try:
        with run.locked():
            model = _build(task, variant, recipe, device)
            seconds = fit(model, task, data.train.to(device), recipe, run, device, progress)
            checkpoint.save_weights(run.weights, model.state_dict())
            test = evaluate(model, data.test.to(device), task.metrics(), recipe, device)
            steps = run.curve[-1]["step"]
            write_json(run.folder / "metrics.json", test | {"seconds": seconds, "steps": steps})
    except OSError as error:
        raise UserError(
            f"cannot write to {folder} ({error.strerror}): free some space or use another --out; "
            "what was saved before is kept, go on with --resume"
        ) from None
    return run


def _recipe(task: Task, config: Mapping[str, Any]) -> Recipe:
    stored = {k: tuple(v) if isinstance(v, list) else v for k, v in config["recipe"].items()}
    return override(task.profile(config["profile"]), stored)


def load_model(task: Task, run: Run) -> nn.Module:
    """The trained network of a finished run of ``task``, in evaluation mode on the CPU.

    Raises:
        UserError: the run has not finished, or its files do not fit this version of the package.
    """
    config = run.config
    recipe = _recipe(task, config)
    model = _build(task, config["variant"], recipe, torch.device("cpu"))
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
    """Measures a finished run again, on the data that its configuration names.

    Raises:
        UserError: the run has not finished, or the data are not those it was trained with.
    """
    config = run.config
    recipe = _recipe(task, config)
    model, device = load_model(task, run), default_device()
    data = task.load_data(recipe)
    if data.checksum != config["data"]["checksum"]:
        raise UserError(
            f"{run.folder} was trained on {config['data']['name']}, but here is {data.name}: "
            "set INDEXNET_DATA to the data of the run"
        )
    return evaluate(model.to(device), data.test.to(device), task.metrics(), recipe, device)
