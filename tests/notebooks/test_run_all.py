"""The whole course runs, from the command line, in the profile that continuous integration uses."""

import json
import re

import nbformat
import pytest

from indexnet_edu.paths import asset
from tests.notebooks.conftest import SmokeRun

pytestmark = [pytest.mark.notebook, pytest.mark.slow, pytest.mark.xdist_group("course")]

NAMES = sorted(path.stem for path in asset("notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("name", NAMES)


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
