"""Records: what remains of a finished run when its folder is gone, a small JSON file a run.

A record is evidence, so it is refused unless it says how to come by the same figures:
configuration, commit, checksum of the data and seed. Its folder is named after what the runs in it
share,
``reconstruction/cpu-5000-images-3-epochs-1f3c9a/indexed_m2o-seed0.json``.
"""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from ..engine import Run, Task, open_run
from ..errors import UserError
from ..files import write_json
from ..paths import asset

__all__ = [
    "IMMATERIAL",
    "Record",
    "Outcome",
    "add_records",
    "figures",
    "record_of",
    "recorded_runs",
    "shared_settings",
]

#: Points of a record's training curve: enough to see its shape.
_CURVE_POINTS = 20

#: What every record has, empty or not.
_PARTS = ("config", "environment", "metrics", "curve")

#: Metrics that say what a run cost, not what it measured.
_COSTS = {"seconds", "steps"}

#: Settings that two runs may differ in and still compare: the seed, over which a table takes the
#: mean; where data are looked for (what was found is in ``config["data"]``); when files are
#: written; and how a step is computed, which changes figures by rounding only, as a device does.
IMMATERIAL = {
    "seed", "data", "workers", "log_every", "checkpoint_every", "evaluate_every", "channels_last",
    "compile", "deterministic",
}  # fmt: skip


#: What to do about a commit that is not known.
NO_COMMIT = (
    "train from a git checkout; one of another user must be among git's safe.directory "
    "(git config --global --add safe.directory FOLDER)"
)

R = TypeVar("R")
Complain = Callable[[str], None]


