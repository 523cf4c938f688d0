"""Does a notebook full of widgets ever hang when no browser is there? papermill, again and again.

    python benchmarks/widgets_in_batch.py [--runs N] [--at-once N] [--limit SECONDS]

Widgets built on `interact` or on `with Output():` hang now and then in a batch run: the kernel
waits for a message that nobody sends, and papermill for the kernel. One good run proves nothing, so
this runs one notebook many times, several at once. It shows every widget of the course, drives each
control through its values, and displays each static twin. A run that is not done at the limit is
killed and counted as a hang. Exit code 0: no hang and no failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np

from indexnet_edu.course.kernel import kernel_environment
from indexnet_edu.course.worker import kill_family

WIDGETS = (
    "IndexFunctionExplorer",
    "NormalisationLab",
    "IndexMapExplorer",
    "UpsamplerMicroscope",
    "FamilyCalculator",
)
_DRIVE = """\
from indexnet_edu.viz import widgets

def values_of(control, most=4):  # the first few, and the last
    if hasattr(control, "options"):
        pairs = [o if isinstance(o, tuple) else (o, o) for o in control.options]
        values = [value for _, value in pairs]
    else:
        values = list(range(control.min, control.max + 1))
    return values[:most] + values[-1:]

def drive(widget):
    pictures = {widget.picture.value}
    for control in widget.controls.values():
        start = control.value
        for value in [*values_of(control), start]:
            control.value = value
            pictures.add(widget.picture.value)
    # On the way a mistake may be answered, such as a stage without channels; at the end none is.
    assert 'role="alert"' not in widget.picture.value
    assert len(pictures) > len(widget.controls)
    print(type(widget).__name__, "drew", len(pictures), "pictures")"""


def write_notebook(path: Path) -> None:
    """A notebook in which every widget is shown, driven, shown again and followed by its twin."""
    sources = [_DRIVE]
    for name in WIDGETS:
        sources += [
            f"widget = widgets.{name}()\nwidget",
            "drive(widget)",
            f"widget\nwidgets.{name}.static()",
        ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


def run(
    notebook: Path, copy: Path, environment: Mapping[str, str], limit: float
) -> tuple[str, float, str]:
    """One run → (``"ok"``, ``"failed"`` or ``"hung"``; seconds; the last line that it printed)."""
    command = [sys.executable, "-m", "papermill", str(notebook), str(copy), "--no-progress-bar"]
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        kill_family(process.pid)
        process.communicate()
        return "hung", limit, ""
    seconds = time.perf_counter() - start
    lines = errors.strip().splitlines()
    return ("failed" if process.returncode else "ok"), seconds, lines[-1] if lines else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="how often (20)")
    parser.add_argument("--at-once", type=int, default=2, help="how many beside each other (2)")
    parser.add_argument("--limit", type=float, default=300, help="seconds until it is a hang (300)")
    given = parser.parse_args()
    counts, times = {"ok": 0, "failed": 0, "hung": 0}, []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.at_once) as pool:
        notebook = Path(folder) / "widgets.ipynb"
        write_notebook(notebook)
        environment = kernel_environment(Path(folder)) | {"OMP_NUM_THREADS": "1"}
        copies = [Path(folder) / f"run_{n}.ipynb" for n in range(given.runs)]
        tasks = [pool.submit(run, notebook, copy, environment, given.limit) for copy in copies]
        try:
            for number, task in enumerate(tasks, 1):
                status, seconds, last = task.result()
                counts[status] += 1
                times.append(seconds)
                why = f"  {last}" if status == "failed" else ""
                print(f"run {number:3}  {status:6}  {seconds:6.1f} s{why}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    print(
        f"{given.runs} runs, {given.at_once} at a time on {os.cpu_count()} cores: "
        f"{counts['hung']} hung, {counts['failed']} failed; "
        f"seconds a run: median {np.median(times):.1f}, longest {max(times):.1f}"
    )
    return 0 if counts["ok"] == given.runs else 1


if __name__ == "__main__":
    sys.exit(main())
