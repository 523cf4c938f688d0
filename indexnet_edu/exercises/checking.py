"""What a notebook calls: ``check("1.1", f)`` and ``progress_card()``."""

from __future__ import annotations

from html import escape
from typing import Any

from ..errors import UserError
from .card import MARKS, Card, card_of, warning
from .exercise import Exercise, find_exercise, list_exercises
from .judge import judge
from .progress import LearnerProgress

__all__ = ["check", "progress_card"]

_NOTHING = object()


def check(exercise_id: str, function: Any = _NOTHING) -> None:
    """Shows a card: ○ not attempted, ✗ with what went wrong, or ✓. Never raises.

    Attempts are counted in a small file in the working directory; see :func:`progress_card`.

    Args:
        exercise_id: "1.1" is the first exercise of notebook 01.
        function: the answer, any callable that takes the exercise's arguments.
    """
    try:
        card = _card(exercise_id, function)
    except Exception as error:  # ours, not the learner's: it must not stop the notebook either
        card = warning(
            f"The check of {exercise_id} itself failed ({type(error).__name__}: {error}). "
            "Your answer was not judged; please report this with your code."
        )
    _display(card)


def progress_card() -> None:
    """Shows which exercises are solved, notebook by notebook."""
    try:
        card = _overview()
    except OSError as error:  # the folder itself is gone
        card = warning(f"Your progress cannot be read: {error}")
    _display(card)


def _overview() -> Card:
    progress = LearnerProgress()
    by_notebook: dict[str, list[Exercise]] = {}
    for exercise in list_exercises().values():
        by_notebook.setdefault(exercise.id.split(".")[0], []).append(exercise)
    head = f"{progress.solved()} of {len(list_exercises())} exercises solved"
    rows, lines = [], [head]
    for notebook, exercises in sorted(by_notebook.items(), key=lambda item: int(item[0])):
        cells, words = "", []
        for exercise in exercises:
            mark = MARKS[progress.mark(exercise.id)]
            attempts = progress.records[exercise.id].attempts if mark != "○" else 0
            tried = f"{attempts} attempt{'s' if attempts != 1 else ''}"
            said = f"{mark} {exercise.id}"
            title = escape(f"{exercise.title}: {tried}")
            cells += f'<td style="text-align:left;padding:2px 10px" title="{title}">{said}</td>'
            words.append(said)
        rows.append(f'<tr><th scope="row">{int(notebook):02}</th>{cells}</tr>')
        lines.append(f"{int(notebook):02}  {'  '.join(words)}")
    note = _set_aside(progress)
    html = f"<strong>{head}</strong> (✓ solved, ✗ tried, ○ open)<table>{''.join(rows)}</table>"
    return Card(html + (f"<p>{escape(note)}</p>" if note else ""), "\n".join([*lines, note]))


def _card(exercise_id: str, function: Any) -> Card:
    try:
        exercise = find_exercise(str(exercise_id))
    except ValueError as error:
        return warning(f"{str(error).capitalize()}.")
    if function is _NOTHING:
        return warning(f"Pass your function as well: `check({exercise.id!r}, f)`.")
    verdict = judge(exercise, function)
    note = ""
    if verdict.status != "open":
        try:
            progress = LearnerProgress()
            progress.add(exercise.id, verdict.status == "right")
            note = _set_aside(progress)
        except (OSError, UserError) as error:
            note = f"Your progress could not be kept: {error}"
    return card_of(verdict, note)


def _set_aside(progress: LearnerProgress) -> str:
    if progress.set_aside is None:
        return ""
    return (
        f"The file with your progress was damaged. It now lies in {progress.set_aside.name}, "
        "and a new one has been begun."
    )


def _display(card: Card) -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    if InteractiveShell.initialized():
        display(card)
    else:
        print(card)
