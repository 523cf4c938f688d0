"""The course's notebooks: finding them by name, reading them, and the parameters that they take."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError, UserError
from ..paths import asset, expanded

__all__ = [
    "Notebook",
    "code_cells",
    "find_notebooks",
    "list_notebooks",
    "parameters_of",
    "read_notebook",
]


@dataclass(frozen=True)
class Notebook:
    """A notebook file; its name is the file's, without the suffix."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem


def list_notebooks(folder: Path | None = None) -> list[Notebook]:
    """All notebooks of a folder (the course's own by default), in the order of their numbers.

    Raises:
        UserError: there is none.
    """
    folder = folder or asset("notebooks")
    found = [Notebook(path.resolve()) for path in sorted(folder.glob("*.ipynb"))]
    if not found:
        raise UserError(
            f"no notebooks in {folder}; reinstall the package or name a notebook's path"
        )
    return found


def find_notebooks(
    names: Sequence[str | Path] | None = None, folder: Path | None = None
) -> list[Notebook]:
    """Notebooks by number ("05" or "5"), by name, or by path; by default all of the folder.

    The order is the one asked for; a notebook that is named twice comes once.

    Raises:
        UsageError: a name that fits none (the valid ones are listed), or two files of the same
            name.
    """
    if not names:
        return list_notebooks(folder)
    found = list(dict.fromkeys(_find(name, folder) for name in names))
    by_name: dict[str, Notebook] = {}
    for notebook in found:
        other = by_name.setdefault(notebook.name, notebook)
        if other != notebook:
            raise UsageError(
                f"{other.path} and {notebook.path} have the same name; run them one by one"
            )
    return found


def _find(name: str | Path, folder: Path | None) -> Notebook:
    path = expanded(name)
    if path.suffix == ".ipynb" and path.is_file():
        return Notebook(path.resolve())
    known = list_notebooks(folder)
    for notebook in known:
        number = notebook.name.split("_")[0]
        if path.name in (notebook.name, notebook.path.name) and len(path.parts) == 1:
            return notebook
        if number.isdecimal() and str(name).isdecimal() and int(number) == int(str(name)):
            return notebook
    valid = ", ".join(notebook.name for notebook in known)
    raise UsageError(f"no notebook {str(name)!r}; choose from {valid}, or give a path to an .ipynb")


def read_notebook(path: Path) -> Any:
    """The notebook as nbformat's node, in version 4.

    Raises:
        UserError: the file cannot be read or is no notebook.
    """
    import nbformat

    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # nbformat's many, from bad JSON to missing keys
        raise UserError(f"{path.name} is not a notebook: {str(error).splitlines()[0]}") from error


def code_cells(notebook: Any) -> list[Any]:
    """The cells that a run executes: code, and not blank."""
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def parameters_of(notebook: Any) -> dict[str, Any]:
    """Names and defaults: the literals assigned in the cell tagged ``parameters``.

    Raises:
        UserError: the cell holds something else: an expression, a magic, a call.
    """
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            try:
                return _assignments(cell.source)
            except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
                # ValueError and TypeError: no literal, and no key of a dictionary
                raise UserError(
                    "its cell of parameters holds more than names with plain values: move the rest "
                    "to a cell of its own"
                ) from None
    return {}


def _assignments(source: str) -> dict[str, Any]:
    found = {}
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if node_value := getattr(node, "value", None):
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = ast.literal_eval(node_value)
    return found
