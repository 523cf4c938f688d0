"""Working through the course in JupyterLab, on copies that belong to the learner.

The notebooks are copied into a folder of the learner's once. From then on nothing there is ever
overwritten: when the course brings a newer version of a notebook, it is put beside the learner's
copy.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from ..errors import UserError
from ..paths import expanded
from .kernel import kernel_environment, prepend
from .notebooks import Notebook, find_notebooks
from .state import digest, write_text, writing

__all__ = ["Copies", "allow_root_hint", "copy_notebooks", "lab_command", "start_lab"]

_HIDDEN = ".indexnet-edu"


@dataclass
class Copies:
    """What :func:`copy_notebooks` did, as file names.

    Attributes:
        copied: notebooks that were not there.
        kept: the learner's copies that were there.
        newer: of those, the ones of which the course has a newer version → the file it was put in.
    """

    copied: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    newer: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = []
        if self.copied:
            parts.append(f"copied {', '.join(self.copied)}")
        if self.newer:
            pairs = ", ".join(f"{mine} (newer: {theirs})" for mine, theirs in self.newer.items())
            parts.append(f"your copies are kept, the course's newer versions lie beside: {pairs}")
        return "; ".join(parts) or "all notebooks are there, your copies are kept"


def copy_notebooks(
    folder: str | Path,
    notebooks: Sequence[str | Path] | None = None,
    source: Path | None = None,
) -> Copies:
    """Copies notebooks into the learner's folder; a file that is there is never touched.

    A newer version of the course's notebook goes beside the learner's copy as ``NAME.new.ipynb``
    (``.new2`` and so on where that is taken), once a version.

    Args:
        folder: made if need be.
        notebooks: numbers, names or paths; None for the whole course.
        source: the folder with the course's notebooks, its own by default.

    Raises:
        UsageError: an unknown notebook.
        UserError: the folder cannot be written.
    """
    folder = expanded(folder)
    memory = folder / _HIDDEN / "copied.json"
    with writing(folder):
        memory.parent.mkdir(parents=True, exist_ok=True)
    given = _recall(memory)
    copies = Copies()
    for notebook in find_notebooks(notebooks, source):
        file = notebook.path.name
        version = digest(notebook.path)
        versions = given.setdefault(file, {})
        if not (folder / file).exists():
            copies.copied.append(file)
            _copy(notebook, folder / file)
            versions[file] = version
            continue
        copies.kept.append(file)
        there = [name for name, copied in versions.items() if copied == version]
        if digest(folder / file) == version or any((folder / name).exists() for name in there):
            continue
        beside = _free_name(folder, notebook.name)
        copies.newer[file] = beside
        _copy(notebook, folder / beside)
        versions[beside] = version
    write_text(memory, json.dumps(given, indent=1) + "\n")
    return copies


def lab_command(
    folder: Path, extra_args: Sequence[str] = (), open_first: str | None = None
) -> list[str]:
    """The command that starts JupyterLab with this interpreter; nothing in it asks the network."""
    return [
        sys.executable,
        "-P",  # the folder's files are the learner's, not JupyterLab's modules
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *([f"--LabApp.default_url=/lab/tree/{open_first}"] if open_first else []),
        *extra_args,
    ]


def start_lab(
    folder: str | Path = "my_work",
    notebooks: Sequence[str | Path] | None = None,
    extra_args: Sequence[str] = (),
) -> NoReturn:
    """Copies the notebooks into ``folder`` and becomes JupyterLab there; it does not return.

    The kernel ``python3`` is this interpreter, whatever else the user has under that name. With
    notebooks named, the first of them is opened.

    Args:
        extra_args: passed on to JupyterLab, such as ``["--no-browser", "--port=8889"]``.

    Raises:
        UsageError: an unknown notebook.
        UserError: JupyterLab is missing, or the folder cannot be written.
    """
    if find_spec("jupyterlab") is None:
        raise UserError("JupyterLab is not installed; run: python -m pip install jupyterlab")
    folder = expanded(folder).resolve()
    print(copy_notebooks(folder, notebooks), flush=True)
    first = find_notebooks(notebooks)[0].path.name if notebooks else None
    with writing(folder):
        environment = kernel_environment(folder / _HIDDEN / "jupyter")
        _ask_for_no_news(folder / _HIDDEN / "jupyter", environment)
    os.chdir(folder)
    os.execve(sys.executable, lab_command(folder, extra_args, first), environment)


def allow_root_hint(extra_args: Sequence[str]) -> list[str]:
    """What to do as root, whom JupyterLab refuses unless it is told or configured otherwise."""
    root = os.name == "posix" and os.geteuid() == 0
    if not root or any("allow" in argument and "root" in argument for argument in extra_args):
        return []
    return ["you are root: if JupyterLab refuses, use 'indexnet-edu lab -- --allow-root'"]


def _ask_for_no_news(folder: Path, environment: dict[str, str]) -> None:
    """Without the question whether to fetch Jupyter's news, which would greet every learner."""
    (folder / "labconfig").mkdir(exist_ok=True)
    disabled = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    write_text(folder / "labconfig" / "page_config.json", json.dumps(disabled))
    prepend(environment, "JUPYTER_CONFIG_PATH", folder)


def _recall(memory: Path) -> dict[str, dict[str, str | None]]:
    """Which versions were copied under which names; none where the file is missing or damaged."""
    try:
        stored = json.loads(memory.read_bytes())
        return {file: dict(versions) for file, versions in stored.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _copy(notebook: Notebook, target: Path) -> None:
    with writing(target.parent):
        target.write_bytes(notebook.path.read_bytes())


def _free_name(folder: Path, name: str) -> str:
    number = 1
    while (folder / (file := f"{name}.new{number if number > 1 else ''}.ipynb")).exists():
        number += 1
    return file