class Outcome(Protocol):
    """A finished run or its record: what a table is made from."""

    @property
    def config(self) -> dict[str, Any]: ...

    @property
    def environment(self) -> dict[str, Any]: ...

    @property
    def metrics(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Record:
    """What a finished run leaves behind.

    Attributes:
        config: task, variant, profile, resampler, recipe (with the seed), data (name, checksum).
        environment: commit, versions, device.
        metrics: the test metrics, with ``seconds`` of training and ``steps``.
        curve: at most twenty points: ``step`` and the mean ``loss`` up to it, since the last point.
        superseded: metrics whose definition has changed since; kept, and compared with nothing.
    """

    config: dict[str, Any]
    environment: dict[str, Any]
    metrics: dict[str, Any]
    curve: list[dict[str, Any]]
    superseded: dict[str, Any] = field(default_factory=dict)

    def name(self, task: Task) -> str:
        """Its file below the folder of records."""
        config, recipe = self.config, self.config["recipe"]
        shared = shared_settings(task, config)
        digest = hashlib.sha256(shared.encode()).hexdigest()[:6]
        images = recipe.get("train_images") or "all"
        group = f"{config['profile']}-{images}-images-{recipe.get('epochs')}-epochs-{digest}"
        return f"{config['task']}/{group}/{config['variant']}-seed{recipe['seed']}.json"


def shared_settings(task: Task, config: Mapping[str, Any]) -> str:
    """What runs must share to stand in one table, as text: all but variant and what is
    immaterial.

    Settings at their defaults are left out, so that a record made before there was such a setting
    shares them.
    """
    config = task.completed(config)
    defaults = task.defaults(config["network"])
    recipe = {
        key: value
        for key, value in config["recipe"].items()
        if key not in IMMATERIAL and (key not in defaults or value != defaults[key])
    }
    shared = [config["task"], config["profile"], config["data"], recipe]
    return json.dumps(shared + ["pretrained"] * ("pretrained" in config), sort_keys=True)


def figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics without what they cost; two runs of one seed have the same."""
    return {key: value for key, value in metrics.items() if key not in _COSTS}


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _short_curve(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    points = [point for point in points if "loss" in point]
    count = min(_CURVE_POINTS, len(points))
    edges = [round(part * len(points) / count) for part in range(count + 1)] if count else []
    return [
        {
            "step": points[end - 1]["step"],
            "loss": statistics.fmean(point["loss"] for point in points[start:end]),
        }
        for start, end in zip(edges, edges[1:], strict=False)
    ]


def _fault(record: Record) -> str | None:
    """Why a record would be no evidence; None if it is."""
    config, metrics = record.config, record.metrics
    commit = record.environment.get("commit")
    if not commit:
        return f"it names no commit: {NO_COMMIT}"
    if commit.endswith("+changes"):
        return f"its code differed from commit {commit[:12]}: commit the changes, train again"
    if not config["data"].get("checksum"):
        return "it has no checksum of its data: train it again"
    if config["recipe"].get("seed") is None:
        return "it names no seed: train with --seed"
    bad = [key for key, value in metrics.items() if not _finite(value)]
    if bad or not figures(metrics):
        return f"its metrics are not finite numbers ({', '.join(bad) or 'none'}): train it again"
    return None


def record_of(run: Run) -> Record:
    """The record of a finished run.

    Raises:
        UserError: the run has not finished, or lacks what makes it evidence.
    """
    open_run(run.folder)
    if not run.finished:
        raise UserError(f"{run.folder} has not finished: go on with train … --resume")
    record = Record(run.config, run.environment, run.metrics, _short_curve(run.curve))
    if fault := _fault(record):
        raise UserError(f"{run.folder} cannot be recorded: {fault}")
    return record


def lacks(outcome: Outcome) -> str | None:
    """What keeps a result out of every table, in words; None if nothing does."""
    try:
        config, metrics = outcome.config, outcome.metrics
        _ = config["recipe"]["seed"], config["data"]["name"], config["data"]["checksum"]
        _ = outcome.environment["device"], config["profile"], config["variant"]
        wrong = [key for key, value in metrics.items() if not isinstance(value, int | float)]
    except KeyError as error:
        return f"it lacks {error}"
    except (TypeError, AttributeError):
        return "its parts are of other kinds"
    return f"{', '.join(wrong)} is no number" if wrong else None


def _read(path: Path) -> Record:
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
        if fault := lacks(record):
            raise ValueError(fault)
        return record
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} is no record ({error}): remove it, or restore it with git"
        ) from None


def those_readable(
    paths: Iterable[Path], read: Callable[[Path], R | None], complain: Complain | None
) -> list[R]:
    """What ``read`` makes of each path, without None; one that cannot be read is complained of, or
    ends it all where nobody listens."""
    found = []
    for path in paths:
        try:
            if (outcome := read(path)) is not None:
                found.append(outcome)
        except UserError as error:
            if complain is None:
                raise
            complain(str(error))
    return found


def recorded_runs(
    task: str, folder: str | Path | None = None, complain: Complain | None = None
) -> list[Record]:
    """The records of a task, in the order of their files.

    Args:
        task: its name.
        folder: of records; by default those that travel with the course.
        complain: is told a line for each damaged file, and the others are read all the same.

    Raises:
        UserError: a damaged file, and there is no ``complain``.
    """
    folder = Path(folder) if folder is not None else asset("data", "records")
    return those_readable(sorted((folder / task).rglob("*.json")), _read, complain)


def add_records(
    task: Task, runs: Iterable[Run], folder: Path, replace: bool = False
) -> list[tuple[Path, Literal["added", "unchanged", "replaced"]]]:
    """Records finished runs: all of them, or none and an error.

    A run whose figures are on record already changes nothing, whatever time it took.

    Args:
        task: the runs'.
        replace: put new figures in the place of others recorded for the same settings and seed.

    Returns:
        For each run the record's file and what happened to it.

    Raises:
        UserError: a run cannot be recorded, or other figures are on record under its name.
    """
    todo: dict[Path, tuple[Record, Literal["added", "unchanged", "replaced"]]] = {}
    for run in runs:
        record = record_of(run)
        path = folder / record.name(task)
        there = todo[path][0] if path in todo else _read(path) if path.exists() else None
        if there is None:
            todo[path] = (record, "added")
        elif figures(there.metrics) == figures(record.metrics):
            todo.setdefault(path, (there, "unchanged"))
        elif replace:
            todo[path] = (record, "replaced")
        else:
            raise UserError(
                f"{path} holds other figures for the settings of {run.folder}: add --replace if "
                "these are the ones to keep"
            )
    for path, (record, outcome) in todo.items():
        if outcome != "unchanged":
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                kept = {key: value for key, value in vars(record).items() if value or key in _PARTS}
                write_json(path, kept)
            except OSError as error:
                raise UserError(
                    f"cannot write {path} ({error.strerror}): name another folder with --records"
                ) from None
    return [(path, outcome) for path, (_, outcome) in todo.items()]
