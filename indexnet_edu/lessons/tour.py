"""What the first notebook shows of the course: the checks, the places, the contents, the data."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..course.doctor import Check
from ..course.notebooks import list_notebooks, read_notebook
from ..datasets import load_catalogue
from ..paths import asset, data_folder, short

__all__ = ["checks_table", "contents", "data_sets", "html_table", "places", "verdict"]

_WORDS = {"ok": "✓ ok", "fail": "✗ fails", "info": "– told"}


def html_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows with the same keys as an HTML table without any colour of its own."""
    if not rows:
        raise ValueError("a table needs at least one row")
    head = "".join(_cell("th scope='col'", key) for key in rows[0])
    lines = ("".join(_cell("td", value) for value in row.values()) for row in rows)
    body = "".join(f"<tr>{cells}</tr>" for cells in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, content: str) -> str:
    style = "text-align:left" + (";white-space:nowrap" if len(content) <= 16 else "")
    return f'<{tag} style="{style}">{html.escape(content)}</{tag.split()[0]}>'


def checks_table(checks: Iterable[Check]) -> str:
    """The doctor's checks as an HTML table: what was asked, the answer, what was found, a remedy.

    Real data sets that are whole or absent share one row, since :func:`data_sets` lists them.
    """
    rows, here, absent, place = [], 0, 0, 0
    for check in checks:
        if check.name == "data" and check.status == "info":
            absent += 1
        elif check.name == "data" and check.status == "ok" and "embedded" not in check.message:
            here += 1
        else:
            rows.append(_row(check.name, check.status, check.message, check.remedy))
            continue
        place = place or len(rows)
    if here + absent:
        found = f"{here} of {here + absent} real data sets are here"
        found += "; the embedded set stands in for the others" if absent else ""
        rows.insert(place, _row("real data", "info" if absent else "ok", found))
    return html_table(rows)


def _row(name: str, status: str, found: str, remedy: str = "") -> dict[str, str]:
    return {"check": name, "answer": _WORDS[status], "found": found, "remedy": remedy or "–"}


def verdict(checks: Iterable[Check]) -> str:
    """One sentence: may one go on?"""
    failed = [check for check in checks if check.status == "fail"]
    if not failed:
        return "Every check passed: this machine can run the course."
    names = ", ".join(dict.fromkeys(check.name for check in failed))
    count = f"{len(failed)} check{'s' if len(failed) > 1 else ''} failed"
    return (
        f"{count} ({names}): mend them from the top, each remedy is beside it, and run this again."
    )


def places() -> list[dict[str, str]]:
    """Where things are on this machine: what for, folder, and whether it is there."""
    folders = {
        "the course's notebooks; work on copies": asset("notebooks"),
        "what travels with the course: a small data set, the paper's tables": asset("data"),
        "real data sets, shared by all your work": data_folder(),
        "your trainings, made by the notebooks": Path.cwd() / "runs",
    }
    return [
        {"what": what, "folder": short(folder), "there": "yes" if folder.is_dir() else "not yet"}
        for what, folder in folders.items()
    ]


def contents() -> list[dict[str, str]]:
    """The notebooks that there are: number and the title in their first cell."""
    rows = []
    for notebook in list_notebooks():
        number = notebook.name.split("_")[0]
        cells = read_notebook(notebook.path).cells
        first = cells[0].source.strip().split("\n")[0] if cells else ""
        title = first.lstrip("# ").removeprefix(number).lstrip(" ·:.–-") or notebook.name
        rows.append({"notebook": number, "title": title})
    return rows


def data_sets() -> list[dict[str, str]]:
    """The catalogue: data set, tasks, whether it is here, size, terms, and how to get it."""
    rows = []
    for name, dataset in load_catalogue().items():
        size = sum(file.bytes for file in dataset.files) / 1e6
        status = dataset.status()
        rows.append(
            {
                "data set": dataset.title,
                "for": ", ".join(dataset.tasks),
                "here": {"present": "✓ yes", "absent": "no"}.get(status, "✗ damaged"),
                "size": f"{size:.0f} MB" if size >= 1 else f"{1000 * size:.0f} kB",
                "to get it": f"indexnet-edu data get {name}",
            }
        )
    return rows
