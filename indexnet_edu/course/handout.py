"""The learner's copies of notebooks: the same without their solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UserError
from ..paths import expanded
from .notebooks import Notebook, find_notebooks, read_notebook
from .state import write_text, writing

__all__ = ["Handout", "make_handout", "make_handouts"]

_TAG = "solution"


@dataclass(frozen=True)
class Handout:
    """One copy.

    Attributes:
        notebook: the name of the notebook that it was made from.
        path: where it lies.
        status: written; unchanged, where just this copy was there; replaced, where another was.
    """

    notebook: str
    path: Path
    status: Literal["written", "unchanged", "replaced"]


def make_handouts(
    notebooks: Sequence[str | Path] | None, out: str | Path, *, overwrite: bool = False
) -> list[Handout]:
    """Copies without the cells tagged ``solution`` and without outputs; all of them or none.

    Args:
        notebooks: numbers, names or paths; None for the whole course.
        out: a folder, made if need be.
        overwrite: replaces files that are there and differ; a learner may have worked in them.

    Raises:
        UsageError: an unknown notebook.
        UserError: a copy would overwrite something, or cannot be written.
    """
    folder = expanded(out)
    targets = [(found, folder / found.path.name) for found in find_notebooks(notebooks)]
    return _make(targets, overwrite)


def make_handout(notebook: str | Path, out: str | Path, *, overwrite: bool = False) -> Path:
    """The copy of one notebook, as :func:`make_handouts` makes it, and returns its path.

    Args:
        out: a folder, or the path of the copy, ending in ``.ipynb``.
    """
    target = expanded(out)
    if target.suffix != ".ipynb":
        return make_handouts([notebook], target, overwrite=overwrite)[0].path
    return _make([(find_notebooks([notebook])[0], target)], overwrite)[0].path


def _make(targets: Sequence[tuple[Notebook, Path]], overwrite: bool) -> list[Handout]:
    todo = [_plan(source, path) for source, path in targets]
    taken = [str(handout.path) for handout, _ in todo if handout.status == "replaced"]
    if taken and not overwrite:
        raise UserError(
            f"{', '.join(taken)} {'is' if len(taken) == 1 else 'are'} there already and may hold "
            "work; choose another --out, or replace with --overwrite"
        )
    for handout, text in todo:
        if handout.status != "unchanged":
            with writing(handout.path.parent):
                handout.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(handout.path, text)
    return [handout for handout, _ in todo]


def _plan(source: Notebook, path: Path) -> tuple[Handout, str]:
    """What is to be done for one copy, and the copy's text."""
    import nbformat

    if path.resolve() == source.path.resolve():
        raise UserError(f"{path} is the notebook itself; choose another --out")
    copy = read_notebook(source.path)
    copy.cells = [cell for cell in copy.cells if _TAG not in cell.metadata.get("tags", ())]
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    text = nbformat.writes(copy) + "\n"
    if not path.exists():
        return Handout(source.name, path, "written"), text
    same = path.is_file() and path.read_bytes() == text.encode()
    return Handout(source.name, path, "unchanged" if same else "replaced"), text
