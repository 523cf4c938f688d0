"""Trained weights that travel with the course, each set with a record of how it was made.

A set is a folder of ``data/weights/``: safetensors of float16 and a ``record.json``, which names
the files with their checksums, the data, the settings, the commit, the device and the metrics.

``python -m indexnet_edu.records.weights RUN [RUN …]`` makes the sets of the index map explorer out
of finished runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..engine import Run, open_run
from ..engine.checkpoint import load_weights, save_weights
from ..errors import UserError
from ..files import sha256, write_json
from ..paths import asset
from ..resampling import create_resampler

__all__ = ["WEIGHTS", "encoder_name", "keep_encoder", "load_set", "save_set", "weight_set"]

#: Where the sets lie; a file in it stays below 5 MB.
WEIGHTS = asset("data", "weights")
_RECORD = "record.json"
_ENCODER = ("down.", "encoder.")


def weight_set(name: str) -> Path | None:
    """The folder of a set, if the course has it."""
    folder = WEIGHTS / name
    return folder if folder.is_dir() else None


def save_set(folder: Path, parts: Mapping[str, Mapping[str, Tensor]], record: Any) -> None:
    """Writes a set, its numbers rounded to float16.

    Args:
        folder: of the set; made where it is not there.
        parts: name of a file, without suffix → its tensors; a tensor's name is in one part only.
        record: what is to be known about the set, JSON values; the files are added to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for part, tensors in parts.items():
        path = folder / f"{part}.safetensors"
        halves = {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
        save_weights(path, halves)
        files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    write_json(folder / _RECORD, {**record, "dtype": "float16", "files": files})


def load_set(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors of a set, float32 again, and its record.

    Raises:
        UserError: the record or a file is missing or damaged.
    """
    remedy = "install the course again, or fetch that folder from its repository"
    tensors: dict[str, Tensor] = {}
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        for name, file in record["files"].items():
            if sha256(folder / name) != file["sha256"]:
                raise UserError(f"{name} of the weights {folder.name} is damaged: {remedy}")
            tensors |= load_weights(folder / name)
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise UserError(f"the weights {folder.name} lack {missing}: {remedy}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"the weights {folder.name} cannot be read: {remedy}") from None
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, record


def encoder_name(task: str, family: str, mode: str) -> str:
    """The name of the set that :func:`keep_encoder` makes of an IndexNet's run."""
    return f"{task}_{family}-{mode}"


def _stage(key: str) -> int:
    """``down.blocks.2.…`` and ``encoder.2.…`` → 3."""
    return 1 + next(int(word) for word in key.split(".") if word.isdigit())


def keep_encoder(run: Run, root: Path = WEIGHTS) -> Path:
    """Makes a set of a finished run's encoder half, a file a stage: all that index maps need.

    Returns:
        Its folder, ``root/TASK_FAMILY-MODE``.

    Raises:
        UserError: the run has no IndexNet, or has not finished.
    """
    config = run.config
    resampler = config["resampler"] or {"name": "no resampler"}
    if resampler["name"] != "indexnet":
        raise UserError(f"{run.folder} has {resampler['name']}: only an indexnet has index maps")
    with torch.device("meta"):
        net: Any = create_resampler("indexnet", **resampler["options"]).downsampling([4])
    record = {**config, "metrics": run.metrics, "environment": run.environment}
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_weights(run.weights).items():
        if key.startswith(_ENCODER):
            parts.setdefault(f"stage{_stage(key)}", {})[key] = tensor
    count = sum(v.numel() for part in parts.values() for v in part.values())
    record["kept"] = f"the encoder half, keys {' and '.join(_ENCODER)}: {count:,} numbers"
    folder = root / encoder_name(config["task"], net.family, net.mode)
    save_set(folder, dict(sorted(parts.items())), record)
    return folder


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m indexnet_edu.records.weights",
        description="Make the weights of the index map explorer out of finished runs.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="its folder")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder of all sets")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    try:
        for run in chosen.runs:
            print(keep_encoder(open_run(run), chosen.out))
    except UserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
