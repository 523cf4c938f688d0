"""Rows of a table trained one after the other, each told in a line as it finishes.

For a notebook: what has been trained before with the same settings is read, not repeated.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from .. import __version__
from ..engine import Run, Task, load_model, train
from ..engine.recipe import override

if TYPE_CHECKING:
    from ..records.record import Outcome
    from ..viz.live_curve import LiveCurve

__all__ = ["load_models", "outputs_of", "provenance", "table_text", "train_rows"]


def train_rows(
    task: Task,
    profile: str,
    seed: int,
    variants: Iterable[str],
    *,
    overrides: Mapping[str, Any] | None = None,
    folder: str | Path = "runs",
    live: LiveCurve | None = None,
) -> dict[str, Run]:
    """Trains variants and prints one line for each when it is done.

    All lie in one folder named after profile, seed and a digest of settings, data and package
    version, so that other data or another recipe never meet a run that does not compare. An
    interrupted run is resumed.

    Args:
        task: whose rows.
        profile: smoke, cpu or gpu.
        seed: of initial weights and data order.
        variants: names of the task's variants.
        overrides: fields of the recipe to change.
        folder: where the folder lies.
        live: draws the loss of the row that is being trained.

    Returns:
        Variant → finished run, in the order of ``variants``.

    Raises:
        UsageError: an unknown profile, variant or field.
        UserError: the profile asks for data that are not there.
    """
    changes = {**(overrides or {}), "seed": seed}
    rows = {name: task.variant(name) for name in variants}
    # Rows of one table share their data; where networks differ, so may their recipes.
    (recipe, *_) = {
        row.network: override(task.profile(profile, row.network), changes) for row in rows.values()
    }.values()
    data = task.load_data(recipe)
    settings = json.dumps([dataclasses.asdict(recipe), data.checksum, __version__], sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    place = Path(folder) / task.name / f"{profile}-seed{seed}-{digest}"
    print(f"{data.name}\nruns are kept in {place.as_posix()}/")
    steps = recipe.epochs * recipe.steps_per_epoch(len(data.train))
    runs = {}
    width = max([22, *map(len, rows)])
    unit = "dB" if task.headline == "psnr" else task.headline
    for variant, row in rows.items():
        finished = Run(place / variant).finished
        run = train(
            task,
            variant,
            profile,
            place / variant,
            overrides=changes,
            resume=True,
            progress=False,
            watch=live.start(variant, steps) if live else None,
            data=data,
        )
        metrics = run.metrics
        kind = "" if row.resampler is None else "guided" if row.guided else "blind"
        done = f"{metrics['steps']:,} steps in {metrics['seconds']:.0f} s"
        # One whole line at a time: a saved notebook shows each flush as a block of its own.
        print(
            f"{variant:{width}} {kind:6} {task.main_figure(metrics):6.2f} {unit}  {done}"
            + (", read from disk" if finished else ""),
            flush=True,
        )
        runs[variant] = run
    return runs


def load_models(task: Task, runs: Mapping[str, Run]) -> dict[str, nn.Module]:
    """The trained networks on the CPU, in evaluation mode."""
    return {variant: load_model(task, run) for variant, run in runs.items()}


@torch.no_grad()
def outputs_of(models: Mapping[str, nn.Module], images: Tensor) -> dict[str, Tensor]:
    """What each network makes of images ``(N, C, H, W)``, clipped to [0, 1]."""
    return {name: model(images).clamp(0, 1) for name, model in models.items()}


def table_text(task: Task, results: Iterable[Outcome]) -> str:
    """Ours beside the paper's, with data, profile and device in the caption."""
    from ..records.formats import as_text
    from ..records.table import compare

    return "\n\n".join(map(as_text, compare(task, results)))


def provenance(runs: Mapping[str, Run]) -> str:
    """What a figure made from these runs must say: data, profile, steps, seed, n and device."""
    run = next(iter(runs.values()))
    config = run.config
    return (
        f"{config['data']['name']}; profile {config['profile']}, {run.metrics['steps']:,} steps a "
        f"row, trained live; seed {config['recipe']['seed']}, n = 1; {run.environment['device']}"
    )
