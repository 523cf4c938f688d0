"""The whole course runs, from the command line, in the profile that continuous integration uses."""

import json
import re

import nbformat
import pytest

from indexnet_edu.paths import asset

pytestmark = [pytest.mark.notebook, pytest.mark.slow]

NAMES = sorted(path.stem for path in asset("notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def run(tmp_path_factory, cli):
    if not NAMES:
        pytest.skip("there are no notebooks yet")
    out, data = tmp_path_factory.mktemp("course") / "out", tmp_path_factory.mktemp("data")
    done = cli(
        *("run", "--profile", "smoke", "--out", out, "--json"),
        timeout=1800,
        INDEXNET_DATA=str(data),
    )
    return done, out


def test_every_notebook_ends_well(run):
    done, _ = run
    assert done.stdout, done.stderr
    rows = {
        row["name"]: (row["status"], row["error"]) for row in json.loads(done.stdout)["notebooks"]
    }
    assert rows == dict.fromkeys(NAMES, ("ok", None))
    assert done.returncode == 0


def test_every_picture_has_a_text(run):
    for name in NAMES:
        notebook = nbformat.read(run[1] / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                data = output.get("data", {})
                assert "image/png" not in data, f"{name}: a figure without show(…, alt=…)"
                for image in re.findall(r"<img\b[^>]*>", data.get("text/html", "")):
                    assert re.search(r'\balt="[^"]', image), f"{name}: {image[:80]}"


def test_the_page_links_to_every_copy(run):
    page = (run[1] / "index.html").read_text()
    for name in NAMES:
        assert f"{name}.html" in page and (run[1] / f"{name}.html").is_file()
