"""Exercises: a stub in the notebook, a check that answers with a card, a solution in the notebook.

    check("1.1", max_index_map)

Those of notebook NN lie in ``notebook_NN.py`` and are found by themselves. Heavy imports wait
until something is checked.
"""

from .checking import check, progress_card
from .exercise import Case, Exercise, Misconception, distinct, find_exercise, list_exercises
from .judge import Verdict, judge

__all__ = [
    "Case",
    "Exercise",
    "Misconception",
    "Verdict",
    "check",
    "distinct",
    "find_exercise",
    "judge",
    "list_exercises",
    "progress_card",
]
