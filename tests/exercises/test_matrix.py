"""Every exercise knows a stub, a solution and the usual mistakes, each by its own message."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import nbformat
import pytest
import torch

from indexnet_edu.course.notebooks import list_notebooks, read_notebook
from indexnet_edu.exercises import Exercise, judge, list_exercises
from indexnet_edu.exercises.values import Made
from tests.exercises.conftest import answers, solution

EXERCISES = list(list_exercises().values())
DTYPES = (torch.float32, torch.float64)
RIGHT = [
    pytest.param(exercise, answer, id=f"{exercise.id}-{number}")
    for exercise in EXERCISES
    for number, answer in enumerate(answers(exercise.id).RIGHT[exercise.id])
]
WRONG = [
    pytest.param(exercise, words, answer, id=f"{exercise.id}-{words}")
    for exercise in EXERCISES
    for words, answer in answers(exercise.id).WRONG[exercise.id]
]
UNEXPLAINED = [
    pytest.param(exercise, answer, id=f"{exercise.id}-{number}")
    for exercise in EXERCISES
    for number, answer in enumerate(answers(exercise.id).UNEXPLAINED[exercise.id])
]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)


def stub(*arguments: Any) -> Any:
    raise NotImplementedError


@each_exercise
def test_a_stub_is_open(exercise: Exercise):
    verdict = judge(exercise, stub)
    assert (verdict.status, verdict.reason) == ("open", "")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@each_exercise
def test_reference_and_solution_are_right(exercise: Exercise, dtype: torch.dtype):
    for answer in (exercise.reference, solution(exercise.id)):
        verdict = judge(exercise, answer, dtype)
        assert (verdict.status, verdict.reason, verdict.remarks) == ("right", "", ())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("exercise", "answer"), RIGHT)
def test_right_formulations(exercise: Exercise, answer: Any, dtype: torch.dtype):
    verdict = judge(exercise, answer, dtype)
    assert (verdict.status, verdict.reason) == ("right", "")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("exercise", "words", "answer"), WRONG)
def test_a_wrong_answer_gets_its_own_message(
    exercise: Exercise, words: str, answer: Any, dtype: torch.dtype
):
    verdict = judge(exercise, answer, dtype)
    assert verdict.status == "wrong"
    assert words in verdict.reason
    assert verdict.case is not None


@pytest.mark.parametrize(("exercise", "answer"), UNEXPLAINED)
def test_no_wrong_answer_is_told_the_misconception_of_another(exercise: Exercise, answer: Any):
    verdict = judge(exercise, answer)
    assert verdict.status == "wrong" and verdict.reason
    assert verdict.reason not in {m.message for m in exercise.misconceptions}


@each_exercise
def test_a_misconception_is_recognised_by_its_own_message(exercise: Exercise):
    assert len({m.message for m in exercise.misconceptions}) == len(exercise.misconceptions)
    for misconception in exercise.misconceptions:
        for wrong in (misconception.wrong, *misconception.also):
            reason = judge(exercise, wrong).reason
            assert reason == misconception.message or reason.startswith("It raised")


@each_exercise
def test_there_are_enough_answers(exercise: Exercise):
    mine = answers(exercise.id)
    assert len(mine.RIGHT[exercise.id]) >= 7
    assert len(mine.WRONG[exercise.id]) >= 3 and len(mine.UNEXPLAINED[exercise.id]) >= 8


@each_exercise
def test_every_misconception_is_one_that_is_tried(exercise: Exercise):
    """A message that no answer of the tests can reach may never have worked."""
    reasons = {
        judge(exercise, answer).reason for _, answer in answers(exercise.id).WRONG[exercise.id]
    }
    unseen = [m.message for m in exercise.misconceptions if m.message not in reasons]
    assert unseen == []


@each_exercise
def test_cases_are_the_same_every_time(exercise: Exercise):
    for once, again in zip(exercise.cases(), exercise.cases(), strict=True):
        for a, b in zip(once.arguments, again.arguments, strict=True):
            if isinstance(a, Made):
                x = torch.rand(1, again.arguments[1], 2, 2)
                a, b = a.make()(x), b.make()(x)
            assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def test_ids_are_counted_without_gaps():
    for notebook, group in groupby(EXERCISES, lambda e: e.id.split(".")[0]):
        assert [e.id for e in group] == [
            f"{notebook}.{i + 1}"
            for i in range(sum(e.id.startswith(f"{notebook}.") for e in EXERCISES))
        ]


def test_notebooks_and_exercises_belong_together():
    """Each exercise has a stub, a check and a solution in its notebook, and none is unknown."""
    checked = set()
    for notebook in list_notebooks():
        source = "\n".join(c.source for c in read_notebook(notebook.path).cells)
        for exercise in EXERCISES:
            if f'check("{exercise.id}"' in source:
                assert notebook.name.startswith(f"{int(exercise.id.split('.')[0]):02}")
                assert f"def solution_{exercise.id.replace('.', '_')}" in source
                assert f"Exercise {exercise.id} ·" in source
                checked.add(exercise.id)
        assert source.count('check("') == sum(f'check("{e.id}"' in source for e in EXERCISES)
    assert checked == {exercise.id for exercise in EXERCISES}


def test_solutions_are_hidden_but_there():
    for notebook in list_notebooks():
        for cell in nbformat.read(notebook.path, as_version=4).cells:
            if cell.cell_type == "code" and "solution" in cell.metadata.get("tags", ()):
                assert cell.metadata.get("jupyter", {}).get("source_hidden") is True
