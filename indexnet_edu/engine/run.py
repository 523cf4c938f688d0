"""The run folder: everything about one training, and nothing that another run could overwrite.

``config.json`` what was asked · ``environment.json`` where it ran · ``curve.jsonl`` loss and
learning rate · ``checkpoints/`` to resume from · ``weights.safetensors`` and ``metrics.json`` once
it has finished.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch

from .. import __version__
from ..errors import UsageError, UserError
from ..files import replace_text, write_json

__all__ = ["Run", "create_run", "environment_of", "open_run"]


#: What ``config.json`` says of every run.
_PARTS = ("task", "variant", "profile", "recipe", "data")


@dataclass(frozen=True)
class Run:
    """A run folder; properties read its files."""

    folder: Path

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            value = json.loads(path.read_bytes())
            if not isinstance(value, dict):
                raise ValueError(f"it holds a {type(value).__name__}")
        except FileNotFoundError:
            raise UserError(
                f"{self.folder} has no {name}: it is not a run folder, or not finished"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}): train into a new folder") from None
        return value

    @property
    def config(self) -> dict[str, Any]:
        """Task, variant, profile, resampler, recipe and data."""
        return self._json("config.json")

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, commit, device."""
        return self._json("environment.json")

    @property
    def finished(self) -> bool:
        return (self.folder / "metrics.json").exists()

    @property
    def metrics(self) -> dict[str, Any]:
        """The test metrics, with ``seconds`` of training and ``steps``."""
        return self._json("metrics.json")

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def weights(self) -> Path:
        return self.folder / "weights.safetensors"

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Points of the training curve: step, epoch, loss, lr."""
        path = self.folder / "curve.jsonl"
        if not path.exists():
            return []
        # The last line may be torn if the process was killed while writing it.
        lines = [line for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line]
        return [json.loads(line) for line in lines]

    def append_to_curve(self, points: list[dict[str, Any]]) -> None:
        with open(self.folder / "curve.jsonl", "a", encoding="utf-8") as file:
            file.write("".join(json.dumps(point) + "\n" for point in points))

    def cut_curve(self, step: int) -> None:
        """Drops what lies beyond ``step``: those steps are about to be done again."""
        kept = [point for point in self.curve if point["step"] <= step]
        text = "".join(json.dumps(point) + "\n" for point in kept)
        replace_text(self.folder / "curve.jsonl", text)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps a second process out; the lock goes with the process, however it ends."""
        from filelock import FileLock, Timeout

        try:
            lock = FileLock(self.folder / ".lock").acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another process trains in {self.folder}: wait for it, or use another --out"
            ) from None
        with lock:
            yield


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    lines = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            lines += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            lines.append(f"{prefix}{key} {a!r} → {b!r}")
    return lines


def _commit() -> str | None:
    """The commit of the checkout this package runs from, with ``+changes`` where it differs from
    it."""
    here = Path(__file__).parent
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        )
        tracked = subprocess.run(
            ["git", "ls-files", "--error-unmatch", __file__],
            cwd=here,
            capture_output=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # An installed package may lie inside somebody else's checkout.
    return shown.stdout.strip() if shown.returncode == 0 and tracked.returncode == 0 else None


def environment_of(device: str) -> dict[str, Any]:
    """What ``environment.json`` holds: versions, commit, device."""
    return {
        "indexnet_edu": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "device": device,
    }


def create_run(
    folder: Path,
    config: Mapping[str, Any],
    device: str,
    resume: bool = False,
    completed: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> Run:
    """Makes a run folder, or enters the one that is there if it holds the same settings.

    Args:
        config: what is asked, JSON values only.
        device: what computes, for people.
        resume: continue a run that has begun.
        completed: adds to a configuration on disk what it could not know of when it was written.

    Raises:
        UserError: the folder holds other files, a run of other settings, or one that has begun and
            is not to be resumed; or it cannot be written.
    """
    run = Run(folder)
    config = json.loads(
        json.dumps(config)
    )  # tuples become lists, as in the file it is compared with
    try:
        folder.mkdir(parents=True, exist_ok=True)
        inside = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
        if "config.json" in inside:
            differences = _differences(completed(run.config), config)
            if differences:
                listed = "; ".join(differences)
                raise UsageError(
                    f"{folder} holds a run of other settings ({listed}): use another --out"
                )
            if not run.finished and not resume and inside != ["config.json", "environment.json"]:
                raise UsageError(
                    f"{folder} holds an unfinished run: add --resume, or use another --out"
                )
            return run
        if inside not in ([], ["environment.json"]):  # the latter: killed before the next line
            raise UsageError(f"{folder} is not empty and not a run folder: use another --out")
        write_json(folder / "environment.json", environment_of(device))
        write_json(folder / "config.json", config)
    except OSError as error:
        raise UserError(f"cannot write to {folder} ({error.strerror}): use another --out") from None
    return run


def open_run(folder: str | Path) -> Run:
    """An existing run folder.

    Raises:
        UserError: there is none, or what it says of itself is damaged.
    """
    run = Run(Path(folder))
    if not (run.folder / "config.json").is_file():
        raise UserError(f"{folder} is not a run folder: it has no config.json")
    config = run.config
    if missing := [part for part in _PARTS if part not in config]:
        raise UserError(f"{folder}: its configuration lacks {', '.join(missing)}: train it again")
    return run
