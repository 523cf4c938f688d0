"""Cards: what the learner sees."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import torch

from indexnet_edu.exercises import (
    check,
    checking,
    find_exercise,
    judge,
)
from indexnet_edu.exercises.card import card_of
from indexnet_edu.indexing import max_index_map

pytestmark = pytest.mark.usefixtures("shown")


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
