"""Answers that follow from a table's figures, as a notebook prints them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

__all__ = ["as_bullets", "beside_predictions", "reservations", "yes_no"]


def yes_no(holds: bool) -> str:
    """Yes or No."""
    return "Yes" if holds else "No"


def as_bullets(lines: Iterable[str]) -> str:
    """A bullet a line, broken to fit a notebook's page."""
    return "\n".join(textwrap.fill(f"• {line}", 92, subsequent_indent="  ") for line in lines)


def reservations(steps: int, enough: int) -> list[str]:
    """What one seed, and fewer steps than are enough for an order, leave open."""
    said = [
        "One seed a row (n = 1): how far a row moves with its seed was not measured here, so a "
        "small gap proves nothing."
    ]
    if steps < enough:
        said.append(
            f"And after {steps} steps these are networks that have hardly begun: none of the "
            "answers above says anything about the operators yet."
        )
    return said


def beside_predictions(outcomes: Iterable[tuple[str, str, str]]) -> str:
    """What was asked, what the learner said ("" for nothing) and what came, a line each."""
    return "\n".join(
        f"{what:24} you: {said or 'no prediction':16} here: {came}" for what, said, came in outcomes
    )
