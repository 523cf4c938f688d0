"""Answers that raise, hang, print, change their input or return odd things: never more than ✗."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from indexnet_edu.exercises import Case, Exercise, Misconception, distinct, judge
from indexnet_edu.exercises.guard import TimeIsUp, guarded
from tests.exercises.elsewhere import unavailable


def double(x):
    return 2 * x


SCALE = Exercise(
    "9.1",
    "Double it",
    ("x",),
    lambda: [
        Case("a 2×2 image", (distinct(1, 1, 2, 2),)),
        Case("two images", (distinct(2, 1, 2, 2, seed=1),)),
    ],
    double,
    (Misconception("You have squared it.", lambda x: x * x),),
    seconds=1.0,
)


def reason(answer: Any, exercise: Exercise = SCALE) -> str:
    verdict = judge(exercise, answer)
    assert verdict.status == "wrong"
    return verdict.reason


# --- What is not attempted, and what only looks like it ------------------------------------------


def test_stubs_with_and_without_a_message_are_open():
    def stub(x):
        """With a docstring."""
        raise NotImplementedError("write this")

    assert judge(SCALE, stub).status == "open"


class StubModule(nn.Module):
    def forward(self, x):
        raise NotImplementedError


def test_a_module_may_be_a_stub():
    assert judge(SCALE, StubModule()).status == "open"
    assert "missing the required" in reason(nn.Module())


def test_not_implemented_by_pytorch_is_an_error_of_the_answer():
    assert "It raised" in reason(lambda x: F.max_pool2d(x.bool(), 2))
    assert "NotImplementedError" in reason(
        lambda x: x @ x.to_sparse().bool() if False else _raise(x)
    )


def _raise(x):
    return torch.ops.aten.max_pool2d_with_indices(x.to(torch.complex64), [2])


def test_what_others_raise_is_no_stub():
    """A notebook that is run without a reader has no `input()`; libraries lack things, too."""

    def asks(x):
        return float(input())

    class Unfinished:
        def __call__(self, x):
            raise NotImplementedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.input", unavailable)
        assert "NotImplementedError: no reader" in reason(asks)
    assert "NotImplementedError" in reason(lambda x: nn.Module()(x))
    assert judge(SCALE, Unfinished()).status == "open"
    assert judge(SCALE, partial(lambda factor, x: unwritten(x), 2)).status == "open"
    assert judge(SCALE, torch.no_grad()(unwritten)).status == "open"


def unwritten(x):
    raise NotImplementedError


def test_half_a_stub_is_wrong():
    def half(x):
        if len(x) > 1:
            raise NotImplementedError
        return 2 * x

    assert "NotImplementedError" in reason(half)
    assert judge(SCALE, half).case.about == "two images"


# --- Things that are not the function ------------------------------------------------------------


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (distinct(2, 2), "the tensor that it returned"),
        (None, "without calling it"),
        ("double", "without calling it"),
        (nn.Identity, "an instance: `check('9.1', Identity())`"),
        (lambda: 1, "It is called as `f(x)`, but its arguments are `()`"),
        (lambda x, y: x, "its arguments are `(x, y)`"),
        (lambda *, x: x, "its arguments are `(*, x)`"),
    ],
)
def test_what_is_passed_by_mistake(thing: Any, words: str):
    assert words in reason(thing)


@pytest.mark.parametrize("answer", [double, nn.Module.__call__], ids=["function", "unbound"])
def test_any_callable_is_tried(answer: Any):
    assert judge(SCALE, answer).status == ("right" if answer is double else "wrong")


# --- Errors --------------------------------------------------------------------------------------


def test_an_error_is_told_with_its_line():
    def answer(x):
        y = x.view(3, 3)
        return y

    said = reason(answer)
    assert said.startswith("It raised RuntimeError: shape '[3, 3]' is invalid")
    assert said.endswith("(in `y = x.view(3, 3)`)")


@pytest.mark.parametrize("error", [SystemExit(3), AssertionError(), MemoryError(), GeneratorExit()])
def test_errors_of_any_kind_are_caught(error: BaseException):
    def answer(x):
        raise error

    assert f"It raised {type(error).__name__}" in reason(answer)


def test_endless_recursion_is_caught():
    def answer(x):
        return answer(x)

    assert "RecursionError" in reason(answer)


def test_the_learners_interrupt_comes_through():
    def answer(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(SCALE, answer)


def test_a_hostile_error_or_value_is_read_within_the_guard():
    class Mute(Exception):
        def __str__(self):
            raise SystemExit

    class Endless(Exception):
        def __str__(self):
            forever(0)

    class Slow(float):
        def __float__(self):
            forever(0)

    class Broken(float):
        def __float__(self):
            raise ValueError("not a number")

    def raising(error):
        def answer(x):
            raise error

        return answer

    number = replace(SCALE, reference=lambda x: 1.5, misconceptions=())
    assert "It raised Mute: with a message that cannot be read" in reason(raising(Mute()))
    assert "did not end within" in reason(raising(Endless()))
    assert "did not end within" in reason(lambda x: Slow(1.5), number)
    assert reason(lambda x: Broken(1.5), number) == "Its values cannot be read: not a number"


def test_a_hostile_function_is_looked_at_within_the_guard():
    class Hostile:
        def __getattr__(self, name):
            raise SystemExit

        def __call__(self, x):
            raise ValueError("no")

    assert reason(Hostile()) == "It raised ValueError: no"


# --- Time and output -----------------------------------------------------------------------------


def forever(x):
    while True:
        pass


def forever_stubborn(x):
    while True:
        try:
            sum(range(100))
        except Exception:
            pass


def forever_bare(x):
    while True:
        try:
            x + 1
        except:  # noqa: E722
            pass


def forever_asleep(x):
    time.sleep(1000)


@pytest.mark.parametrize("answer", [forever, forever_stubborn, forever_bare, forever_asleep])
def test_an_endless_answer_is_stopped(answer: Any):
    start = time.monotonic()
    assert "did not end within 1 seconds" in reason(answer)
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("answer", [forever, forever_bare])
def test_also_in_a_thread(answer: Any):
    found = []
    thread = threading.Thread(target=lambda: found.append(guarded(answer, (distinct(2, 2),), 0.5)))
    thread.start()
    thread.join(10)
    assert isinstance(found[0].error, TimeIsUp)


def test_all_cases_share_the_time():
    def slow(x):
        time.sleep(0.7)
        return 2 * x

    assert "did not end" in reason(slow)


def test_the_alarm_of_others_survives():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        assert judge(replace(SCALE, seconds=0.1), forever).status == "wrong"
        time.sleep(0.5)
        assert rung == [1]
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_endless_printing_is_cut_and_stopped(capsys):
    def chatty(x):
        while True:
            print("x" * 50)

    verdict = judge(SCALE, chatty)
    assert "prints without end" in verdict.reason
    assert len(verdict.printed) < 1200
    assert verdict.printed.endswith("characters more")
    assert capsys.readouterr() == ("", "")


def test_what_an_answer_prints_is_kept(capsys):
    def talking(x):
        print("shape", tuple(x.shape))
        return 3 * x

    assert "shape (1, 1, 2, 2)" in judge(SCALE, talking).printed
    assert capsys.readouterr().out == ""


# --- Values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: None, "It returned None. Is the `return` missing?"),
        (lambda x: "2x", "It returned a str; return a torch.Tensor."),
        (lambda x: (2 * x).numpy(), "It returned a numpy.ndarray; return a torch.Tensor."),
        (lambda x: (2 * x).tolist(), "It returned a list; return a torch.Tensor."),
        (lambda x: (2 * x, 1), "It returned a tuple; return a torch.Tensor."),
        (lambda x: 2, "It returned an int; return a torch.Tensor."),
        (lambda x: (i for i in x), "It returned a generator"),
        (lambda x: nn.Module, "It returned a type"),
        (lambda x: 2 * x + 0j, "real numbers"),
        (lambda x: (2 * x).to("meta"), "which has a shape and no values"),
        (lambda x: x[:1, :1, :1, :1].expand(100_000, 1, 1000, 10), "far too many"),
        (lambda x: 2 * x[0], "Only sizes of 1 are missing"),
        (lambda x: (2 * x).flatten(1), "arranged differently"),
        (lambda x: (2 * x).transpose(1, 3), "their order is not"),
        (lambda x: (2 * x)[..., :1], "(1, 1, 2, 1), it should be (1, 1, 2, 2)."),
        (lambda x: x.new_zeros(0), "1 dimensions in place of 4"),
        (lambda x: x * torch.nan, "4 of its 4 values are NaN"),
        (lambda x: x / 0, "NaN or infinite"),
        (lambda x: 0.5 * x, "0.25 times what it should be"),
        (lambda x: 2 * x.mT, "it is the transpose"),
        (lambda x: 2 * x + torch.eye(2), "2 of 4 values differ"),
        (lambda x: x * x, "You have squared it."),
        (lambda x: 2 * x.sum(0, keepdim=True).expand_as(x), "right for the first input, but not"),
    ],
)
def test_wrong_values(answer: Any, words: str):
    assert words in reason(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (2 * x).int(),
        lambda x: (2 * x).double(),
        lambda x: (2 * x).to_sparse(),
        lambda x: nn.Parameter(2 * x),
        lambda x: torch.cat([2 * x, x])[: len(x)],
        lambda x: (2 * x).transpose(2, 3).contiguous().transpose(2, 3),
    ],
)
def test_right_values_in_any_form(answer: Any):
    assert judge(SCALE, answer).status == "right"


def same(x):
    return x


SAME = replace(SCALE, reference=same, misconceptions=())


def test_views_of_the_input_are_answers():
    for answer in (same, lambda x: x.view_as(x), lambda x: x.expand(-1, -1, -1, -1)):
        assert judge(SAME, answer).status == "right"
    assert "0.5 times" in reason(lambda x: x.view_as(x))


def test_one_buffer_for_all_answers_is_no_trick():
    buffer = torch.empty(2, 1, 2, 2)

    def reusing(x):
        buffer[: len(x)] = 2 * x
        return buffer[: len(x)]

    assert judge(SCALE, reusing).status == "right"


def test_changing_the_input_is_wrong():
    assert "changes its argument `x` in place" in reason(lambda x: x.mul_(2))
    assert "changes its argument `x` in place" in reason(
        lambda x: 2 * x.clone() + 0 * x.zero_() + 1
    )


def test_it_judges_where_gradients_are_off():
    with torch.no_grad():
        assert judge(SCALE, double).remarks == ()


# --- A misconception explains every case, or is not told -----------------------------------------


def test_a_misconception_of_one_case_is_not_told():
    """Its words would be true of one input and false of the person."""
    last_only = [
        lambda x: 2 * x if len(x) == 1 else x * x,
        lambda x: 3 * x if len(x) == 1 else x * x,
    ]
    for answer in last_only:
        assert "squared" not in reason(answer)
    assert "right for the first input" in reason(last_only[0])
    assert reason(lambda x: x**2) == "You have squared it."


def test_a_misconception_must_fail_where_the_answer_fails():
    def fails_for_two(x):
        return 1 / (2 - len(x)) * x * x  # 1 / 0 for two images

    def also_fails(x):
        return x * x if len(x) == 1 else None.shape

    both = replace(SCALE, misconceptions=(Misconception("You have squared it.", also_fails),))
    assert reason(fails_for_two, both) == "You have squared it."
    assert "squared" not in reason(fails_for_two)
    assert "squared" not in reason(lambda x: x * x, both)


# --- Gradients and types -------------------------------------------------------------------------


def without_gradient(x):
    return torch.tensor([[2 * v for v in row] for row in x.flatten(2)[:, 0].tolist()]).view_as(x)


def test_a_gradient_may_be_needed_or_remarked():
    assert "No gradient flows back to `x`" in judge(SCALE, without_gradient).remarks[0]
    needed = replace(SCALE, needs_gradient=True)
    assert "No gradient flows back to `x`" in reason(without_gradient, needed)
    assert judge(needed, double).status == "right"


def test_one_type_only_is_remarked():
    def one_type(x):
        y = torch.zeros(x.shape)
        y.index_put_((torch.arange(len(x)),), 2 * x)
        return y

    verdict = judge(SCALE, one_type)
    assert verdict.status == "right"
    assert "works for float32 only" in verdict.remarks[0]


# --- Other kinds of exercises --------------------------------------------------------------------


class Pair(NamedTuple):
    small: torch.Tensor
    places: torch.Tensor


PAIR = replace(
    SCALE,
    reference=lambda x: Pair(*F.max_pool2d(x, 2, return_indices=True)),
    misconceptions=(),
)


def test_tuples_are_compared_part_by_part():
    def pool(x):
        return F.max_pool2d(x, 2, return_indices=True)

    assert judge(PAIR, pool).status == "right"
    assert judge(PAIR, lambda x: list(pool(x))).status == "right"
    assert "`places`: It should be" in reason(lambda x: (pool(x)[0], pool(x)[1] + 1), PAIR)
    assert "`small`: The shape is" in reason(lambda x: (x, pool(x)[1]), PAIR)
    assert "return a tuple: small, places" in reason(lambda x: 3, PAIR)
    assert "It returned 1 values; return 2: small, places" in reason(lambda x: x, PAIR)
    assert "It returned 1 values; return 2" in reason(lambda x: (x,), PAIR)
    assert "None" in reason(lambda x: (pool(x)[0], None), PAIR)


def test_numbers_truths_and_words():
    number = replace(SCALE, reference=lambda x: int(x.sum()), misconceptions=())
    for right in (
        lambda x: x.sum(),
        lambda x: x.sum().item(),
        lambda x: np.float32(x.sum().item()),
    ):
        assert judge(number, right).status == "right"
    assert "It should be 10; yours is 11" in reason(lambda x: x.sum() + 1, number)
    assert "return a number" in reason(lambda x: x, number)
    assert "return a number" in reason(lambda x: True, number)

    truth = replace(SCALE, reference=lambda x: True, misconceptions=())
    assert judge(truth, lambda x: x.sum() > 0).status == "right"
    assert judge(truth, lambda x: False).status == "wrong"
    assert "return True or False" in reason(lambda x: 1, truth)

    word = replace(SCALE, reference=lambda x: "max", misconceptions=())
    assert judge(word, lambda x: "max ").status == "right"
    assert "Yours is 'min', which is not right here" in reason(lambda x: "min", word)


def test_open_questions_take_any_answer_without_a_complaint():
    def complaint(answer, x):
        return None if bool((answer > x).all()) else "It is not larger."

    larger = replace(SCALE, reference=lambda x: x + 1, misconceptions=(), complaint=complaint)
    assert judge(larger, lambda x: x + 7).status == "right"
    assert reason(lambda x: x - 1, larger) == "It is not larger."
    assert "The shape is" in reason(lambda x: x.sum(), replace(larger))
