"""Answers that follow from a table's figures, as a notebook prints them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

__all__ = ["as_bullets", "beside_predictions", "yes_no"]


def yes_no(holds: bool) -> str:
    """Yes or No."""
    return "Yes" if holds else "No"


def as_bullets(lines: Iterable[str]) -> str:
    """A bullet a line, broken to fit a notebook's page."""
    return "\n".join(textwrap.fill(f"• {line}", 92, subsequent_indent="  ") for line in lines)


def beside_predictions(outcomes: Iterable[tuple[str, str, str]]) -> str:
    """What was asked, what the learner said ("" for nothing) and what came, a line each."""
    return "\n".join(
        f"{what:24} you: {said or 'no prediction':16} here: {came}" for what, said, came in outcomes
    )
