"""The paper's tables as data."""

from __future__ import annotations

import pytest

from indexnet_edu.errors import UsageError
from indexnet_edu.indexing import FAMILIES, MODES
from indexnet_edu.records import PAPER_TABLES, paper_note, paper_table

ROWS = {2: 7, 3: 9, 4: 11, 5: 6 + 15, 6: 4, 7: 5 + 15, 8: 2 + 15, 9: 7, 10: 4 + 15, 11: 2}


@pytest.mark.parametrize("number", PAPER_TABLES)
def test_every_table_has_its_rows(number):
    assert len(paper_table(number)) == ROWS[number]


def test_table_3():
    rows = {row.pop("method"): row for row in paper_table(3)}
    assert rows["indexed_m2o"] == {"psnr": 48.37, "ssim": 0.9999, "mae": 0.0026, "rmse": 0.0038}
    assert set(rows["maxpool_maxunpool"]) == {"psnr", "ssim", "mae", "rmse"}


@pytest.mark.parametrize("number", [5, 7, 8, 10])
def test_index_networks_come_in_the_packages_names(number):
    networks = [row for row in paper_table(number) if "family" in row]
    assert [(r["family"], r["mode"]) for r in networks] == [(f, m) for f in FAMILIES for m in MODES]


def test_rows_are_the_callers_own():
    paper_table(3)[0]["psnr"] = 0
    assert paper_table(3)[0]["psnr"] == 25.88


def test_notes():
    assert "swapped" in paper_note(2) and "root mean square" in paper_note(3)
    assert paper_note(4) is None


@pytest.mark.parametrize("function", [paper_table, paper_note])
def test_an_unknown_table_lists_the_known(function):
    with pytest.raises(UsageError, match="no figures of a Table 1; choose from 2, 3, "):
        function(1)
