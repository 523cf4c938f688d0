"""Small notebooks for the tests of the machinery that runs them."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

PARAMETERS = 'profile: str = "cpu"  # smoke, cpu or gpu\nseed: int = 0  # of all random numbers'


def write_notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook of code cells; cells that start with a hash and a space are Markdown."""
    new = nbformat.v4
    made = [new.new_markdown_cell(c) if c.startswith("# ") else new.new_code_cell(c) for c in cells]
    if parameters is not None:
        made.insert(0, new.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new.new_notebook(cells=made, metadata={"kernelspec": kernel})
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="session")
def notebook() -> Callable[..., Path]:
    """``notebook(path, *cells, parameters=…)`` writes a notebook and returns its path."""
    return write_notebook


def misleading_kernel(folder: Path) -> dict[str, str]:
    """An environment in which the user's own ``python3`` kernel is a program that fails at once."""
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        '{"argv": ["/bin/false"], "display_name": "elsewhere", "language": "python"}'
    )
    return {"JUPYTER_DATA_DIR": str(folder), "JUPYTER_PREFER_ENV_PATH": "0"}


@pytest.fixture(scope="session")
def users_kernel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return misleading_kernel(tmp_path_factory.mktemp("jupyter"))
