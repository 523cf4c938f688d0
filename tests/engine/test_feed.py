"""The feed: the same batches from threads, in order, and an end that leaves nothing behind."""

import dataclasses
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from indexnet_edu.engine import ALL, Batch, Recipe, Task, TaskData, train
from indexnet_edu.engine.device import accelerator
from indexnet_edu.engine.feed import feed
from indexnet_edu.engine.fit import evaluate
from indexnet_edu.errors import UserError
from tests.engine.toy import ToySplit, fed_by, toy_data

CPU = torch.device("cpu")


class Watched(ToySplit):
    """Notes the seeds it is asked with, in ``asked``; fails at those in ``bad``."""

    asked: list[int]
    bad: set[int]

    @classmethod
    def toy(cls, bad: set[int] = frozenset()) -> "Watched":  # type: ignore[assignment]
        split = cls(toy_data(Recipe()).train.x)
        object.__setattr__(split, "asked", [])
        object.__setattr__(split, "bad", bad)
        return split

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        self.asked.append(seed)
        if len(self.asked) in self.bad:
            raise OSError("a damaged file")
        return super().batch(indices, seed, share)

    def to(self, device: torch.device) -> "Watched":
        return self


def recipe(**changes: object) -> Recipe:
    return dataclasses.replace(Recipe(epochs=3, batch_size=10, seed=4), **changes)


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_make_the_same_batches_in_the_same_order(workers: int) -> None:
    split = Watched.toy()
    alone, ahead = (
        list(feed(split, recipe(workers=count), range(2, 12), CPU)) for count in (0, workers)
    )
    assert len(alone) == len(ahead) == 10
    for (a, counts), (b, also) in zip(alone, ahead, strict=True):
        assert torch.equal(a.x, b.x) and torch.equal(a.target, b.target) and counts is also is True


def test_threads_train_the_same_weights(toy: Task, tmp_path: Path) -> None:
    runs = [
        train(toy, "plain", "smoke", tmp_path / str(workers), overrides={"workers": workers},
              progress=False)
        for workers in (0, 2)
    ]  # fmt: skip
    assert runs[0].weights.read_bytes() == runs[1].weights.read_bytes()
    assert runs[0].curve == runs[1].curve


def test_an_epoch_shows_each_example_once_and_shares_are_parts() -> None:
    split = ToySplit(torch.arange(37.0)[:, None])
    seen = [b.target / 2 for b, _ in feed(split, recipe(), range(4, 8), CPU)]  # the second epoch
    assert sorted(torch.cat(seen)[:, 0].tolist()) == list(range(37))
    for rank in range(3):
        shares = feed(split, recipe(), range(4, 8), CPU, rank, 3)
        for whole, (share, counts) in zip(seen, shares, strict=True):
            assert counts and torch.equal(share.target / 2, whole[rank::3])


def test_a_process_without_an_example_runs_along() -> None:
    split = ToySplit(torch.arange(37.0)[:, None])
    batches = feed(split, recipe(batch_size=2), range(1), CPU, 2, 3)
    ((batch, counts),) = batches
    assert len(batch) == 1 and not counts


def test_no_two_steps_have_the_same_noise() -> None:
    split, again, other = Watched.toy(), Watched.toy(), Watched.toy()
    list(feed(split, recipe(), range(12), CPU))
    list(feed(again, recipe(), range(5, 12), CPU))  # as a resumed training asks
    list(feed(other, recipe(seed=5), range(12), CPU))
    assert len({*split.asked, *other.asked}) == 24 and again.asked == split.asked[5:]


def test_test_noise_belongs_to_its_batch(toy: Task) -> None:
    split = Watched.toy()
    evaluate(torch.nn.Identity(), toy, split, recipe(eval_batch_size=10), accelerator())
    assert split.asked == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_fails_raises_in_the_loop(toy: Task, tmp_path: Path, workers: int) -> None:
    split, before = Watched.toy({8}), threading.active_count()
    batches = feed(split, recipe(workers=workers), range(12), CPU)
    with pytest.raises(UserError, match="cannot be read .a damaged file."):
        for _ in range(12):
            next(batches)
    assert threading.active_count() == before


def test_a_loop_that_ends_early_stops_the_threads() -> None:
    split, before = Watched.toy(), threading.active_count()
    batches = feed(split, recipe(workers=2, epochs=100), range(400), CPU)
    for _ in range(3):
        next(batches)
    batches.close()
    assert threading.active_count() == before and len(split.asked) <= 3 + 4


def test_batches_that_nobody_waits_for_are_not_begun() -> None:
    begun, going = list[int](), threading.Event()

    class Slow(ToySplit):
        def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
            begun.append(seed)
            if len(begun) > 1:
                going.wait(10)
            return super().batch(indices, seed, share)

    batches = feed(Slow(toy_data(Recipe()).train.x), recipe(workers=1), range(12), CPU)
    next(batches)
    while len(begun) < 2:  # its only thread is at the second one, the third is in the queue
        time.sleep(0.01)
    threading.Timer(0.3, going.set).start()
    batches.close()
    assert len(begun) == 2


def test_a_run_whose_data_fail_can_be_resumed(toy: Task, tmp_path: Path) -> None:
    good, bad = Watched.toy(), Watched.toy({8})

    def load(split: Watched) -> Task:
        return fed_by(toy, lambda recipe: TaskData("toy", "0", split, split))

    with pytest.raises(UserError, match="cannot be read .*damaged.*--resume"):
        train(load(bad), "plain", "smoke", tmp_path / "run", progress=False)
    resumed = train(load(good), "plain", "smoke", tmp_path / "run", resume=True, progress=False)
    whole = train(load(good), "plain", "smoke", tmp_path / "whole", progress=False)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()


def test_test_data_that_fail_are_said_to_be_data(toy: Task) -> None:
    with pytest.raises(UserError, match="cannot be read .a damaged file."):
        evaluate(torch.nn.Identity(), toy, Watched.toy({1}), recipe(), accelerator())
