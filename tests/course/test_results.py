"""Results go into a notebook and come back as they were."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from indexnet_edu.course import results
from indexnet_edu.course.results import MIME_TYPE, Result, collect, report
from indexnet_edu.errors import UserError

ROWS = [
    {"variant": "m2o", "PSNR / dB": 31.25, "n": 1000},
    {"variant": "<deconv>", "PSNR / dB": 25.5},
]


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
    assert list(found["values"]["rows"][0]) == ["variant", "PSNR / dB", "n"]


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
    values = {"seeds_per_row": 1, "steps": 12345, "rows": ROWS}
    result = Result("Table 3", "subset", "smoke", values)
    bundle = result._repr_mimebundle_()
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    assert bundle["text/plain"].splitlines() == [
        "Table 3 (data: subset · profile: smoke)",
        "  seeds per row: 1 · steps: 12,345",
        "    variant        PSNR / dB      n",
        "    IndexNet, M2O      31.25  1,000",
        "    <deconv>           25.50      –",
    ]
    page = bundle["text/html"]
    assert "&lt;deconv&gt;" in page and "<script" not in page
    assert "<caption>" not in page and "rows" not in page and "_" not in page
    assert "<th scope='col' class='number' style='text-align:right" in page
    assert "color" not in page  # so it is the theme's


def test_two_tables_are_told_apart():
    page = Result("x", "d", "p", {"first_half": ROWS, "second_half": ROWS}).to_html()
    assert "<caption>first half</caption>" in page and "<caption>second half</caption>" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (3.0, "3"),
        (776129, "776,129"),
        (0.123456, "0.1235"),
        (1e-9, "1e-09"),
        (True, "yes"),
        (None, "–"),
        ("s2d_d2s", "space-to-depth – depth-to-space"),
        ("camera", "camera"),
    ],
)
def test_values_read_well(value, text):
    assert results.text_of(value) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([7.294, 10.921, 5.55], ["7.29", "10.92", "5.55"]),
        ([0.0259, 0.032, 0.0204], ["0.0259", "0.0320", "0.0204"]),
        ([0.0, 0.5, 32.0], ["0.0", "0.5", "32.0"]),
        ([0, 0.5, None], ["0.0", "0.5", "–"]),
        ([15.0, 11.0], ["15", "11"]),
        ([123456.7, 1.5], ["123,457", "2"]),
        ([1e-9, 2e-9], ["1e-09", "2e-09"]),
        ([3, "nan"], ["3", "nan"]),
        ([1.25, "nan"], ["1.25", "nan"]),
        ([None, None], ["–", "–"]),
    ],
)
def test_a_column_has_one_number_of_decimals(values, texts):
    page = Result("x", "d", "p", {"rows": [{"v": value} for value in values]}).to_html()
    assert re.findall("<td[^>]*>([^<]*)</td>", page) == texts


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_no_notebook_is_one_line(tmp_path, content):
    path = tmp_path / "n.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"n\.ipynb"):
        collect(path)
