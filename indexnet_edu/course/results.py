"""Results that a notebook states, in a form that the index page and other programs can read back.

A notebook calls :func:`report`; the reader sees a small table, and the executed notebook carries
the same values as JSON under :data:`MIME_TYPE`. :func:`collect` reads them from the file, so
nothing is parsed from printed text.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError

__all__ = ["MIME_TYPE", "Result", "Scalar", "Table", "collect", "columns_of", "report", "text_of"]

MIME_TYPE = "application/vnd.indexnet-edu.result+json"

Scalar = str | int | float | bool | None
Table = list[dict[str, Scalar]]


@dataclass(frozen=True)
class Result:
    """What a notebook found: values by name, and the data and profile that they were made from.

    Displaying one publishes JSON, HTML and plain text; a front end that does not know the first
    shows one of the others.
    """

    name: str
    data: str
    profile: str
    values: dict[str, Scalar | Table]

    @property
    def scalars(self) -> dict[str, Scalar]:
        return {k: v for k, v in self.values.items() if not isinstance(v, list)}

    @property
    def tables(self) -> dict[str, Table]:
        return {k: v for k, v in self.values.items() if isinstance(v, list)}

    @property
    def source(self) -> str:
        """The line that says where the numbers come from."""
        return f"data: {self.data} · profile: {self.profile}"

    def __str__(self) -> str:
        parts = [f"{self.name} ({self.source})"]
        parts += [f"  {key}: {text_of(value)}" for key, value in self.scalars.items()]
        for key, rows in self.tables.items():
            parts += [f"  {key}:", _plain_table(rows)]
        return "\n".join(parts)

    __repr__ = __str__

    def to_html(self) -> str:
        """Headings and tables without any style of their own, for a page or a notebook."""
        parts = [f"<p><strong>{html.escape(self.name)}</strong> ({html.escape(self.source)})</p>"]
        if self.scalars:
            rows = (
                f"<tr><th scope='row'>{html.escape(key)}</th>{_cell(value)}</tr>"
                for key, value in self.scalars.items()
            )
            parts.append(f"<table>{''.join(rows)}</table>")
        parts += [_html_table(key, table) for key, table in self.tables.items()]
        return "".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Lists instead of mappings: notebooks are saved with their keys sorted."""
        tables = {
            key: {"rows": [[*row.items()] for row in rows]} for key, rows in self.tables.items()
        }
        values = [[key, tables.get(key, value)] for key, value in self.values.items()]
        return {"name": self.name, "data": self.data, "profile": self.profile, "values": values}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Result:
        """The inverse of :meth:`to_json`."""
        values = {
            key: [dict(row) for row in value["rows"]] if isinstance(value, dict) else value
            for key, value in stored["values"]
        }
        return cls(stored["name"], stored["data"], stored["profile"], values)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {MIME_TYPE: self.to_json(), "text/html": self.to_html(), "text/plain": str(self)}


def report(name: str, /, *, data: str, profile: str, **values: Any) -> None:
    """Shows values in the notebook and leaves them in it for :func:`collect`.

    >>> rows = [{"variant": "m2o", "psnr": 31.2}]
    >>> report("Table 3", data="Fashion-MNIST subset", profile=profile, rows=rows)

    Args:
        name: what the values are, for a reader: "Table 3", "Ceiling of the toy model".
        data: the data that they were made from; every table says so.
        profile: the profile of the run.
        values: numbers, strings, or tables as lists of rows (mappings from column to number or
            string). Numbers may be NumPy's or PyTorch's. NaN and infinities become the strings
            "nan", "inf", "-inf", since JSON has no word for them.

    Raises:
        TypeError: a value of another kind.
    """
    from IPython.display import display

    display(Result(name, data, profile, {k: _value(k, v) for k, v in values.items()}))


def collect(notebook_path: str | Path) -> list[dict[str, Any]]:
    """The results in an executed notebook: dicts of ``name``, ``data``, ``profile``, ``values``.

    Raises:
        UserError: the file is missing or is no notebook.
    """
    path = Path(notebook_path)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not a notebook; run it again") from error
    outputs = (output for cell in cells for output in cell.get("outputs", ()))
    stored = (output.get("data", {}).get(MIME_TYPE) for output in outputs)
    return [asdict(Result.from_json(result)) for result in stored if result]


def columns_of(rows: Table) -> list[str]:
    """The columns of all rows, in order of appearance; rows need not have the same ones."""
    return list(dict.fromkeys(column for row in rows for column in row))


def text_of(value: Scalar) -> str:
    """A value as a reader wants it: four significant digits of a fraction, integers in full."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(round(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Scalar) -> str:
    opening = "<td class='number'>" if _is_number(value) else "<td>"
    return f"{opening}{html.escape(text_of(value))}</td>"


def _head(column: str, rows: Table) -> str:
    numbers = all(_is_number(row.get(column)) for row in rows)
    kind = " class='number'" if numbers else ""
    return f"<th scope='col'{kind}>{html.escape(column)}</th>"


def _html_table(caption: str, rows: Table) -> str:
    columns = columns_of(rows)
    head = "".join(_head(column, rows) for column in columns)
    body = ("".join(_cell(row.get(column)) for column in columns) for row in rows)
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(f'<tr>{cells}</tr>' for cells in body)}</tbody></table>"
    )


def _plain_table(rows: Table) -> str:
    columns = columns_of(rows)
    cells = [columns, *([text_of(row.get(column)) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "    "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _value(key: str, value: Any) -> Scalar | Table:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not all(isinstance(row, Mapping) for row in value):
            raise TypeError(
                f"{key}: a table is a list of rows, each a mapping from column to value"
            )
        return [{str(c): _scalar(f"{key}.{c}", v) for c, v in row.items()} for row in value]
    return _scalar(key, value)


def _scalar(key: str, value: Any) -> Scalar:
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()  # a NumPy or PyTorch number
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{key}: a result is a number, a string or a table, not {type(value).__name__}")
