"""Every notebook keeps to the conventions, and the checks of them notice when one does not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from indexnet_edu.paths import asset
from tests.notebooks import conventions
from tests.notebooks.conventions import CHECKED, CHECKS, load

NOTEBOOKS = sorted(asset("notebooks").glob("*.ipynb"))

FIRST = """# 00 · Title

**Objectives:** to see. **Prerequisites:** none.
Reading: 10 min. Measured: smoke 10 s, cpu 1 min, gpu 1 min."""
LAST = "## What we have seen\n\nThis. Read next: that."
PARAMETERS = 'profile: str = "cpu"  # smoke, cpu or gpu\nseed: int = 0  # of all random numbers'


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, check: Callable[[Any], Any]):
    assert not list(check(load(path)))


def sound() -> Any:
    new = nbformat.v4
    cells = [
        new.new_markdown_cell(FIRST, id="title"),
        new.new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]}),
        new.new_code_cell("show(figure, alt='a curve')", id="figure"),
        new.new_code_cell(
            "print(1)",
            id="checked",
            execution_count=1,
            outputs=[new.new_output("stream", name="stdout", text="1\n")],
            metadata={"tags": [CHECKED]},
        ),
        new.new_markdown_cell(f"{conventions.CALLOUTS[0]}\n\nText.\n\n</div>", id="box"),
        new.new_code_cell("x = 1\n" * 30, id="solution", metadata={"tags": ["solution"]}),
        new.new_code_cell("class A:\n" + "    x = 1\n" * 39, id="class"),
        new.new_markdown_cell(LAST, id="end"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test_a_sound_notebook_passes():
    assert [line for check in CHECKS for line in check(sound())] == []


def source(cell: str, text: str) -> Callable[[Any], None]:
    def change(notebook: Any) -> None:
        next(c for c in notebook.cells if c.id == cell).source = text

    return change


def attribute(cell: str, name: str, value: Any) -> Callable[[Any], None]:
    def change(notebook: Any) -> None:
        next(c for c in notebook.cells if c.id == cell)[name] = value

    return change


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("is_a_notebook", lambda n: n.metadata.kernelspec.update(name="venv")),
        ("is_a_notebook", lambda n: n.update(nbformat_minor=4)),
        ("is_a_notebook", attribute("figure", "outputs", "none")),
        ("has_stable_ids", attribute("end", "id", "title")),
        ("has_stable_ids", lambda n: n.cells[0].pop("id")),
        ("has_no_outputs", attribute("figure", "execution_count", 2)),
        ("has_no_outputs", attribute("checked", "execution_count", None)),
        ("has_no_outputs", attribute("checked", "outputs", [])),
        ("has_parameters", attribute("figure", "metadata", {"tags": ["parameters"]})),
        ("has_parameters", source("parameters", "profile = 'cpu'  # p")),
        ("has_parameters", source("parameters", PARAMETERS.replace("0", "int(0)"))),
        ("has_parameters", source("parameters", PARAMETERS.split("  # of")[0])),
        ("has_parameters", source("parameters", PARAMETERS.splitlines()[0])),
        ("opens_and_closes", source("title", FIRST.replace("# 00", "00"))),
        ("opens_and_closes", source("title", FIRST.replace("Objectives", "Text"))),
        ("opens_and_closes", source("title", FIRST.replace("Prerequisites", "Text"))),
        ("opens_and_closes", source("title", FIRST.replace("gpu", ""))),
        ("opens_and_closes", source("end", "Goodbye, see you next time")),
        ("has_short_cells", source("figure", "x = 1\n" * 16)),
        ("has_short_cells", source("class", "class A:\n" + "    x = 1\n" * 40)),
        ("uses_nothing_forbidden", source("figure", "!pip install torch")),
        ("uses_nothing_forbidden", source("figure", "%pip install torch")),
        ("uses_nothing_forbidden", source("figure", "! wget file")),
        ("uses_nothing_forbidden", source("figure", "open('/home/me/file')")),
        ("uses_nothing_forbidden", source("box", "see `/data/file`")),
        ("uses_nothing_forbidden", source("figure", "@interact\ndef f(x): ...")),
        ("uses_nothing_forbidden", source("figure", "widgets.interact(f, x=1)")),
        ("uses_nothing_forbidden", source("figure", "interactive_output(f, {})")),
        ("uses_nothing_forbidden", source("figure", "with widgets.Output():\n    pass")),
        ("uses_nothing_forbidden", attribute("figure", "metadata", {"tags": ["raises-exception"]})),
        ("describes_its_figures", source("figure", "show(figure)")),
        ("describes_its_figures", source("figure", "plt.show()")),
        ("writes_portable_markdown", source("box", "> [!NOTE]\n> Text")),
        ("writes_portable_markdown", source("box", "![x](https://example.org/x.png)")),
        ("writes_portable_markdown", source("box", '<div class="note">\n\nText\n\n</div>')),
        ("writes_portable_markdown", source("box", '<div class="alert">\n\nText\n\n</div>')),
        ("writes_portable_markdown", source("box", f"{conventions.CALLOUTS[1]}Text</div>")),
    ],
)
def test_each_check_notices(check: str, change: Callable[[Any], None]):
    notebook = copy.deepcopy(sound())
    change(notebook)
    assert list(getattr(conventions, check)(notebook))
