"""Several processes on one training: what they share, who writes, and what a death costs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from indexnet_edu.engine import Run, open_run
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_real_data")]

_TRAINING = (
    "indexnet_edu train reconstruction avgpool_nearest --profile smoke --resume "
    "--set epochs=4 --set checkpoint_every=2 --set log_every=1"
).split()


def start(*module: str | Path, processes: int = 2, restarts: int = 0) -> subprocess.Popen[str]:
    launcher = f"-m torch.distributed.run --standalone --nproc-per-node {processes}"
    command = [*launcher.split(), f"--max-restarts={restarts}", "-m", *map(str, module)]
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> str:
    try:
        output, errors = process.communicate(timeout=200)
    except subprocess.TimeoutExpired:
        for each in (*psutil.Process(process.pid).children(recursive=True), process):
            each.kill()
        raise
    assert process.returncode == 0, errors
    return output


def wait_for_checkpoint(folder: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 200
    while not list(folder.glob("checkpoints/step-*")):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An undisturbed run of two processes."""
    folder = tmp_path_factory.mktemp("pair") / "run"
    output = finish(start(*_TRAINING, "--out", folder))
    assert output.count("psnr_per_image") == 1  # one of them prints
    return open_run(folder)


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """Equal batches, also the last one of an epoch, which seven examples do not share evenly."""
    for processes in (1, 2):
        finish(start("tests.engine.toy", tmp_path / str(processes), processes=processes))
    one, two = (open_run(tmp_path / str(processes)) for processes in (1, 2))
    # Adam's first steps are all but signs of gradients, so that rounding shows; an example that is
    # left out or counted twice moves the loss by per cents.
    assert [p["loss"] for p in two.curve] == pytest.approx([p["loss"] for p in one.curve], rel=1e-3)
    assert two.metrics["seen"] == one.metrics["seen"] == 13  # every test example once
    assert two.metrics["mae"] == pytest.approx(one.metrics["mae"], rel=1e-3)
    assert two.environment["device"].startswith("2 × ")


def test_one_process_writes(pair: Run) -> None:
    assert [point["step"] for point in pair.curve] == list(range(1, 21))
    assert len(list((pair.folder / "tensorboard").iterdir())) == 1


def test_a_network_with_batch_statistics_stays_close(pair: Run, tmp_path: Path) -> None:
    """On the CPU each process normalises by its half of the batch: close, and not equal."""
    finish(start(*_TRAINING, "--out", tmp_path / "one", processes=1))
    one = open_run(tmp_path / "one")
    alone, together = ([point["loss"] for point in run.curve] for run in (one, pair))
    assert together[:2] == pytest.approx(alone[:2], rel=0.02)
    assert sum(together) == pytest.approx(sum(alone), rel=0.15)
    assert pair.metrics["psnr"] == pytest.approx(one.metrics["psnr"], abs=2)


def test_what_two_measured_one_measures_again(pair: Run, cli) -> None:
    again = cli("evaluate", pair.folder)
    assert f"psnr {pair.metrics['psnr']:.4f}" in again.stdout


def test_a_killed_process_is_replaced_and_nothing_is_lost(pair: Run, tmp_path: Path) -> None:
    process = start(*_TRAINING, "--out", tmp_path / "run", restarts=1)
    wait_for_checkpoint(tmp_path / "run", process)
    ranks = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if child.environ().get("LOCAL_RANK") == "1" and "indexnet_edu" in child.cmdline()
    ]
    assert len(ranks) == 1
    ranks[0].kill()
    finish(process)
    run = open_run(tmp_path / "run")
    assert run.curve == pair.curve
    assert run.weights.read_bytes() == pair.weights.read_bytes()


def test_a_schedulers_signal_reaches_all(pair: Run, tmp_path: Path) -> None:
    process = start(*_TRAINING, "--out", tmp_path / "run")
    wait_for_checkpoint(tmp_path / "run", process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=200)
    assert process.returncode != 0 and "add --resume to go on" in errors
    assert not Run(tmp_path / "run").finished
    finish(start(*_TRAINING, "--out", tmp_path / "run"))
    assert open_run(tmp_path / "run").weights.read_bytes() == pair.weights.read_bytes()
