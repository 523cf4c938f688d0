"""A table of the paper as its task knows it: rows, columns, and what must be said beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Column", "Table"]


@dataclass(frozen=True)
class Column:
    """A metric in a table.

    Attributes:
        key: of a run's metrics.
        heading: for people, with the unit.
        decimals: shown.
        printed: key of the paper's rows; None where the paper has no such figure.
        better: which of two figures is the better one.
    """

    key: str
    heading: str
    decimals: int = 2
    printed: str | None = None
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        number: in the paper; another one for a table of our own.
        rows: what the paper calls a row → the task's variant. An index network need not be named:
            it is FAMILY-MODE.
        columns: the metrics, in order. A table shows those that its runs measured.
        remark: what must be said beside ours and the paper's figures.
        paper_data: the paper's data set, as ``TaskData.name`` begins up to its colon.
        paper_counts: how many examples that is, by field of the recipe: asking for so many is
            asking for all.
        labels: the keys of a printed row that say what it is called, joined by a slash.
        several: settings of which the paper has several values, a column each.
    """

    number: int
    rows: Mapping[str, str]
    columns: tuple[Column, ...]
    remark: str = ""
    paper_data: str = ""
    paper_counts: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ("method",)
    several: frozenset[str] = frozenset()

    def variant_of(self, printed: Mapping[str, Any]) -> str:
        """The task's name of a row of the paper's figures."""
        if "family" in printed:
            return f"{printed['family']}-{printed['mode']}"
        return self.rows["/".join(printed[key] for key in self.labels)]

    def column(self, key: str) -> Column | None:
        """The column of a metric, if there is one."""
        return next((column for column in self.columns if column.key == key), None)
