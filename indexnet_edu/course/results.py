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

__all__ = ["MIME_TYPE", "Result", "Scalar", "Rows", "collect", "columns_of", "report", "text_of"]

MIME_TYPE = "application/vnd.indexnet-edu.result+json"

Scalar = str | int | float | bool | None
Rows = list[dict[str, Scalar]]


@dataclass(frozen=True)
class Result:
    """What a notebook found: values by name, and the data and profile that they were made from.

    Displaying one publishes JSON, HTML and plain text; a front end that does not know the first
    shows one of the others.
    """

    name: str
    data: str
    profile: str
    values: dict[str, Scalar | Rows]

    @property
    def scalars(self) -> dict[str, Scalar]:
        return {k: v for k, v in self.values.items() if not isinstance(v, list)}

    @property
    def tables(self) -> dict[str, Rows]:
        return {k: v for k, v in self.values.items() if isinstance(v, list)}

    @property
    def source(self) -> str:
        """The line that says where the numbers come from."""
        return f"data: {self.data} · profile: {self.profile}"

    @property
    def settings(self) -> str:
        """The values that are no tables, in a line: "seed: 0 · steps per row: 1,200"."""
        return " · ".join(f"{_words(key)}: {text_of(v)}" for key, v in self.scalars.items())

    def __str__(self) -> str:
        parts = [f"{self.name} ({self.source})"]
        if self.scalars:
            parts.append(f"  {self.settings}")
        for key, rows in self.tables.items():
            if len(self.tables) > 1:
                parts.append(f"  {_words(key)}:")
            parts.append(_plain_table(rows))
        return "\n".join(parts)

    __repr__ = __str__

    def to_html(self) -> str:
        """A line and tables without a colour of their own, for a page or a notebook."""
        parts = [f"<p><strong>{html.escape(self.name)}</strong> ({html.escape(self.source)})</p>"]
        if self.scalars:
            parts.append(f"<p>{html.escape(self.settings)}</p>")
        for key, rows in self.tables.items():
            parts.append(_html_table(_words(key) if len(self.tables) > 1 else "", rows))
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

    >>> rows = [{"variant": "indexed_m2o", "PSNR / dB": 31.2}]
    >>> report("Table 3", data="Fashion-MNIST subset", profile=profile, rows=rows)

    Args:
        name: what the values are, for a reader: "Table 3", "Ceiling of the toy model".
        data: the data that they were made from; every table says so.
        profile: the profile of the run.
        values: numbers, strings, or tables as lists of rows (mappings from column to number or
            string). A table's columns are headed by their keys, so these are words with a unit.
            Numbers may be NumPy's or PyTorch's. NaN and infinities become the strings
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


def columns_of(rows: Rows) -> list[str]:
    """The columns of all rows, in order of appearance; rows need not have the same ones."""
    return list(dict.fromkeys(column for row in rows for column in row))


def text_of(value: Scalar) -> str:
    """A value as a reader wants it: four significant digits of a fraction, integers in full with
    thousands set apart, and a name of a pair, family or variant as its title."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return f"{round(value):,}" if whole else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    from ..viz.palette import title  # with PyTorch behind it

    return title(value)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _words(name: str) -> str:
    return name.replace("_", " ")


@dataclass(frozen=True)
class _Column:
    """A heading and the cells below it as text; a column of numbers has one number of decimals."""

    heading: str
    cells: list[str]
    numbers: bool

    @classmethod
    def of(cls, name: str, rows: Rows) -> _Column:
        values = [row.get(name) for row in rows]
        numbers = [value for value in values if _is_number(value)]
        decimals = _decimals(numbers)  # type: ignore[arg-type]
        cells = [
            f"{value:,.{decimals}f}" if decimals is not None and _is_number(value)
            else text_of(value)
            for value in values
        ]  # fmt: skip
        only_numbers = bool(numbers) and all(v is None or _is_number(v) for v in values)
        return cls(_words(name), cells, only_numbers)


def _decimals(numbers: Sequence[float]) -> int | None:
    """So many that the largest number has four significant digits, less zeros that end them all.

    None where each number is better written by itself: integers, and what is tiny or huge.
    """
    largest = max(map(abs, numbers), default=0)
    if all(isinstance(n, int) for n in numbers) or not 1e-4 <= largest < 1e15:
        return None
    most = max(0, 3 - math.floor(math.log10(largest)))
    return next(d for d in range(most + 1) if all(round(n, d) == round(n, most) for n in numbers))


def _html_table(caption: str, rows: Rows) -> str:
    columns = [_Column.of(name, rows) for name in columns_of(rows)]
    head = "".join(_cell("th scope='col'", c.heading, c.numbers) for c in columns)
    lines = ("".join(_cell("td", c.cells[n], c.numbers) for c in columns) for n in range(len(rows)))
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f"<table>{above}<thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(f'<tr>{cells}</tr>' for cells in lines)}</tbody></table>"
    )


def _cell(tag: str, text: str, number: bool) -> str:
    # JupyterLab aligns every cell to the right; a page's own sheet knows the class.
    kind = " class='number'" if number else ""
    style = "text-align:right;font-variant-numeric:tabular-nums" if number else "text-align:left"
    return f"<{tag}{kind} style='{style}'>{html.escape(text)}</{tag.split()[0]}>"


def _plain_table(rows: Rows) -> str:
    columns = [_Column.of(name, rows) for name in columns_of(rows)]
    aligned = []
    for column in columns:
        width = max(map(len, [column.heading, *column.cells]))
        align = str.rjust if column.numbers else str.ljust
        aligned.append([align(text, width) for text in (column.heading, *column.cells)])
    return "\n".join(f"    {'  '.join(line).rstrip()}" for line in zip(*aligned, strict=True))


def _value(key: str, value: Any) -> Scalar | Rows:
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
