"""Several named test sets: each is measured for itself, under its name."""

import dataclasses
from pathlib import Path

import torch

from indexnet_edu.engine import Recipe, Task, TaskData, estimate, evaluate_run, train
from tests.engine.toy import ToySplit, fed_by, toy_data


def two_sets(recipe: Recipe) -> TaskData:
    x = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))
    return dataclasses.replace(toy_data(recipe), test={"a": ToySplit(x[:13]), "b": ToySplit(x)})


def test_each_set_is_measured_under_its_name(toy: Task, tmp_path: Path) -> None:
    task = fed_by(toy, two_sets)
    run = train(
        task, "plain", "smoke", tmp_path, overrides={"evaluate_every": 6, "eval_batch_size": 4},
        progress=False,
    )  # fmt: skip
    assert (run.metrics["a_seen"], run.metrics["b_seen"]) == (13, 20)
    assert run.metrics["a_mae"] != run.metrics["b_mae"]
    assert task.main_figure(run.metrics) == run.metrics["a_mae"]
    assert evaluate_run(task, run).items() <= run.metrics.items()
    assert [point["step"] for point in run.curve if "b_mae" in point] == [6, 12]


def test_one_set_has_no_name(toy: Task, tmp_path: Path) -> None:
    run = train(toy, "plain", "smoke", tmp_path, progress=False)
    assert run.metrics["seen"] == 13 and toy.main_figure(run.metrics) == run.metrics["mae"]


def test_all_sets_are_part_of_an_estimate(toy: Task) -> None:
    task = fed_by(toy, two_sets)
    assert estimate(task, "plain", "smoke").seconds_testing > 0
