"""The texts that notebooks are committed with are what they print, as nbval compares them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile, coalesce_streams

from indexnet_edu.course.execute import run_course
from indexnet_edu.paths import asset
from tests.notebooks.conftest import SmokeRun
from tests.notebooks.conventions import CHECKED, code_cells, tags

pytestmark = [pytest.mark.notebook, pytest.mark.slow]

NOTEBOOKS = sorted(asset("notebooks").glob("*.ipynb"))
of_the_course = pytest.mark.xdist_group("course")
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

Differing = Callable[[Path, Path], Mapping[str, str]]


@pytest.fixture
def differing(request: pytest.FixtureRequest) -> Differing:
    """``differing(committed, executed)``: the tagged cells that show something else, and what.

    As ``pytest --nbval-lax`` compares, but with an executed copy that is there already instead of
    an execution of its own.
    """

    def compare(committed: Path, executed: Path) -> dict[str, str]:
        shown = {c.id: c.outputs for c in code_cells(nbformat.read(executed, as_version=4))}
        file = IPyNbFile.from_parent(request.session, path=committed)
        file.compare_outputs = False  # what is not tagged: --nbval-lax
        differing = {}
        for item in file.collect():
            stored = coalesce_streams(item.cell.outputs)
            if item.options["check"] and not item.compare_outputs(
                coalesce_streams(shown[item.cell.id]), stored
            ):
                differing[item.cell.id] = "\n".join(item.comparison_traceback)
        return differing

    return compare


def test_some_texts_are_compared() -> None:
    cells = [c for path in NOTEBOOKS for c in code_cells(nbformat.read(path, as_version=4))]
    assert any(CHECKED in tags(cell) for cell in cells)


@of_the_course
@every_notebook
def test_a_notebook_prints_what_it_was_committed_with(
    smoke_run: SmokeRun, differing: Differing, path: Path
) -> None:
    assert differing(path, smoke_run.out / path.name) == {}


@of_the_course
@every_notebook
def test_every_changed_text_is_noticed(
    smoke_run: SmokeRun, differing: Differing, path: Path, tmp_path: Path
) -> None:
    changed = nbformat.read(path, as_version=4)
    for cell in code_cells(changed):
        cell.outputs = [*cell.outputs, nbformat.v4.new_output("stream", text="and more\n")]
    nbformat.write(changed, tmp_path / path.name)
    tagged = {cell.id for cell in code_cells(changed) if CHECKED in tags(cell)}
    assert set(differing(tmp_path / path.name, smoke_run.out / path.name)) == tagged


def test_it_is_the_run_that_is_compared(differing: Differing, tmp_path: Path) -> None:
    """Not the texts that a notebook came with; and only where a cell is tagged."""
    new = nbformat.v4
    cells = [new.new_code_cell('profile: str = "cpu"', metadata={"tags": ["parameters"]})]
    for name, stored, marks in (
        ("same", "smoke", [CHECKED]),
        ("other", "cpu", [CHECKED]),
        ("not-tagged", "cpu", []),
    ):
        output = new.new_output("stream", name="stdout", text=f"{stored}\n")
        metadata = {"tags": marks}
        cells.append(
            new.new_code_cell(
                "print(profile)", id=name, outputs=[output], execution_count=1, metadata=metadata
            )
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "n.ipynb")
    assert run_course([tmp_path / "n.ipynb"], "smoke", tmp_path / "out").ok
    found = differing(tmp_path / "n.ipynb", tmp_path / "out" / "n.ipynb")
    assert list(found) == ["other"] and "smoke" in found["other"]
