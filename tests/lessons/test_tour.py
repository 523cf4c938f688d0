"""What the first notebook shows of the course."""

from pathlib import Path

import pytest

from indexnet_edu.course.doctor import Check
from indexnet_edu.datasets import load_catalogue
from indexnet_edu.lessons import tour
from indexnet_edu.paths import asset, short


def test_tables_escape_their_cells() -> None:
    html = tour.html_table([{"a": "1 < 2", "b": "x & y"}])
    assert "1 &lt; 2" in html and "x &amp; y" in html and html.count("<th ") == 2
    with pytest.raises(ValueError, match="at least one row"):
        tour.html_table([])


def test_checks_are_words_and_absent_data_share_a_row() -> None:
    checks = [
        Check("python", "ok", "3.12"),
        Check("disk", "fail", "0.1 GB free", "free some space"),
        Check("data", "ok", "the subset, embedded, intact"),
        Check("data", "ok", "Fashion-MNIST in a folder"),
        Check("data", "info", "one is not here"),
        Check("data", "info", "another is not here"),
        Check("data", "fail", "a third is damaged", "get it again"),
    ]
    html = tour.checks_table(checks)
    assert html.count("<tr>") == 1 + 5
    assert "✓ ok" in html and "✗ fails" in html and "free some space" in html
    assert "1 of 3 real data sets are here; the embedded set stands in for the others" in html
    assert "a third is damaged" in html
    assert tour.verdict(checks).startswith("2 checks failed (disk, data)")


def test_a_good_machine_may_go_on() -> None:
    assert "can run the course" in tour.verdict([Check("python", "ok", "3.12")])


def test_places_are_the_courses_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path / "data"))
    folders = {row["folder"]: row["there"] for row in tour.places()}
    assert folders[short(asset("notebooks"))] == "yes"
    assert folders["data"] == folders["runs"] == "not yet"


def test_contents_are_the_notebooks_with_their_titles() -> None:
    titles = {row["notebook"]: row["title"] for row in tour.contents()}
    assert titles["00"] == "Setup and tour"
    assert titles["05"] == "Fashion-MNIST reconstruction"


def test_every_data_set_has_a_row_and_a_way_to_get_it(no_real_data: Path) -> None:
    rows = tour.data_sets()
    assert [row["to get it"].split()[-1] for row in rows] == list(load_catalogue())
    assert {row["here"] for row in rows} == {"no"}
