"""Cards and progress: what the learner sees, and what is kept."""

from __future__ import annotations

import json
import os
import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import torch

from indexnet_edu.exercises import (
    check,
    checking,
    find_exercise,
    judge,
    progress_card,
)
from indexnet_edu.exercises.card import Card, card_of
from indexnet_edu.exercises.progress import FILE, LearnerProgress
from indexnet_edu.indexing import max_index_map


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Card]:
    """The cards that were displayed, in a working directory of its own."""
    cards: list[Card] = []
    monkeypatch.setattr(checking, "_display", cards.append)
    monkeypatch.chdir(tmp_path)
    return cards


def stub(x):
    raise NotImplementedError


def wrong(x):
    print("<b>here</b>")
    return torch.zeros_like(x)


# --- Cards ---------------------------------------------------------------------------------------


def test_the_three_cards(shown):
    for answer in (stub, wrong, max_index_map):
        check("1.1", answer)
    heads = [card.text.splitlines()[0] for card in shown]
    assert [head[0] for head in heads] == ["○", "✗", "✓"]
    assert all("1.1 The index of max pooling" in head for head in heads)


def test_a_wrong_card_shows_input_expected_and_answer(shown):
    check("1.1", wrong)
    card = shown[0]
    for words in ("x:", "expected:", "yours:", "one 4×4 channel", "It printed:"):
        assert words in card.text
    assert "<b>here</b>" in card.text and "&lt;b&gt;here" in card.html
    assert card.html.count("<svg") == 2
    for svg in re.findall(r"<svg.*?</svg>", card.html, re.DOTALL):
        ET.fromstring(svg)
    assert card._repr_mimebundle_() == {"text/html": card.html, "text/plain": card.text}


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: torch.zeros(30, 40),
        lambda x: torch.zeros(0),
        lambda x: torch.tensor(1.0),
        lambda x: x * torch.nan,
        lambda x: x * torch.inf,
        lambda x: torch.zeros(2, 2, 2, 2, 2),
        lambda x: 1e30 * x,
        lambda x: None,
        lambda x: {},
    ],
)
def test_whatever_came_can_be_drawn(answer: Any):
    card = card_of(judge(find_exercise("1.1"), answer))
    assert card.html.startswith("<div") and card.text.startswith("✗")
    for svg in re.findall(r"<svg.*?</svg>", card.html, re.DOTALL):
        ET.fromstring(svg)


def test_the_difference_is_looked_up_in_later_images_and_channels():
    def answer(x):
        y = max_index_map(x)
        if len(y) > 1:
            y[1, 2, 0, 0] += 1
        return y

    card = card_of(judge(find_exercise("1.1"), answer))
    assert "yours (image 1, channel 2)" in card.text


def test_open_questions_do_not_show_an_answer():
    card = card_of(judge(find_exercise("2.1"), lambda x: x))
    assert "yours:" in card.text and "expected" not in card.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("7.7", stub), "there is no exercise '7.7'"),
        ((None, stub), "there is no exercise 'none'"),
        (("1.1",), "Pass your function as well"),
        ((1.1, stub), "○ 1.1"),
    ],
)
def test_a_check_that_is_called_wrongly(shown, arguments: Any, words: str):
    check(*arguments)
    assert words.lower() in shown[0].text.lower()


def test_our_own_mistakes_do_not_stop_a_notebook(shown, monkeypatch):
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(checking, "judge", broken)
    check("1.1", stub)
    assert "The check of 1.1 itself failed (RuntimeError: broken)" in shown[0].text


def test_outside_a_notebook_it_prints(capsys, monkeypatch):
    monkeypatch.undo()
    check("1.1", stub)
    assert capsys.readouterr().out.startswith("○ 1.1")


# --- Progress ------------------------------------------------------------------------------------


def test_unsolved_notebooks_leave_no_file(shown, tmp_path):
    check("1.1", stub)
    progress_card()
    assert list(tmp_path.iterdir()) == []
    assert "○ 1.1" in shown[-1].text


def test_attempts_are_counted_and_solved_stays_solved(shown, tmp_path):
    for answer in (wrong, max_index_map, wrong, stub):
        check("1.1", answer)
    check("1.2", wrong)
    stored = json.loads((tmp_path / FILE).read_text())["exercises"]
    assert stored["1.1"]["attempts"] == 3 and stored["1.1"]["solved"]
    assert stored["1.2"] == {"attempts": 1, "solved": None}
    progress_card()
    assert shown[-1].text.startswith("1 of ")
    assert "✓ 1.1  ✗ 1.2  ○ 1.3" in shown[-1].text
    assert {p.name for p in tmp_path.iterdir()} == {FILE, f"{FILE}.lock"}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"exercises": 3}',
        b'{"exercises": {"1.1": 3}}',
        b'{"exercises": {"1.1": {"attempts": "many"}}}',
        b'{"exercises": {"1.1": {"attempts": 1, "colour": "red"}}}',
    ],
)
def test_a_damaged_file_is_set_aside(shown, tmp_path, damaged: bytes):
    (tmp_path / FILE).write_bytes(damaged)
    check("1.1", max_index_map)
    assert "damaged. It now lies in .indexnet-progress.json.damaged1" in shown[0].text
    assert (tmp_path / f"{FILE}.damaged1").read_bytes() == damaged
    assert LearnerProgress().mark("1.1") == "right"
    (tmp_path / FILE).write_bytes(damaged)
    progress_card()
    assert "damaged2" in shown[-1].text and "damaged2" in shown[-1].html
    assert (tmp_path / f"{FILE}.damaged2").read_bytes() == damaged


def test_a_folder_in_the_way_is_set_aside_too(tmp_path):
    (tmp_path / FILE).mkdir()
    assert LearnerProgress().set_aside == tmp_path / f"{FILE}.damaged1"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(shown, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        check("1.1", max_index_map)
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert shown[0].text.startswith("✓") and "could not be kept" in shown[0].text


def test_a_full_disk_is_said_on_the_card(shown, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    check("1.1", max_index_map)
    assert shown[0].text.startswith("✓") and "could not be kept" in shown[0].text
