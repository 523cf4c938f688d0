"""Whatever an answer changes around it, the next answer and the notebook find as it was."""

from __future__ import annotations

import os
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from indexnet_edu.exercises import Case, Exercise, distinct, find_exercise, judge
from indexnet_edu.exercises.card import card_of
from indexnet_edu.exercises.values import Made, fresh

SCALE = Exercise(
    "9.1",
    "Double it",
    ("x",),
    lambda: [Case("a 2×2 image", (distinct(1, 1, 2, 2),))],
    lambda x: 2 * x,
)


def whatever() -> dict[str, Any]:
    """All that an answer may change and must not have changed."""
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": repr(np.random.get_state()),
        "python": random.getstate(),
        "type": torch.get_default_dtype(),
        "device": (torch.get_default_device(), torch.empty(0).device),
        "gradients": torch.is_grad_enabled(),
        "folder": os.getcwd(),
        "recursion": sys.getrecursionlimit(),
        "warnings": list(warnings.filters),
        "names": (torch.isclose, torch.equal, torch.Tensor.abs, F.relu, np.mean, print),
    }


def careless(x: torch.Tensor) -> torch.Tensor:
    y = 2 * x
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    os.chdir(Path(os.getcwd()).parent)
    sys.setrecursionlimit(5000)
    warnings.simplefilter("error")
    return y


def test_the_state_of_the_notebook_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = whatever()
    verdict = judge(SCALE, careless)
    assert (verdict.status, verdict.remarks) == ("right", ())
    assert whatever() == before


def test_a_device_of_the_notebooks_own_comes_back():
    torch.set_default_device("meta")
    try:
        judge(SCALE, lambda x: torch.set_default_device("cpu"))
        assert torch.get_default_device() == torch.device("meta")
    finally:
        torch.set_default_device(None)


@pytest.mark.parametrize(
    ("space", "name"),
    [
        (torch, "isclose"),
        (torch, "equal"),
        (torch, "set_default_dtype"),
        (torch.Tensor, "abs"),
        (torch.Tensor, "detach"),
        (F, "relu"),
        (np, "mean"),
    ],
)
def test_a_patched_name_fools_nobody(space: Any, name: str):
    def patching(x):
        setattr(space, name, lambda *args, **kwargs: torch.tensor(True))
        return 3 * x

    before = whatever()["names"]
    assert judge(SCALE, patching).status == "wrong"
    assert judge(SCALE, lambda x: 3 * x).status == "wrong"
    assert judge(SCALE, lambda x: 2 * x).status == "right"
    assert whatever()["names"] == before


def test_a_deleted_folder_is_no_ground_to_fail(monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert judge(SCALE, careless_about_folders).status == "right"


def careless_about_folders(x):
    os.chdir("/")
    return 2 * x


# --- Arguments that are no tensors ---------------------------------------------------------------


def test_what_is_made_is_made_for_every_call():
    counter = Exercise(
        "9.2",
        "The first number",
        ("numbers",),
        lambda: [Case("some numbers", (Made("an iterator", lambda: iter([1, 2])),))] * 2,
        lambda numbers: next(numbers),
    )
    for _ in range(2):
        assert judge(counter, lambda numbers: list(numbers)[0]).status == "right"


def test_the_blocks_of_4_1_tell_nothing_but_their_outputs():
    exercise = find_exercise("4.1")

    def curious(block, channels):
        print(block, vars(block), [cell.cell_contents.numel() for cell in block.__closure__])
        return "m2o"

    by_family: dict[str, set[str]] = {}
    for case in exercise.cases():
        block, channels = fresh(case.arguments, torch.float32)
        assert not hasattr(block, "parameters") and not vars(block)
        if exercise.reference(block, channels) != "holistic":  # whose outputs are fewer, too
            sizes = [cell.cell_contents.shape for cell in block.__closure__]
            by_family.setdefault(str(sizes), set()).add(exercise.reference(block, channels))
    assert all(len(families) == 3 for families in by_family.values())

    card = card_of(judge(exercise, curious)).text
    said = card.split("It printed:")[0].lower()
    assert "block = a function" in card
    assert not any(word in said for word in ("indexblock", "indexing", "onetoone", "conv2d"))


def test_a_spoiled_block_spoils_one_call_only():
    exercise = find_exercise("4.1")

    def spoiling(block, channels):
        for cell in block.__closure__:
            cell.cell_contents.zero_()
        return "m2o"

    judge(exercise, spoiling)
    assert judge(exercise, exercise.reference).status == "right"
