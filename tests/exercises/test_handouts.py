"""A handout neither gives an answer away nor misses what it left out."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

import nbformat
import pytest

from indexnet_edu.course.handout import make_handout
from indexnet_edu.exercises import list_exercises

#: Exercise → what a cell would have to say to give its answer away.
TELLING = {
    "1.4": [r"1 3 3 1", r"0\.25, 0\.75, 0\.75, 0\.25\]\)", r"answer to Exercise"],
    "1.5": [r"permute\(0, 1, 4, 2, 5, 3\)"],
    "2.1": [r"x \+ change"],
    "2.2": [r"x - \(1 - "],
    "2.3": [r"log10\(\)"],
    "2.5": [r"amax\(1", r"amax\(dim=1"],
    "3.1": [r"\* k\*\*2", r"k\^2", r"k²"],
    "3.2": [r"permute\(0, 3, 4, 1, 5, 2\)", r"transpose\(1, 2\)\.flatten"],
    "3.3": [r"softmax\((decoder|s), (dim=)?1\)"],
    "3.4": [r"exp\(1 / "],
    "3.5": [r"eye\(4\)"],
    "4.2": [r"torch\.cat\(", r"side by side"],
    "4.3": [r"unflatten\(0", r"groups=", r"N·C, 4, h, w"],
    "4.4": [r"2k\^2", r"12C", r"12 ?\* ?c"],
    "4.5": [r"16 \* \(size"],
    "5.2": [r"10 \*\* \(-"],
    "7.1": [r"log10\(sigma"],
    "7.2": [r"% 8"],
}
NOTEBOOKS = sorted({exercise_id.split(".")[0] for exercise_id in list_exercises()})


def cells_of(notebook: str, folder: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(make_handout(notebook, folder), as_version=4).cells


@pytest.mark.parametrize("exercise_id", TELLING)
def test_no_cell_gives_an_answer_away(exercise_id: str, tmp_path: Path):
    """Hints inside <details> may; they are asked for."""
    cells = cells_of(exercise_id.split(".")[0], tmp_path)
    seen = [re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL) for cell in cells]
    after = seen[[cell.id for cell in cells].index(f"answer-{exercise_id.replace('.', '-')}") :]
    for pattern in TELLING[exercise_id]:
        assert [source for source in after if re.search(pattern, source)] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_no_name_is_missing(notebook: str, tmp_path: Path):
    """A cell that a handout leaves out must not define what a later one uses."""
    known, used = set(dir(builtins)), set()
    for cell in cells_of(notebook, tmp_path):
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Name):
                (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                known.add(node.name)
            elif isinstance(node, ast.arg):
                known.add(node.arg)
            elif isinstance(node, ast.alias):
                known.add((node.asname or node.name).split(".")[0])
    assert used <= known
