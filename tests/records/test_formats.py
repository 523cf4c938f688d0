"""A table in four formats, each read back."""

import csv
import io
import re
from collections.abc import Callable

import pytest

from indexnet_edu.engine import Run
from indexnet_edu.records.formats import (
    FORMATS,
    as_csv,
    as_latex,
    as_markdown,
    as_text,
    plain_rows,
)  # fmt: skip
from indexnet_edu.records.paper import paper_table
from indexnet_edu.records.table import Comparison, compare
from indexnet_edu.tasks.denoising import DENOISING
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION

MakeRun = Callable[..., Run]


@pytest.fixture
def comparisons(make_run: MakeRun) -> list[Comparison]:
    """Two seeds of one row by a short schedule, and one run of another schedule."""
    runs = [
        make_run(f"a{seed}", "conv_bilinear", 20 + 1 / 3 + seed, seed=seed, epochs=3,
                 device="CPU_1 {50%}")
        for seed in (0, 1)
    ]  # fmt: skip
    return compare(RECONSTRUCTION, [*runs, make_run("b", "indexed_m2o", 40.0)])


def test_the_text_says_what_it_was_made_from(comparisons: list[Comparison]) -> None:
    text = as_text(comparisons[0])
    for part in (
        "profile gpu", "CPU_1 {50%}", "60,000 training", "epochs 3 instead of 100", "20.83 ± 0.71",
        "24.45", "does not compare", "mean ± standard deviation",
    ):  # fmt: skip
        assert part in text
    table = text.split("\n\n")[1].splitlines()
    assert len({line.rindex("  ") for line in table[3:]}) == 1  # columns are aligned


def test_without_runs_the_papers_figures_stand_alone() -> None:
    text = as_text(compare(RECONSTRUCTION, [])[0])
    assert "48.37" in text and "ours" not in text


def test_a_wide_table_comes_in_parts_that_lose_nothing() -> None:
    (comparison,) = compare(DENOISING, [])
    _, *parts = as_text(comparison).split("\n\n")
    assert len(parts) > 1 and max(map(len, "\n".join(parts).splitlines())) <= 160
    for part in parts:
        names = [line.split()[0] for line in part.splitlines()[3:]]
        assert names == [row["variant"] for row in comparison.rows]
    printed = [column for column in comparison.columns if column.printed]
    assert sum(len(part.splitlines()[3].split()) - 1 for part in parts) == len(printed)
    assert [" ".join(parts).count(column.heading) for column in printed] == [1] * len(printed)


def test_markdown_reads_back(comparisons: list[Comparison]) -> None:
    caption, table = as_markdown(comparisons[0]).split("\n\n")
    assert "epochs 3 instead of 100" in caption and "60,000 training" in caption
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert len({len(line) for line in lines}) == 1 and len(lines) == 2 + 9
    row = dict(zip(lines[0], lines[3], strict=True))
    assert row["variant"] == "conv_bilinear" and row["seeds"] == "2"
    assert row["PSNR / dB, ours"] == "20.83 ± 0.71" and row["PSNR / dB, paper"] == "24.45"
    assert set(lines[1]) == {"---", "---:"}


def test_csv_has_every_digit(comparisons: list[Comparison]) -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(comparisons))))
    expected = [(comparison, row) for comparison in comparisons for row in comparison.rows]
    assert len(lines) == len(expected) == 18
    for line, (comparison, row) in zip(lines, expected, strict=True):
        assert line["variant"] == row["variant"] and line["device"] == comparison.device
        assert line["departs_from_the_paper"] == comparison.departs
        assert [int(seed) for seed in line["seeds"].split()] == row["seeds"]
        for what in ("ours", "std", "paper"):
            for key, value in row[what].items():
                text = line[f"{key}_{what}"]
                assert (float(text) if text else None) == value


def test_latex_reads_back(comparisons: list[Comparison]) -> None:
    text = as_latex(comparisons[0])
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    for begin, end in (("toprule", "midrule"), ("midrule", "bottomrule")):
        assert text.index(begin) < text.index(end)
    assert r"CPU\_1 \{50\%\}" in text and "±" not in text and "–" not in text
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")].splitlines()[1:]
    cells = [line.removesuffix(r" \\").split(" & ") for line in body]
    columns = re.search(r"\\begin\{tabular\}\{(l?r*)\}", text)
    assert columns and {len(line) for line in cells} == {len(columns[1])}
    assert cells[1][0] == r"conv\_bilinear" and r"20.83 $\pm$ 0.71" in cells[1]
    spans = re.findall(r"\\multicolumn\{(\d)\}", text)
    rules = re.findall(r"cmidrule\(lr\)\{(\d+)-(\d+)\}", text)
    assert [int(end) - int(start) + 1 for start, end in rules] == [int(span) for span in spans]


def test_latex_escapes_everything(make_run: MakeRun) -> None:
    nasty = r"a_b & 5% of #1 $x$ {c} ~ ^ \d"
    (comparison,) = compare(
        RECONSTRUCTION, [make_run("a", "conv_bilinear", 20.0, data=nasty, device="±×")]
    )
    text = as_latex(comparison)
    back = text
    for escaped, plain in (
        (r"\textasciitilde{}", "~"), (r"\textasciicircum{}", "^"), (r"\_", "_"), (r"\&", "&"),
        (r"\%", "%"), (r"\#", "#"), (r"\$", "$"), (r"\{", "{"), (r"\}", "}"),
        (r"\textbackslash{}", "\\"),
    ):  # fmt: skip
        back = back.replace(escaped, plain)
    assert nasty in back
    assert r"$\pm$$\times$" in text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_every_comparison(comparisons: list[Comparison], name: str) -> None:
    text = FORMATS[name](comparisons)
    escaped = "conv\\_bilinear" if name == "latex" else "conv_bilinear"
    assert text.count(escaped) == 2 and not text.endswith("\n")


@pytest.mark.parametrize("name", ["markdown", "csv", "latex"])
@pytest.mark.parametrize("number", [4, 5])
def test_tables_that_are_the_papers_alone(name: str, number: int) -> None:
    rows = paper_table(number)
    text = plain_rows(name, rows)
    if name == "csv":
        back = list(csv.DictReader(io.StringIO(text)))
        for line, row in zip(back, rows, strict=True):
            assert all(line[k] == ("" if v is None else str(v)) for k, v in row.items())
    else:
        lines = [line for line in text.splitlines() if " & " in line or line.startswith("|")]
        assert len({line.count("&") - line.count(r"\&") + line.count("|") for line in lines}) == 1
        assert len(lines) == len(rows) + (2 if name == "markdown" else 1)
