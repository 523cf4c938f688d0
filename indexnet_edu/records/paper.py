"""The figures that the paper prints, Tables 2 to 11, read from ``data/paper/tables.json``."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ..errors import UsageError
from ..paths import asset

__all__ = ["PAPER_TABLES", "paper_note", "paper_table"]

#: The tables with figures. Table 1 holds symbols.
PAPER_TABLES = tuple(range(2, 12))


@cache
def _tables() -> dict[str, Any]:
    return json.loads(asset("data", "paper", "tables.json").read_text(encoding="utf-8"))


def _key(number: int) -> str:
    """A table's key in the file: ``table3_fashion_mnist``."""
    if number not in PAPER_TABLES:
        known = ", ".join(map(str, PAPER_TABLES))
        raise UsageError(f"there are no figures of a Table {number}; choose from {known}")
    keys = (key for key in _tables() if key.startswith(f"table{number}_"))
    return next(key for key in keys if not key.endswith("_note"))


def paper_table(number: int) -> list[dict[str, Any]]:
    """The rows of a table as printed, in the paper's order; each call returns rows of its own.

    Tables 5, 7, 8 and 10 list their baselines first (``method``, ``params``, ``gflops``, …), then
    the fifteen index networks (``family``, ``mode``, ``extra_params_text``, ``gflops``, …). Table
    3's rows have ``method``, ``psnr`` (dB), ``ssim``, ``mae`` and ``rmse``, which the paper calls
    MSE. A figure the paper does not give is None.

    Raises:
        UsageError: a number that is not in ``PAPER_TABLES``.
    """
    table = _tables()[_key(number)]
    rows = table if isinstance(table, list) else table["baselines"] + table["index_networks"]
    return [dict(row) for row in rows]


def paper_note(number: int) -> str | None:
    """What must be said beside a table: a misprint, or what holds for all its rows.

    Raises:
        UsageError: a number that is not in ``PAPER_TABLES``.
    """
    _key(number)
    return _tables().get(f"table{number}_note")
