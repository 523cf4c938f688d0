"""Training of a toy task: what a run folder holds, exact resume, and all that can go wrong."""

import dataclasses
import json
import os
import signal
from pathlib import Path

import pytest
import torch

from indexnet_edu.engine import (
    Batch,
    Mean,
    Recipe,
    Task,
    TaskData,
    evaluate_run,
    load_model,
    open_run,
    train,
)
from indexnet_edu.engine.randomness import epoch_order
from indexnet_edu.engine.stop import Stopped
from indexnet_edu.errors import UsageError, UserError
from tests.engine.toy import built_by, fed_by


def run_toy(toy: Task, folder: Path, **options: object):
    return train(toy, "plain", "smoke", folder, progress=False, **options)


def stop_at(toy: Task, step: int, signum: int = signal.SIGINT) -> Task:
    """The task, sending this process a signal while it computes the loss of a step."""
    calls = 0

    def loss(output: torch.Tensor, batch: Batch) -> Mean:
        nonlocal calls
        calls += 1
        if calls == step:
            os.kill(os.getpid(), signum)
        return toy.loss(output, batch)

    return dataclasses.replace(toy, loss=loss)


def test_a_run_folder_holds_everything(toy: Task, tmp_path: Path) -> None:
    run = run_toy(toy, tmp_path / "run", seed=4)
    assert run.finished and run.metrics["seen"] == 13 and run.metrics["steps"] == 12
    assert run.config["recipe"]["seed"] == 4 and run.config["data"]["name"] == "toy data"
    assert {"commit", "torch", "device", "python"} <= run.environment.keys()
    assert [point["step"] for point in run.curve] == list(range(1, 13))
    assert [round(point["lr"], 6) for point in run.curve] == [0.01] * 6 + [0.001] * 6
    assert run.curve[-1]["epoch"] == 3
    assert sorted(p.name for p in run.checkpoints.iterdir()) == ["step-00000010", "step-00000012"]


def test_training_learns_and_weights_are_those_that_were_measured(
    toy: Task, tmp_path: Path
) -> None:
    run = run_toy(toy, tmp_path / "run", overrides={"epochs": 60})
    assert run.curve[-1]["loss"] < 0.7 * run.curve[0]["loss"]
    assert evaluate_run(toy, run)["mae"] == pytest.approx(run.metrics["mae"])
    assert not load_model(toy, run).training


def test_two_runs_of_one_seed_are_equal_and_of_two_differ(toy: Task, tmp_path: Path) -> None:
    runs = [run_toy(toy, tmp_path / str(i), seed=seed) for i, seed in enumerate((1, 1, 2))]
    weights = [run.weights.read_bytes() for run in runs]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("step", [1, 4, 5, 11])
def test_interrupted_and_resumed_is_bit_identical(toy: Task, tmp_path: Path, step: int) -> None:
    whole = run_toy(toy, tmp_path / "whole")
    with pytest.raises(Stopped) as stopped:
        run_toy(stop_at(toy, step), tmp_path / "stopped")
    assert stopped.value.exit_code == 130 and f"step {step} of 12" in str(stopped.value)
    torch.manual_seed(99)  # what happened in between must not matter
    resumed = run_toy(toy, tmp_path / "stopped", resume=True)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    assert resumed.curve == whole.curve


def test_a_schedulers_signal_asks_to_be_queued_again(toy: Task, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped) as stopped:
        run_toy(stop_at(toy, 3, signal.SIGTERM), tmp_path / "run")
    assert stopped.value.exit_code == 75
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_damaged_checkpoint_costs_steps_but_not_the_result(toy: Task, tmp_path: Path) -> None:
    whole = run_toy(toy, tmp_path / "whole")
    with pytest.raises(Stopped):
        run_toy(stop_at(toy, 8), tmp_path / "run")
    newest = sorted((tmp_path / "run/checkpoints").iterdir())[-1]
    (newest / "weights.safetensors").write_bytes(b"torn")
    resumed = run_toy(toy, tmp_path / "run", resume=True)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    assert resumed.curve == whole.curve


