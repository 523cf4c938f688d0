"""What a training can be told: threads, determinism, compilation, measuring and watching."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from indexnet_edu.engine import Recipe, Task, estimate, train
from indexnet_edu.engine.checkpoint import load_weights
from indexnet_edu.engine.device import determinism, require_compiler, use_threads
from indexnet_edu.errors import UsageError, UserError
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION
from tests.engine.toy import built_by, plain_model


def run_toy(toy: Task, folder: Path, **options: object):
    return train(toy, "plain", "smoke", folder, progress=False, **options)


def test_the_curve_is_measured_on_the_way_and_training_does_not_notice(
    toy: Task, tmp_path: Path
) -> None:
    plain = run_toy(toy, tmp_path / "plain")
    measured = run_toy(toy, tmp_path / "measured", overrides={"evaluate_every": 5, "log_every": 4})
    assert [p["step"] for p in measured.curve] == [4, 5, 8, 10, 12]
    assert [p["step"] for p in measured.curve if "mae" in p] == [5, 10]
    assert measured.weights.read_bytes() == plain.weights.read_bytes()
    assert all(p["seen"] == 13 for p in measured.curve if "mae" in p)


def normalised_model(resampler: None, recipe: Recipe) -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (2, 4)), nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(8, 8))


def test_frozen_normalisation_learns_with_the_statistics_it_is_tested_with(
    toy: Task, tmp_path: Path
) -> None:
    task = built_by(toy, normalised_model)
    overrides = {"norm_frozen_from": 0.5, "evaluate_every": 7, "checkpoint_every": 6}
    run = run_toy(task, tmp_path / "run", overrides=overrides)
    half, end = (
        load_weights(run.checkpoints / step / "weights.safetensors")
        for step in ("step-00000006", "step-00000012")
    )
    statistics = {name for name in end if "running" in name or "tracked" in name}
    assert len(statistics) == 3 and end["1.num_batches_tracked"] == 6
    for name in end:
        assert torch.equal(half[name], end[name]) == (name in statistics)


@pytest.mark.parametrize("fraction", [1, 1.5, -0.5])
def test_a_fraction_is_from_0_to_below_1(fraction: float) -> None:
    with pytest.raises(UsageError, match="from 0 to below 1"):
        Recipe(norm_frozen_from=fraction)


def test_tensorboard_reads_the_same_curve(toy: Task, tmp_path: Path) -> None:
    run = run_toy(toy, tmp_path / "run", overrides={"evaluate_every": 6})
    board = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    for name in ("loss", "lr", "mae"):
        shown = [(event.step, event.value) for event in board.Scalars(name)]
        assert shown == [(p["step"], pytest.approx(p[name])) for p in run.curve if name in p]


def test_a_watcher_sees_every_point(toy: Task, tmp_path: Path) -> None:
    seen: list[dict] = []
    run = run_toy(toy, tmp_path / "run", watch=seen.append)
    assert seen == run.curve


def test_threads_are_set_and_said(toy: Task, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        run = run_toy(toy, tmp_path / "run", threads=1)
        assert "1 thread)" in run.environment["device"]
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [0, -1, 100_000])
def test_more_threads_than_cores_are_refused(threads: int) -> None:
    with pytest.raises(UsageError, match="the cores of this machine"):
        use_threads(threads)


def test_determinism_ends_with_the_training(toy: Task, tmp_path: Path) -> None:
    during = []

    def watch(point: dict) -> None:
        during.append(torch.are_deterministic_algorithms_enabled())

    run_toy(toy, tmp_path / "run", overrides={"deterministic": True}, watch=watch)
    assert all(during) and not torch.are_deterministic_algorithms_enabled()


@pytest.mark.slow
@pytest.mark.parametrize("variant", RECONSTRUCTION.variants)
def test_every_row_trains_where_pytorch_refuses_what_may_not_repeat(variant: str) -> None:
    model = RECONSTRUCTION.build_model(
        RECONSTRUCTION.variant(variant), RECONSTRUCTION.profile("smoke")
    )
    with determinism(True):
        model(torch.rand(2, 1, 16, 16)).sum().backward()


def test_compilation_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r"needs a C\+\+ compiler"):
        require_compiler()


@pytest.mark.slow
def test_a_compiled_training_is_close_to_an_eager_one(toy: Task, tmp_path: Path) -> None:
    try:
        require_compiler()
    except UsageError:
        pytest.skip("torch.compile needs a C++ compiler and finds none")
    plain = built_by(toy, plain_model)  # dropout draws otherwise compiled
    eager = run_toy(plain, tmp_path / "eager")
    compiled = run_toy(plain, tmp_path / "compiled", overrides={"compile": "default"})
    for a, b in zip(eager.curve, compiled.curve, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
    assert compiled.metrics["mae"] == pytest.approx(eager.metrics["mae"], rel=1e-4)


def test_an_estimate_writes_nothing_and_says_what_it_would_take(toy: Task, tmp_path: Path) -> None:
    cost = estimate(toy, "plain", "smoke", tmp_path / "run")
    assert not list(tmp_path.iterdir())
    assert cost.steps == 12 and cost.parameters == 8 * 16 + 16 + 16 * 8 + 8
    assert cost.seconds_training == pytest.approx(12 * cost.seconds_per_step)
    assert 0 < cost.batch_share < 1
    assert cost.obstacle is None and cost.as_dict()["fits"]
    assert "12 of" in str(cost) and "toy data" in str(cost)


def test_an_estimate_bounds_the_run_folder(toy: Task, tmp_path: Path) -> None:
    """The weights and the checkpoints, of which one more may be there while it is written."""
    cost = estimate(toy, "plain", "smoke", tmp_path / "run")
    run = run_toy(toy, tmp_path / "run")
    numbers = 4 * cost.parameters  # bytes
    assert cost.disk == (3 * 3 + 1) * numbers
    assert run.weights.stat().st_size >= numbers


def test_what_does_not_fit_is_said(toy: Task, tmp_path: Path) -> None:
    cost = estimate(toy, "plain", "smoke", tmp_path / "run")
    full = dataclasses.replace(cost, disk_free=10)
    assert "another --out" in full.obstacle and not full.as_dict()["fits"]
    small = dataclasses.replace(cost, memory_free=10)
    assert "smaller batch_size" in small.obstacle and "no: " in str(small)

    def too_large(*_: object) -> torch.nn.Module:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(UserError, match="10 examples does not fit.*smaller batch_size"):
        broken = dataclasses.replace(toy, loss=too_large)
        run_toy(broken, tmp_path / "run")
    with pytest.raises(UserError, match="does not fit"):
        estimate(broken, "plain", "smoke", tmp_path / "other")
