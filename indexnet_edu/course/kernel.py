"""A kernel that is certainly this interpreter, with this package in it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..paths import checkout, data_folder

__all__ = ["kernel_environment", "prepend"]


def kernel_environment(folder: Path) -> dict[str, str]:
    """Environment variables under which Jupyter's ``python3`` kernel is this interpreter.

    A user's own kernel specification of that name may point to another Python, and Jupyter prefers
    it to the environment's. The one written below ``folder`` comes before both, since
    ``JUPYTER_PATH`` does.
    """
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True, exist_ok=True)
    kernel = {
        # Its own log holds only that its sockets are local TCP, and that it was told to stop.
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        + ["--log-level=CRITICAL"],
        "display_name": "Python 3 (ipykernel)",  # as usual: another marks a notebook as changed
        "language": "python",
        "metadata": {"debugger": True},
    }
    (spec / "kernel.json").write_text(json.dumps(kernel, indent=1), encoding="utf-8")
    environment = dict(os.environ)
    prepend(environment, "JUPYTER_PATH", folder)
    if source := checkout():
        prepend(environment, "PYTHONPATH", source)
    if "INDEXNET_DATA" in environment:  # a relative one would mean another folder in the kernel
        environment["INDEXNET_DATA"] = str(data_folder())
    return environment


def prepend(environment: dict[str, str], variable: str, folder: Path) -> None:
    """Puts a folder before the others in a variable that lists folders."""
    rest = environment.get(variable)
    environment[variable] = f"{folder}{os.pathsep}{rest}" if rest else str(folder)
