"""The whole course runs, from the command line, in the profile that continuous integration uses.

One run serves all: the notebooks end well, their figures have texts, the pages are there, and what
they print is what they were committed with, as nbval compares it.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile, coalesce_streams

from indexnet_edu.course.execute import run_course
from indexnet_edu.paths import asset
from tests.conftest import ROOT
from tests.notebooks.conventions import CHECKED, code_cells, tags

pytestmark = [pytest.mark.notebook, pytest.mark.slow]

NOTEBOOKS = sorted(asset("notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
every_notebook = pytest.mark.parametrize("name", NAMES)
every_path = pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)


@dataclass(frozen=True)
class SmokeRun:
    """What ``indexnet-edu run --profile smoke`` answered, and the folder that it filled."""

    done: subprocess.CompletedProcess[str]
    out: Path


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> SmokeRun:
    """The only one outside of the browser: it takes minutes."""
    out, no_data = tmp_path_factory.mktemp("course") / "out", tmp_path_factory.mktemp("no_data")
    done = subprocess.run(
        [sys.executable, "-m", "indexnet_edu", "run"]
        + ["--profile", "smoke", "--out", str(out), "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "INDEXNET_DATA": str(no_data)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    return SmokeRun(done, out)


def test_every_notebook_ends_well(smoke_run: SmokeRun) -> None:
    done = smoke_run.done
    assert done.stdout, done.stderr
    rows = {
        row["name"]: (row["status"], row["error"]) for row in json.loads(done.stdout)["notebooks"]
    }
    assert rows == dict.fromkeys(NAMES, ("ok", None))
    assert done.returncode == 0


@every_notebook
def test_every_cell_was_executed(smoke_run: SmokeRun, name: str) -> None:
    notebook = nbformat.read(smoke_run.out / f"{name}.ipynb", as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    assert [cell.id for cell in code if not cell.execution_count] == []


@every_notebook
def test_every_picture_has_a_text(smoke_run: SmokeRun, name: str) -> None:
    notebook = nbformat.read(smoke_run.out / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            assert "image/png" not in data, "a figure without show(…, alt=…)"
            for image in re.findall(r"<img\b[^>]*>", data.get("text/html", "")):
                assert re.search(r'\balt="[^"]', image), image[:80]


@every_notebook
def test_the_page_links_to_its_copy(smoke_run: SmokeRun, name: str) -> None:
    page = (smoke_run.out / "index.html").read_text()
    assert f"{name}.html" in page and (smoke_run.out / f"{name}.html").is_file()


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


@every_path
def test_a_notebook_prints_what_it_was_committed_with(
    smoke_run: SmokeRun, differing: Differing, path: Path
) -> None:
    assert differing(path, smoke_run.out / path.name) == {}


@every_path
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
