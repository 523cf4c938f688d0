"""Results go into a notebook and come back as they were."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from indexnet_edu.course import results
from indexnet_edu.course.results import MIME_TYPE, Result, collect, report
from indexnet_edu.errors import UserError

ROWS = [{"variant": "m2o", "psnr": 31.25, "n": 1000}, {"variant": "<deconv>", "psnr": 25.5}]


def stored(path: Path, *bundles: dict) -> Path:
    outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
    cells = [nbformat.v4.new_markdown_cell("text"), nbformat.v4.new_code_cell(outputs=outputs)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    return path


def shown(monkeypatch: pytest.MonkeyPatch, name: str, **values) -> Result:
    seen: list[Result] = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    report(name, **values)
    return seen[0]


def test_values_come_back_in_their_order(tmp_path, monkeypatch):
    result = shown(monkeypatch, "Table 3", data="subset", profile="smoke", z=1, a="text", rows=ROWS)
    path = stored(tmp_path / "n.ipynb", {"text/plain": "other"}, result._repr_mimebundle_())
    (found,) = collect(path)
    assert found == {
        "name": "Table 3",
        "data": "subset",
        "profile": "smoke",
        "values": {"z": 1, "a": "text", "rows": ROWS},
    }
    assert list(found["values"]) == ["z", "a", "rows"]
    assert list(found["values"]["rows"][0]) == ["variant", "psnr", "n"]


def test_numbers_of_numpy_and_torch_become_plain(monkeypatch):
    result = shown(
        monkeypatch,
        "x",
        data="d",
        profile="p",
        a=np.float32(0.5),
        b=torch.tensor(3),
        c=[{"v": np.int64(2), "nan": float("nan"), "inf": torch.tensor(float("-inf"))}],
    )
    assert result.values == {"a": 0.5, "b": 3, "c": [{"v": 2, "nan": "nan", "inf": "-inf"}]}


@pytest.mark.parametrize("value", [torch.zeros(2), {"a": 1}, [1, 2], object()])
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="^x: .*table"):
        report("name", data="d", profile="p", x=value)


def test_every_front_end_finds_something_readable():
    result = Result("Table 3", "subset", "smoke", {"psnr": 31.23456, "rows": ROWS})
    bundle = result._repr_mimebundle_()
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    assert bundle["text/plain"].splitlines() == [
        "Table 3 (data: subset · profile: smoke)",
        "  psnr: 31.23",
        "  rows:",
        "    variant   psnr   n",
        "    m2o       31.25  1000",
        "    <deconv>  25.5   –",
    ]
    assert "&lt;deconv&gt;" in bundle["text/html"] and "<script" not in bundle["text/html"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), (0.123456, "0.1235"), (1e-9, "1e-09"), (True, "yes"), (None, "–")],
)
def test_numbers_read_well(value, text):
    assert results.text_of(value) == text


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_no_notebook_is_one_line(tmp_path, content):
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"n\.ipynb"):
        collect(path)
