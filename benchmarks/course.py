"""The course's own run time: what its imports add to PyTorch's, and how much of a notebook is not
the computing of models.

    python -m benchmarks.course [--quick] [--threads N] [--out FOLDER]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from benchmarks.timing import options, save, table
from indexnet_edu.course.kernel import kernel_environment
from indexnet_edu.paths import asset

PACKAGES = (
    "indexnet_edu",
    "indexnet_edu.indexing",
    "indexnet_edu.resampling",
    "indexnet_edu.tasks",
    "indexnet_edu.viz",
    "indexnet_edu.cli",
)

#: Counts the seconds inside the outermost module call and inside backward passes.
CLOCK = """
import torch
from time import perf_counter as _now  # a notebook may well have a name "time"
from torch.nn.modules import module as _m
_clock = {"compute": 0.0, "depth": 0, "began": 0.0, "start": _now()}
def _enter(*_):
    _clock["depth"] += 1
    if _clock["depth"] == 1: _clock["began"] = _now()
def _leave(*_):
    _clock["depth"] -= 1
    if _clock["depth"] == 0: _clock["compute"] += _now() - _clock["began"]
_m.register_module_forward_pre_hook(_enter)
_m.register_module_forward_hook(_leave, always_call=True)
_backward, _step = torch.autograd.backward, torch.optim.Adam.step
def _timed(function):
    def call(*args, **options):
        _enter()
        try: return function(*args, **options)
        finally: _leave()
    return call
torch.autograd.backward = _timed(_backward)
torch.optim.Adam.step = _timed(_step)
"""
RESULT = 'print("CLOCK", _now() - _clock["start"], _clock["compute"])'


def import_seconds(package: str, repeats: int) -> float:
    """Median seconds of ``import package`` after ``import torch``, in fresh processes."""
    code = (
        "import time, torch; began = time.perf_counter(); "
        f"import {package}; print(time.perf_counter() - began)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return statistics.median(runs)


def notebook_row(file: Path) -> dict[str, Any]:
    """Runs a notebook, profile smoke, between a cell that sets a clock and one that reads it."""
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += '\nprofile = "smoke"'
    notebook.cells.insert(0, nbformat.v4.new_code_cell(CLOCK))
    notebook.cells.append(nbformat.v4.new_code_cell(RESULT))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(kernel_environment(Path(folder)))
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}})
        began = time.perf_counter()
        client.execute()
        wall = time.perf_counter() - began
    output = "".join(o.get("text", "") for o in notebook.cells[-1].outputs)
    _, inside, compute = output.split()
    return {
        "notebook": file.stem,
        "seconds": wall,
        "kernel start and imports of PyTorch": wall - float(inside),
        "models": float(compute),
        "share that is not models": 1 - float(compute) / wall,
    }


def main() -> None:
    given = options(__doc__ or "")
    os.environ.setdefault("OMP_NUM_THREADS", str(given.threads))
    imports = [
        {"import": package, "seconds": import_seconds(package, 3 if given.quick else 7)}
        for package in PACKAGES
    ]
    files = sorted(asset("notebooks").glob("[0-9]*.ipynb"))
    notebooks = [notebook_row(file) for file in (files[:1] if given.quick else files)]
    text = f"{table(imports)}\n\n{table(notebooks)}"
    save(
        "course", json.loads(json.dumps({"imports": imports, "notebooks": notebooks})), text, given
    )


if __name__ == "__main__":
    main()
