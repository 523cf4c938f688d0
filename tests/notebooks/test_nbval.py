"""The texts that notebooks are committed with are what they print, by nbval on smoke copies."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest

from indexnet_edu.paths import asset
from tests.notebooks.conventions import CHECKED, tags

pytestmark = [pytest.mark.notebook, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(asset("notebooks").glob("*.ipynb"))


def smoke_copies(folder: Path, notebooks: list[Path]) -> None:
    """nbval runs notebooks with the parameters as saved, so it gets copies with others."""
    import papermill

    for path in notebooks:
        papermill.execute_notebook(
            path,
            folder / path.name,
            parameters={"profile": "smoke"},
            prepare_only=True,
            progress_bar=False,
        )


def nbval(folder: Path) -> tuple[dict[tuple[str, int], str], str]:
    """The outcome of every code cell, by notebook and number, and what pytest printed."""
    (folder / "data").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"]
        + ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull]
        + ["--nbval-cell-timeout=300", "--junit-xml=report.xml", f"--rootdir={folder}", "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "INDEXNET_DATA": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    outcomes = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        notebook = Path(case.attrib["classname"]).stem
        number = int(case.attrib["name"].split()[-1])
        outcomes[notebook, number] = case[0].tag if len(case) else "passed"
    return outcomes, done.stdout


def checked_cells(folder: Path) -> set[tuple[str, int]]:
    found = set()
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code):
            if CHECKED in tags(cell):
                assert cell.execution_count is not None, f"{path.name}: nbval would not compare"
                found.add((path.stem, number))
    return found


def test_the_course_prints_what_it_was_committed_with(tmp_path):
    if not NOTEBOOKS:
        pytest.skip("there are no notebooks yet")
    smoke_copies(tmp_path, NOTEBOOKS)
    checked = checked_cells(tmp_path)
    assert checked, "no cell of the course is tagged nbval-check-output"
    outcomes, printed = nbval(tmp_path)
    assert {case for case, outcome in outcomes.items() if outcome != "passed"} == set(), printed
    assert checked <= set(outcomes)


def test_a_text_that_differs_is_noticed(tmp_path):
    """Tagged cells are compared, in copies made in the same way; others are not."""
    new = nbformat.v4
    source, copies = tmp_path / "source", tmp_path / "copies"
    source.mkdir()
    copies.mkdir()
    cells = [new.new_code_cell('profile: str = "cpu"', metadata={"tags": ["parameters"]})]
    for stored, marks in (("smoke", [CHECKED]), ("other", [CHECKED]), ("other", [])):
        output = new.new_output("stream", name="stdout", text=f"{stored}\n")
        metadata = {"tags": marks}
        cells.append(
            new.new_code_cell(
                "print(profile)", outputs=[output], execution_count=1, metadata=metadata
            )
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new.new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    nbformat.write(notebook, source / "n.ipynb")
    smoke_copies(copies, [source / "n.ipynb"])
    outcomes, _ = nbval(copies)
    assert outcomes == {
        ("n", 0): "passed",
        ("n", 1): "passed",
        ("n", 2): "passed",
        ("n", 3): "failure",
        ("n", 4): "passed",
    }
