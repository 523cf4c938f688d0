"""The toy of tests/toy_segmentation is registered and nothing else: everything works with it."""

import dataclasses
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from indexnet_edu.cli import main
from indexnet_edu.engine import Batch, Mean, Run, evaluate_run, open_run, train
from indexnet_edu.engine.checkpoint import load_weights
from indexnet_edu.engine.plan import Plan
from indexnet_edu.engine.stop import Stopped
from indexnet_edu.tasks import TASKS
from tests.conftest import ROOT
from tests.toy_segmentation import TOY, write_files


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    write_files(tmp_path / "data")
    monkeypatch.setenv("TOY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the processes of a sweep
    monkeypatch.setitem(TASKS, TOY.name, TOY)
    monkeypatch.chdir(tmp_path)


def test_it_trains_and_says_what_it_is(tmp_path: Path) -> None:
    run = train(TOY, "wider_unpooling", "cpu", tmp_path / "run", progress=False)
    assert run.config["network"] == "wide" and run.config["options"] == {"times": 3}
    assert run.config["recipe"]["data"] == "embedded"  # "auto" is resolved
    assert run.config["pretrained"] == {"name": "half a bias", "checksum": "b" * 64}
    assert run.metrics["accuracy"] > 0.5 and run.metrics["pixels"] < 4 * 64
    assert evaluate_run(TOY, run)["accuracy"] == run.metrics["accuracy"]
    rates = [point["lr"] for point in run.curve]
    assert rates == pytest.approx([0.05 * (1 - step / 6) ** 0.9 for step in range(6)])


def test_other_pairs_go_into_either_network(tmp_path: Path) -> None:
    run = train(TOY, "wide.m2o-linear", "cpu", tmp_path / "run", progress=False)
    assert run.config["network"] == "wide" and run.config["resampler"]["name"] == "indexnet"
    assert TOY.variant("conv_bilinear").network == "narrow"


@pytest.mark.parametrize("variant", ["unpooling", "wide_unpooling"])
@pytest.mark.parametrize("step", [1, 3, 4])
def test_stopped_and_resumed_is_bit_identical(tmp_path: Path, variant: str, step: int) -> None:
    whole = train(TOY, variant, "cpu", tmp_path / "whole", progress=False)

    def stop(point: dict) -> None:
        if point["step"] == step:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped):
        train(TOY, variant, "cpu", tmp_path / "run", progress=False, watch=stop)
    resumed = train(TOY, variant, "cpu", tmp_path / "run", progress=False, resume=True)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    assert resumed.curve == whole.curve


def test_the_backbone_learns_at_a_tenth(tmp_path: Path) -> None:
    """A step of plain SGD moves it a tenth as far as it would move without groups."""
    alike = dataclasses.replace(TOY.networks["wide"], groups=None)
    without = dataclasses.replace(TOY, networks=TOY.networks | {"wide": alike})
    one_step = {"epochs": 1, "batch_size": 8, "momentum": 0}
    moved = []
    for name, task in (("grouped", TOY), ("alike", without)):
        run = train(
            task, "wide_unpooling", "cpu", tmp_path / name, overrides=one_step, progress=False
        )
        after, plan = load_weights(run.weights), Plan.stored(task, run.folder, run.config)
        model = plan.build(torch.device("cpu"))
        plan.pretrained.load(model)
        moved.append({key: after[key] - value for key, value in model.state_dict().items()})
    grouped, whole = moved
    torch.testing.assert_close(grouped["head.weight"], whole["head.weight"])
    slow, fast = grouped["backbone.bias"], whole["backbone.bias"]
    torch.testing.assert_close(10 * slow, fast, rtol=1e-4, atol=1e-6)
    assert fast.abs().max() > 1e-4


def test_what_is_ignored_weighs_nothing() -> None:
    values = torch.tensor([1.0, 2.0, float("inf"), 5.0], requires_grad=True)
    mean = Mean.over(values, torch.tensor([True, True, False, False]))
    mean.value.backward()
    assert mean.value == 1.5 and values.grad.tolist() == [0.5, 0.5, 0, 0]
    nothing = Mean.over(values, torch.zeros(4, dtype=torch.bool))
    assert nothing.value == 0


def test_a_share_is_a_part_of_the_whole() -> None:
    split = TOY.load_data(TOY.profile("cpu")).train
    indices = torch.tensor([5, 0, 3])
    whole, share = split.batch(indices, 7), split.batch(indices, 7, slice(1, None, 2))
    assert isinstance(share, Batch)
    for part in ("x", "target", "valid"):
        assert torch.equal(getattr(share, part), getattr(whole, part)[1::2])


def test_the_command_line_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "toy_segmentation", "unpooling", "--out", "runs/a"]) == 0
    assert main(["train", "toy_segmentation", "wide_unpooling", "--out", "runs/b", "--seed=1"]) == 0

    def table(number: int) -> dict[str, list[int]]:
        capsys.readouterr()
        assert main(["table", str(number), "--records", "records", "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)
        return {row["variant"]: row["seeds"] for row in found["rows"]}

    assert table(21) == {"unpooling": [0]}  # the other network's rows are another table's
    assert table(22) == {"wide_unpooling": [1], "wider_unpooling": []}
    for name in "ab":  # whatever state the checkout is in that this test runs in
        file = tmp_path / f"runs/{name}/environment.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"commit": "0" * 40}))
    assert main(["record", "add", "runs/a", "runs/b", "--records", "records"]) == 0
    assert table(22) == {"wide_unpooling": [1], "wider_unpooling": []}
    pixels = np.full((20, 24), 40, np.uint8)
    pixels[4:12, 4:12] = 200
    Image.fromarray(pixels).save("own.png")
    assert main(["predict", "runs/a", "own.png"]) == 0
    assert Image.open("predicted/own.png").size == (24, 20)
    capsys.readouterr()
    assert main(["evaluate", "runs/a", "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)["metrics"]
    assert measured["accuracy"] == open_run("runs/a").metrics["accuracy"]


@pytest.mark.slow
def test_it_is_swept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["unpooling", "wide_unpooling"]
    given = ["--profile", "cpu", "--threads", "1", "--out", "sweep", "--set", "epochs=1"]
    assert main(["sweep", "toy_segmentation", "--variants", *rows, *given]) == 0
    runs = [Run(tmp_path / "sweep" / f"{row}-seed0") for row in rows]
    assert [run.metrics["steps"] for run in runs] == [3, 3]
    assert [run.config["network"] for run in runs] == ["narrow", "wide"]