def test_a_finished_run_is_returned_and_not_trained_again(toy: Task, tmp_path: Path) -> None:
    first = run_toy(toy, tmp_path / "run").metrics
    broken = built_by(toy, lambda *_: pytest.fail("trained again"))
    assert run_toy(broken, tmp_path / "run").metrics == first


def test_a_loss_that_turns_nan_stops_and_keeps_the_last_good_state(
    toy: Task, tmp_path: Path
) -> None:
    calls = 0

    def loss(output: torch.Tensor, batch: Batch) -> Mean:
        nonlocal calls
        calls += 1
        mean = toy.loss(output, batch)
        return Mean(mean.total * float("nan"), mean.count) if calls == 8 else mean

    with pytest.raises(UserError, match=r"loss is no longer finite at step 8.*step-00000005"):
        run_toy(dataclasses.replace(toy, loss=loss), tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert not run.finished
    assert run_toy(toy, tmp_path / "run", resume=True).metrics["steps"] == 12


def test_infinite_weights_are_never_saved(toy: Task, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weights are no longer finite at step 5"):
        run_toy(toy, tmp_path / "run", overrides={"lr": 1e30, "log_every": 100})
    assert not list((tmp_path / "run/checkpoints").glob("step-*"))


def test_other_settings_never_overwrite(toy: Task, tmp_path: Path) -> None:
    run = run_toy(toy, tmp_path / "run")
    before = {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()}
    for options in ({"seed": 1}, {"overrides": {"lr": 0.5}}):
        with pytest.raises(UsageError, match=r"other settings .*→.*another --out"):
            run_toy(toy, run.folder, **options)
    with pytest.raises(UsageError, match="variant 'plain' → 'other'"):
        train(toy, "other", "smoke", run.folder)

    def other_data(recipe: Recipe) -> TaskData:
        return dataclasses.replace(toy.load_data(recipe), checksum="1" * 64)

    with pytest.raises(UsageError, match="checksum"):
        run_toy(fed_by(toy, other_data), run.folder)
    assert before == {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()}


def test_an_unfinished_run_wants_resume(toy: Task, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run_toy(stop_at(toy, 3), tmp_path / "run")
    with pytest.raises(UsageError, match="add --resume"):
        run_toy(toy, tmp_path / "run")


def test_a_foreign_folder_is_left_alone(toy: Task, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="not empty and not a run folder"):
        run_toy(toy, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to"):
        run_toy(toy, tmp_path / "file" / "run")


def test_a_second_process_is_kept_out(toy: Task, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run_toy(stop_at(toy, 3), tmp_path / "run")
    with open_run(tmp_path / "run").locked(), pytest.raises(UserError, match="another process"):
        run_toy(toy, tmp_path / "run", resume=True)


def test_a_torn_last_line_of_the_curve_is_passed_over(toy: Task, tmp_path: Path) -> None:
    run = run_toy(toy, tmp_path / "run")
    with open(run.folder / "curve.jsonl", "a") as file:
        file.write('{"step": 13, "lo')
    assert [point["step"] for point in run.curve] == list(range(1, 13))


@pytest.mark.parametrize("content", [None, "{", json.dumps({"task": "toy"})[:-1]])
def test_what_is_no_run_folder_is_said_in_a_line(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"not a run folder|cannot be read"):
        print(open_run(tmp_path).config)


def test_weights_of_another_network_are_refused(toy: Task, tmp_path: Path) -> None:
    run = run_toy(toy, tmp_path / "run")
    other = built_by(toy, lambda *_: torch.nn.Linear(8, 8))
    with pytest.raises(UserError, match="does not fit this network"):
        load_model(other, run)


def test_unknown_names_list_the_valid_ones(toy: Task, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose one of its rows .plain, other."):
        train(toy, "plane", "smoke", tmp_path / "a")
    with pytest.raises(UsageError, match="choose from smoke, cpu, gpu"):
        train(toy, "plain", "tpu", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_an_epochs_order_is_a_permutation_of_its_own() -> None:
    orders = [epoch_order(seed, epoch, 50) for seed in (0, 1) for epoch in (0, 1)]
    assert all(torch.equal(order.sort().values, torch.arange(50)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert torch.equal(orders[0], epoch_order(0, 0, 50))
