"""Finished runs without the training."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu.engine import Run
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write_run(folder: Path, variant: str, psnr: float, **changes: Any) -> Run:
    """A run of Table 3 by the paper's schedule, with ``changes`` to its recipe; ``data`` (name),
    ``device``, ``profile`` and ``commit`` are changed likewise."""
    data = changes.pop("data", "Fashion-MNIST: 60,000 training and 10,000 test images")
    device, commit = changes.pop("device", "a device"), changes.pop("commit", COMMIT)
    profile = changes.pop("profile", "gpu")
    row = RECONSTRUCTION.variant(variant)
    files = {
        "config": {
            "task": "reconstruction", "variant": variant, "profile": profile,
            **row.as_dict(),
            "data": {"name": data, "checksum": "c" * 64},
            "recipe": dataclasses.asdict(RECONSTRUCTION.profile("gpu")) | changes,
        },
        "environment": {"device": device, "commit": commit, "torch": "2"},
        "metrics": {
            "psnr": psnr, "psnr_per_image": psnr + 1, "ssim": 0.5, "mae": 0.1, "rmse": 0.2,
            "seconds": 12.5, "steps": 600,
        },
    }  # fmt: skip
    folder.mkdir(parents=True)
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    points = [{"step": n, "epoch": n / 6, "loss": 1 / n, "lr": 0.01} for n in range(1, 601)]
    (folder / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points))
    return Run(folder)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """``make_run("name", variant, psnr, seed=1, epochs=3)`` below the test's folder."""
    return lambda name, variant, psnr, **changes: write_run(
        tmp_path / name, variant, psnr, **changes
    )
