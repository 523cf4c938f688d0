"""What a checkpoint holds, and how it survives.

A checkpoint is a folder ``step-00000300/`` with the weights (safetensors), the rest of the state
(optimiser, random generators, clock) and a manifest with the SHA-256 of both. It is written beside
its final name, synced to the disk and only then renamed, so that a process killed at any instant
leaves either a whole checkpoint or none. Reading verifies the manifest and goes back to the
previous checkpoint if the newest was damaged.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..files import sha256, sync_folder, write_synced

__all__ = ["KEPT", "Checkpoint", "latest", "load_weights", "save", "save_weights"]

#: How many checkpoints stay: the newest, and one to go back to.
KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint in memory."""

    step: int
    weights: dict[str, Tensor]
    state: dict[str, Any]


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Writes a ``state_dict`` as safetensors, which holds contiguous tensors only."""
    from safetensors.torch import save as to_bytes

    write_synced(path, to_bytes({k: v.detach().cpu().contiguous() for k, v in weights.items()}))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Reads a ``state_dict`` written by :func:`save_weights`, onto the CPU."""
    from safetensors.torch import load_file

    return load_file(path)


def save(folder: Path, step: int, weights: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Adds a checkpoint to ``folder`` and removes all but the newest :data:`KEPT`.

    Args:
        step: steps done so far.
        weights: the model's ``state_dict``.
        state: tensors, numbers, strings and containers of them (read back with
            ``weights_only=True``).
    """
    final = folder / f"step-{step:08d}"
    temporary = folder / f".{final.name}.{os.getpid()}"
    folder.mkdir(exist_ok=True)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        save_weights(temporary / "weights.safetensors", weights)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_synced(temporary / "state.pt", buffer.getvalue())
        manifest = {p.name: sha256(p) for p in sorted(temporary.iterdir())}
        write_synced(temporary / "manifest.json", json.dumps(manifest, indent=2).encode())
        sync_folder(temporary)
        if final.exists():  # a damaged one of the same step: it failed its verification
            shutil.rmtree(final)
        os.replace(temporary, final)
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for old in sorted(folder.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    for left_over in folder.glob(".step-*"):  # of a process that was killed while writing
        shutil.rmtree(left_over, ignore_errors=True)
    return final


def _verified(path: Path) -> Checkpoint:
    manifest = json.loads((path / "manifest.json").read_bytes())
    for name in ("weights.safetensors", "state.pt"):
        if manifest[name] != sha256(path / name):
            raise ValueError(f"{name} is damaged")
    state = torch.load(path / "state.pt", map_location="cpu", weights_only=True)
    return Checkpoint(
        int(path.name.removeprefix("step-")), load_weights(path / "weights.safetensors"), state
    )


def _newest_first(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("step-*"), reverse=True)


def latest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, and one line for each newer one that was not."""
    damaged: list[str] = []
    for path in _newest_first(folder):
        try:
            return _verified(path), damaged
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            damaged.append(
                f"checkpoint {path.name} is damaged ({error}): going back to the one before"
            )
    return None, damaged
