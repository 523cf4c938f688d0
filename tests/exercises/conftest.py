"""Solutions taken from the notebooks, the answers written for the tests, and cards caught."""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu.course.notebooks import code_cells, find_notebooks, read_notebook
from indexnet_edu.exercises import checking
from indexnet_edu.exercises.card import Card


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Card]:
    """The cards that were displayed, in a working directory of its own."""
    cards: list[Card] = []
    monkeypatch.setattr(checking, "_display", cards.append)
    monkeypatch.chdir(tmp_path)
    return cards


@cache
def solutions(notebook: str) -> dict[str, Any]:
    """``solution_1_1`` and so on: the solution cells, run after the notebook's imports."""
    cells = code_cells(read_notebook(find_notebooks([notebook])[0].path))
    names: dict[str, Any] = {}
    for cell in cells:
        imports = [
            n for n in ast.parse(cell.source).body if isinstance(n, (ast.Import, ast.ImportFrom))
        ]
        exec(compile(ast.Module(imports, []), "imports", "exec"), names)
    for cell in cells:
        if cell.id.startswith("solution-"):
            exec(compile(cell.source, cell.id, "exec"), names)
    return names


def solution(exercise_id: str) -> Any:
    notebook, _, number = exercise_id.partition(".")
    return solutions(notebook)[f"solution_{notebook}_{number}"]


def answers(exercise_id: str) -> Any:
    """The module ``answers_NN`` of the exercise's notebook."""
    return import_module(f"tests.exercises.answers_{int(exercise_id.split('.')[0]):02}")
