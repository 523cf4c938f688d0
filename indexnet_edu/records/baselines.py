"""What methods that learn nothing give on a task's test images: rows of every table made on them.

A file for each task and set of data in ``data/records/baselines/``, made by ``indexnet-edu record
baselines TASK``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..engine import Task
from ..engine.run import environment_of
from ..errors import UserError
from ..files import write_json
from ..paths import asset
from .record import NO_COMMIT

__all__ = ["keep_baselines", "recorded_baselines"]

#: Where they lie, beside the folders of runs.
BASELINES = asset("data", "records", "baselines")


def recorded_baselines(
    config: Mapping[str, Any], measured: Iterable[str], folder: Path = BASELINES
) -> dict[str, dict[str, float]]:
    """Method → metrics, as recorded for the test images of a run.

    Args:
        config: of the run; its data must have the recorded checksum, and be whole.
        measured: the run's metrics: all of them must be on record, so that another noise or another
            test set never meets these figures.
    """
    if config["recipe"].get("test_images") is not None:
        return {}
    keys, found = list(measured), dict[str, dict[str, float]]()
    for path in sorted(folder.glob(f"{config['task']}-*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["data"]["checksum"] != config["data"]["checksum"]:
                continue
            for name, metrics in record["metrics"].items():
                if metrics.keys() >= set(keys):
                    found[name] = {key: metrics[key] for key in keys}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"{path} is no record of baselines ({error}): remove it, or restore it with git"
            ) from None
    return found


def keep_baselines(task: Task, profile: str, folder: Path = BASELINES) -> Path:
    """Measures the task's baselines on the data of a profile and records them.

    Raises:
        UserError: the task has none, the data are missing, or the code differs from its commit.
    """
    if task.baselines is None:
        raise UserError(f"{task.name} has no baselines to measure")
    environment = environment_of("cpu")
    commit = environment["commit"]
    if not commit:
        raise UserError(f"without a commit the figures would be no evidence: {NO_COMMIT}")
    if commit.endswith("+changes"):
        raise UserError("the code is no commit, so the figures would be no evidence: commit first")
    recipe = task.profile(profile)
    data = task.load_data(recipe)
    record = {
        "task": task.name,
        "data": {"name": data.name.partition(": ")[0], "checksum": data.checksum},
        "environment": environment,
        "metrics": task.baselines(data, recipe),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task.name}-{data.checksum[:6]}.json"
    write_json(path, record)
    return path
