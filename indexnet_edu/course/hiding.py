"""A learner's ``random.py`` beside a notebook: Python takes it for its own module of that name."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["hiding"]

#: What notebooks import besides Python's own modules.
_PACKAGES = {
    "IPython", "PIL", "accelerate", "anywidget", "indexnet_edu", "ipykernel", "ipywidgets",
    "matplotlib", "numpy", "papermill", "psutil", "requests", "safetensors", "scipy", "skimage",
    "torch", "torchmetrics", "torchvision", "tqdm",
}  # fmt: skip


def hiding(folder: Path) -> list[str]:
    """A line for each file of a folder that hides a module from the notebooks that run there."""
    known = sys.stdlib_module_names | _PACKAGES
    try:
        files = sorted(folder.glob("*.py"))
    except OSError:
        return []
    return [
        f"{file} hides the module {file.stem!r} from all that runs in this folder: rename it"
        for file in files
        if file.stem in known
    ]
