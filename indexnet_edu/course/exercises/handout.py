"""The learner's copy of a notebook: the same without its solutions."""

from __future__ import annotations

from pathlib import Path

from ...errors import UserError
from ..notebooks import find_notebooks, read_notebook
from ..state import write_text

__all__ = ["make_handout"]

_TAG = "solution"


def make_handout(notebook: str | Path, out: str | Path, *, overwrite: bool = False) -> Path:
    """Writes a copy without the cells tagged ``solution`` and without outputs.

    Args:
        notebook: number, name or path.
        out: a folder, made if need be, or the path of the copy, ending in ``.ipynb``.
        overwrite: replaces a file that is there; a learner may have worked in it.

    Returns:
        The path of the copy.

    Raises:
        UsageError: an unknown notebook.
        UserError: the copy would overwrite something, or cannot be written.
    """
    import nbformat

    source = find_notebooks([notebook])[0]
    target = Path(out).expanduser()
    if target.suffix != ".ipynb":
        target = target / source.path.name
    if target.resolve() == source.path.resolve():
        raise UserError(f"{target} is the notebook itself; choose another place for the handout")
    if target.exists() and not overwrite:
        raise UserError(f"{target} is there already; move it away or choose another place")
    copy = read_notebook(source.path)
    copy.cells = [cell for cell in copy.cells if _TAG not in cell.metadata.get("tags", ())]
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make {target.parent}: {error.strerror}") from error
    write_text(target, nbformat.writes(copy) + "\n")
    return target
