"""Cards in the notebook: HTML for people who see it, the same as text for everyone else."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from ..viz.palette import OKABE_ITO
from .drawing import rows_of
from .judge import Verdict

__all__ = ["MARKS", "Card", "card_of", "warning"]

MARKS = {"open": "○", "wrong": "✗", "right": "✓"}
_EDGES = {
    "open": "currentColor",
    "wrong": OKABE_ITO["vermillion"],
    "right": OKABE_ITO["bluish green"],
}
_LINES = 12  # of what an answer printed
_WORDS = {"open": "not attempted yet", "wrong": "not yet", "right": "right"}


class Card:
    """Something to display, in two forms."""

    def __init__(self, html: str, text: str) -> None:
        self.html = html
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


def card_of(verdict: Verdict, note: str = "") -> Card:
    """The card of a verdict.

    Args:
        note: a last line, as about a damaged file of progress.
    """
    exercise, status = verdict.exercise, verdict.status
    head = f"{MARKS[status]} {exercise.id} {exercise.title}"
    html = [f"<strong>{escape(head)}</strong> · {_WORDS[status]}"]
    text = [f"{head}: {_WORDS[status]}"]

    def add(line: str) -> None:
        html.append(f'<p style="margin:4px 0">{_inline(line)}</p>')
        text.append(line)

    if verdict.reason:
        add(verdict.reason)
    for remark in verdict.remarks:
        add(f"A remark: {remark}")
    if verdict.case is not None:
        add(f"Tried with {verdict.case.about}, as `{exercise.call}`:")
        for svg, words in rows_of(verdict):
            html.append(f"<div>{svg or escape(words)}</div>")
            text.append(words)
    if verdict.printed:
        lines = verdict.printed.splitlines()
        more = [f"… and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
        said = "\n".join([*lines[:_LINES], *more])
        html.append(
            f"<details><summary>What it printed</summary><pre>{escape(said)}</pre></details>"
        )
        text.append(f"It printed:\n{said}")
    if note:
        add(note)
    return Card(_framed("".join(html), status), "\n".join(text))


def warning(message: str) -> Card:
    """A card about the check itself, such as an id that does not exist."""
    return Card(_framed(f"<strong>✗</strong> {_inline(message)}", "wrong"), f"✗ {message}")


def _framed(content: str, status: str) -> str:
    style = f"border-left:5px solid {_EDGES[status]};padding:4px 12px;margin:4px 0;overflow-x:auto"
    return f'<div style="{style}">{content}</div>'


def _inline(line: str) -> str:
    """Escaped, with code where backticks are."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(line))
