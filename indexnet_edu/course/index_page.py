"""``index.html``: what ran, how it ended and what was found, with no script and no network."""

from __future__ import annotations

import html
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ..errors import UserError
from .progress import clock
from .results import Result, collect
from .state import Entry, State, write_text

__all__ = ["write_index"]

_STATUS = {
    "ok": "✓ ok",
    "failed": "✗ failed",
    "timeout": "✗ timed out",
    "interrupted": "✗ interrupted",
}


def write_index(out: Path, asked_for: Sequence[str] = ()) -> Path:
    """Writes the page of a folder of executed notebooks, and an HTML copy beside each notebook.

    Args:
        out: a folder that :func:`~.execute.run_course` filled; the page shows all that ever ran
            there.
        asked_for: notebooks that belong on the page even if they have not run.

    Returns:
        The page's path.

    Raises:
        UserError: the folder cannot be written.
    """
    from .html_copy import page

    state = State.load(out)
    names = sorted({*state.entries, *asked_for})
    rows, sections = [], []
    for name in names:
        entry = state.entries.get(name)
        problem = _refresh_copy(state.copy_of(name)) if entry and entry.copy else None
        rows.append(_row(out, name, entry, problem))
        if entry and entry.copy:
            sections += _results(name, state.copy_of(name))
    done = sum(entry.status == "ok" for entry in state.entries.values())
    total = sum(entry.seconds for entry in state.entries.values())
    body = f"""<main>
<h1>Index Networks, the course</h1>
<p>{done} of {len(names)} notebooks done in {clock(total)}.
<span class="quiet">{html.escape(_environment(state))}</span></p>
<div class="scroll"><table>
<thead><tr><th scope="col">Notebook</th><th scope="col">Profile</th><th scope="col">Status</th>
<th scope="col" class="number">Time (min:s)</th><th scope="col">Finished</th></tr></thead>
<tbody>
{"".join(rows)}</tbody>
</table></div>
<h2>Results</h2>
{"".join(sections) or "<p class='quiet'>No notebook has reported a result.</p>"}
</main>"""
    index = out / "index.html"
    write_text(index, page("Index Networks, the course: results", body))
    return index


def _refresh_copy(notebook: Path) -> str | None:
    """Makes the HTML copy where it is missing or old; returns what went wrong, if anything."""
    from .html_copy import html_copy

    copy = notebook.with_suffix(".html")
    if copy.exists() and copy.stat().st_mtime >= notebook.stat().st_mtime:
        return None
    copy.unlink(missing_ok=True)
    try:
        text = html_copy(notebook)
    except (
        Exception
    ) as error:  # a notebook that cannot be drawn is still linked, and the others are shown
        return f"no HTML copy: {type(error).__name__}: {error}"
    write_text(copy, text)
    return None


def _row(out: Path, name: str, entry: Entry | None, problem: str | None) -> str:
    if entry is None:
        return (
            f"<tr><th scope='row'>{html.escape(name)}</th>"
            "<td></td><td class='status quiet'>not run</td><td></td><td></td></tr>\n"
        )
    title, links = html.escape(name), []
    if (out / f"{name}.html").exists():
        title = f"<a href='{quote(name)}.html'>{title}</a>"
    for label, file in (("notebook", f"{name}.ipynb"), ("log", f"logs/{name}.log")):
        if (out / file).exists():
            links.append(f"<a href='{quote(file)}'>{label}</a>")
    lines = [html.escape(text) for text in (entry.error, problem) if text]
    error = "".join(f"<tr><td colspan='5' class='error'>{line}</td></tr>\n" for line in lines)
    kind = "ok" if entry.status == "ok" else "bad"
    return (
        f"<tr><th scope='row'>{title} <span class='quiet'>{' · '.join(links)}</span></th>"
        f"<td>{html.escape(str(entry.made_from['parameters'].get('profile', '')))}</td>"
        f"<td class='status {kind}'>{_STATUS[entry.status]}</td>"
        f"<td class='number'>{clock(entry.seconds)}</td>"
        f"<td class='quiet'>{html.escape(entry.finished[:16].replace('T', ' '))}</td></tr>\n{error}"
    )


def _results(name: str, notebook: Path) -> list[str]:
    try:
        found = [Result(**result) for result in collect(notebook)]
    except (UserError, TypeError) as error:
        return [f"<p class='error'>{html.escape(f'{name}: {error}')}</p>"]
    if not found:
        return []
    tables = "".join(f"<div class='scroll'>{result.to_html()}</div>\n" for result in found)
    return [f"<section><h3>{html.escape(name)}</h3>\n{tables}</section>\n"]


def _environment(state: State) -> str:
    versions = sorted({str(entry.made_from.get("version")) for entry in state.entries.values()})
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    return f"indexnet-edu {', '.join(versions)} · Python {platform.python_version()} · {machine}"
