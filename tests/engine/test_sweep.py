"""Sweeps as processes: what is planned and refused, and that nothing that dies costs a result."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from indexnet_edu.engine.sweep import Cell, Sweep, SweepPlan, count_states, seconds_left
from indexnet_edu.errors import UsageError
from indexnet_edu.files import write_json
from tests.conftest import ROOT

Cli = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.usefixtures("no_real_data"), pytest.mark.slow]

#: Two cells that train for seconds, long enough to be caught at it, and save often.
TWO = ["--variants", "maxpool_maxunpool", "o2o_modelwise-linear"]
SHORT = ["--set", "train_images=40", "--set", "batch_size=10", "--set", "test_images=50"]
LONG = [*SHORT, "--set", "epochs=15"]  # 60 steps, a checkpoint every 5


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "indexnet_edu", "sweep", *map(str, arguments)]


def start(out: Path, *more: object) -> list[str]:
    return ["reconstruction", "--profile", "smoke", "--threads", "1", "--out", str(out),
            *map(str, more)]  # fmt: skip


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a sweep in the background; what is left of it is killed in the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                command(*arguments), cwd=ROOT, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )  # fmt: skip
        return started[-1]

    yield run
    for process in started:
        kill_all(process.pid)


def kill_all(pid: int) -> None:
    """SIGKILL for a process and all that it started, as when a machine goes down."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(family, timeout=10)


def wait_for(what: Callable[[], Any], seconds: float = 120) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
    return found


def wait_for_checkpoint(out: Path) -> Path:
    """The run folder of the first cell that has saved a checkpoint and is not at its end."""
    return wait_for(lambda: next(iter(out.glob("*-seed*/checkpoints/step-*")), None)).parent.parent


def worker_of(starter: subprocess.Popen[str]) -> psutil.Process:
    family = psutil.Process(starter.pid).children(recursive=True)
    (found, *_) = [p for p in family if "submitit.core._submit" in p.cmdline()]
    return found


def status(cli: Cli, out: Path) -> dict[str, Any]:
    result = cli("sweep", "status", out, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def weights(out: Path) -> dict[str, bytes]:
    return {p.parent.name: p.read_bytes() for p in out.glob("*-seed*/weights.safetensors")}


@pytest.fixture(scope="module")
def undisturbed(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The weights of the two long cells, each trained by ``train`` alone."""
    out = tmp_path_factory.mktemp("undisturbed")
    for variant in TWO[1:]:
        result = cli(
            "train", "reconstruction", variant, "--profile", "smoke", "--out",
            out / f"{variant}-seed0", *LONG, "--threads", 1,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    return weights(out)


def test_a_sweep_from_start_to_end(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    first = start(out, "--families", "m2o", "holistic", "--modes", "linear", *SHORT)
    done = cli("sweep", *first, "--json", "--workers", 2)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["counts"] == {"done": 2, "running": 0, "failed": 0, "to do": 0}
    assert [row["cell"] for row in report["cells"]] == ["m2o-linear-seed0", "holistic-linear-seed0"]
    assert all(row["seconds"] > 0 for row in report["cells"])

    stamps = {p: p.stat().st_mtime_ns for p in out.glob("*-seed*/*")}
    more = cli("sweep", "start", *first, "--seeds", 1)  # one more seed: the plan grows
    assert more.returncode == 0, more.stderr
    assert "4 done" in more.stdout and re.search(r"m2o +2/2", more.stdout)
    assert stamps == {p: p.stat().st_mtime_ns for p in stamps}  # what was there was not done again

    log = cli("sweep", "log", out, "m2o-linear-seed1")
    assert "done: psnr" in log.stdout
    assert json.loads(cli("sweep", "log", out, "m2o-linear-seed1", "--json").stdout)["log"]
    table = json.loads(cli("table", 3, "--runs", out, "--json", "--records", tmp_path).stdout)
    rows = {row["variant"]: row["seeds"] for row in table[0]["rows"]}
    assert rows["m2o-linear"] == rows["holistic-linear"] == [0, 1]

    other = cli("sweep", *first, "--set", "lr=0.5")
    assert other.returncode == 2 and "other settings" in other.stderr
    assert len(other.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["reconstruct", "--out", "x"], 2, ["choose from reconstruction"]),
        (
            ["reconstruction", "--out", "x", "--families", "m2o", "m3o", "--modes", "cubic",
             "--profile", "huge", "--set", "epoch=3", "--set", "lr=fast", "--seeds", "-1"],
            2,
            ["families m3o", "modes cubic", "profile huge", "setting 'epoch'", "lr takes float",
             "seed must be 0 to"],
        ),
        (["reconstruction", "--out", "x", "--variants", "m2o", "indexed_m2o", "m3o-linear"], 2,
         ["variant 'm2o'", "'m3o-linear' neither", "FAMILY-MODE"]),
        (["reconstruction", "--out", "x", "--variants", "indexed_m2o", "--modes", "linear"], 2,
         ["say nothing more"]),
        (["reconstruction", "--out", "x", "--set", "seed=3"], 2, ["--seeds"]),
        (["reconstruction", "--out", "x", "--workers", "0"], 2, ["at least 1"]),
        (["reconstruction", "--out", "x", "--slurm", "time=3"], 2, ["--executor slurm"]),
        (["reconstruction", "--out", "x", "--executor", "slurm", "--slurm", "time"], 2,
         ["--slurm takes name=value"]),
        (["reconstruction", "--out", "x", "--executor", "slurm", "--slurm", "gpu=1"], 2,
         ["does not know gpu", "gpus_per_node"]),
        (["reconstruction", "--out", "x", "--executor", "slurm", "--slurm", "time=02:00:00"], 2,
         ["time is in minutes"]),
        (["status", "nowhere"], 1, ["not a sweep"]),
        (["log", "nowhere", "a-seed0"], 1, ["not a sweep"]),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_leaves_nothing(
    cli: Cli, tmp_path: Path, arguments: list[str], code: int, says: list[str]
) -> None:
    result = cli("sweep", *arguments, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert len(result.stderr.splitlines()) == 1 and result.stdout == ""
    for text in says:
        assert text in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_foreign_folder_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    result = cli("sweep", *start(tmp_path, *TWO, *SHORT))
    assert result.returncode == 2 and "not empty and no sweep" in result.stderr
    assert not (tmp_path / "sweep.json").exists()


def test_a_machine_that_goes_down_costs_nothing_but_time(
    cli: Cli, spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path,
    undisturbed: dict[str, bytes],
) -> None:  # fmt: skip
    out = tmp_path / "sweep"
    starter = spawn(*start(out, *TWO, *LONG, "--workers", 1))
    cell = wait_for_checkpoint(out)
    states = {row["cell"]: row["state"] for row in Sweep(out).rows()}
    assert states.pop(cell.name) == "running" and list(states.values()) == ["to do"]

    kill_all(starter.pid)
    report = status(cli, out)
    assert report["counts"]["running"] == report["counts"]["failed"] == 0
    assert report["counts"]["to do"] >= 1

    again = cli("sweep", *start(out, *TWO, *LONG, "--workers", 2))
    assert again.returncode == 0, again.stdout + again.stderr
    assert weights(out) == undisturbed


@pytest.mark.parametrize("alone", [True, False], ids=["worker", "worker and cell"])
def test_what_a_dead_worker_leaves_is_taken_up(
    spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path, undisturbed: dict[str, bytes],
    alone: bool,
) -> None:  # fmt: skip
    """Its cell, if it is still there, saves; if not, its last checkpoint counts."""
    out = tmp_path / "sweep"
    starter = spawn(*start(out, *TWO, *LONG))
    cell = wait_for_checkpoint(out)
    worker = worker_of(starter)
    worker.kill() if alone else kill_all(worker.pid)
    output, errors = starter.communicate(timeout=300)
    assert starter.returncode == 0, output + errors
    assert weights(out) == undisturbed
    assert (out / "logs" / f"{cell.name}.log").read_text().count(" on ") >= 1


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_stop_saves_the_state(
    cli: Cli, spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path, signum: int, code: int,
    undisturbed: dict[str, bytes],
) -> None:  # fmt: skip
    out = tmp_path / "sweep"
    starter = spawn(*start(out, *TWO, *LONG))
    wait_for_checkpoint(out)
    starter.send_signal(signum)
    _, errors = starter.communicate(timeout=120)
    assert starter.returncode == code
    assert "the same command goes on" in errors and "Traceback" not in errors
    counts = status(cli, out)["counts"]
    assert counts["to do"] >= 1 and counts["failed"] == counts["running"] == 0
    assert cli("sweep", *start(out, *TWO, *LONG)).returncode == 0
    assert weights(out) == undisturbed


def test_a_job_that_is_queued_again_goes_on(
    spawn: Callable[..., subprocess.Popen[str]], tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """SIGUSR2 is what SLURM sends before it takes the machine away."""
    out = tmp_path / "sweep"
    starter = spawn(*start(out, *TWO, *LONG))
    cell = wait_for_checkpoint(out)
    worker_of(starter).send_signal(signal.SIGUSR2)
    output, errors = starter.communicate(timeout=300)
    assert starter.returncode == 0, output + errors
    assert weights(out) == undisturbed
    assert "state kept" in (out / "logs" / f"{cell.name}.log").read_text()
    assert "Requeued job" in "".join(p.read_text() for p in (out / "jobs").glob("*_log.*"))


def test_a_failed_cell_stops_no_other_and_can_be_tried_again(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    assert cli("sweep", *start(out, TWO[0], TWO[1], *SHORT)).returncode == 0
    foreign = out / f"{TWO[2]}-seed0" / "thesis.tex"
    foreign.parent.mkdir()
    foreign.write_text("years of work")
    both = start(out, *TWO, "m2o-linear", *SHORT)
    result = cli("sweep", *both)
    assert result.returncode == 1
    assert f"failed: {TWO[2]}-seed0: " in result.stdout and "not a run folder" in result.stdout
    assert status(cli, out)["counts"] == {"done": 2, "running": 0, "failed": 1, "to do": 0}
    assert "not a run folder" in cli("sweep", "log", out, f"{TWO[2]}-seed0").stdout

    foreign.unlink()
    assert cli("sweep", *both).returncode == 1  # a failed cell is left until it is asked for
    failed = next(row for row in status(cli, out)["cells"] if row["state"] == "failed")
    assert failed["attempts"] == 1
    again = cli("sweep", *both, "--retry-failed")
    assert again.returncode == 0 and "3 done" in again.stdout


def test_training_that_diverges_is_a_failure_with_its_reason(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    given = start(out, *TWO, *SHORT, "--set", "lr=1e30", "--set", "epochs=3")
    for attempts in (1, 2):
        result = cli("sweep", *given, "--retry-failed", "--json")
        assert result.returncode == 1
        report = json.loads(result.stdout)
        assert report["counts"]["failed"] == 2
        for row in report["cells"]:
            assert "no longer finite" in row["reason"] and row["attempts"] == attempts


def test_a_crash_is_that_cells_failure_alone(
    spawn: Callable[..., subprocess.Popen[str]], cli: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "sweep"
    starter = spawn(*start(out, *TWO, *LONG))
    cell = wait_for_checkpoint(out)
    pid = re.search(r"process (\d+)", (out / "logs" / f"{cell.name}.log").read_text())
    assert pid
    os.kill(int(pid[1]), signal.SIGKILL)
    output, errors = starter.communicate(timeout=300)
    assert starter.returncode == 1, output + errors
    states = {row["cell"]: row for row in status(cli, out)["cells"]}
    assert "killed by SIGKILL" in states.pop(cell.name)["reason"]
    assert [row["state"] for row in states.values()] == ["done"]


@pytest.fixture
def slurm(tmp_path: Path) -> Path:
    """A cluster of three scripts: ``sbatch`` keeps what it is given, ``srun`` runs a program,
    ``scontrol`` notes what it was asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {
        "sbatch": f'cp "$1" {folder}/script && echo "Submitted batch job 7"',
        "srun": 'while [ "$1" != "$PYTHON" ]; do shift; done; exec "$@"',
        "scontrol": f'echo "$@" >> {folder}/asked',
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def run_job(slurm: Path, number: int) -> subprocess.Popen[bytes]:
    """What SLURM does with one job of the array."""
    environment = {
        **os.environ, "PATH": f"{slurm}:{os.environ['PATH']}", "PYTHON": sys.executable,
        "SLURM_JOB_ID": str(70 + number), "SLURM_ARRAY_JOB_ID": "7",
        "SLURM_ARRAY_TASK_ID": str(number),
    }  # fmt: skip
    return subprocess.Popen(["bash", str(slurm / "script")], cwd=ROOT, env=environment)


def test_slurm_gets_one_array_that_is_queued_again(
    cli: Cli, slurm: Path, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    out = tmp_path / "sweep"
    given = start(
        out, *TWO, *LONG, "--executor", "slurm", "--workers", 8, "--slurm", "time=30",
        "partition=gpu", "gpus_per_node=1", "mem=8GB",
    )  # fmt: skip
    path = f"{slurm}:{os.environ['PATH']}"
    queued = cli("sweep", *given, "--json", PATH=path)
    assert queued.returncode == 0, queued.stderr
    assert json.loads(queued.stdout)["jobs"] == ["7_0", "7_1"]  # two cells need no eight workers
    script = (slurm / "script").read_text()
    for line in (
        "--array=0-1%2", "--requeue", "--signal=USR2@90", "--time=30", "--partition=gpu",
        "--gpus-per-node=1", "--mem=8GB", "--cpus-per-task=1", "--job-name=indexnet-sweep",
    ):  # fmt: skip
        assert f"#SBATCH {line}" in script

    first = run_job(slurm, 0)
    try:
        cell = wait_for_checkpoint(out)
        (worker,) = [
            p
            for p in [psutil.Process(first.pid), *psutil.Process(first.pid).children(True)]
            if "submitit.core._submit" in p.cmdline() and p.cmdline()[0] == sys.executable
        ]
        worker.send_signal(signal.SIGUSR2)
        first.wait(timeout=60)
        assert (slurm / "asked").read_text().split() == ["requeue", "7_0"]
        assert "state kept" in (out / "logs" / f"{cell.name}.log").read_text()
        for number in (0, 1):
            assert run_job(slurm, number).wait(timeout=300) == 0
    finally:
        kill_all(first.pid)
    assert weights(out) == undisturbed
    assert "nothing is to do" in cli("sweep", *given, PATH=path).stdout


def test_what_slurm_would_get_can_be_seen_anywhere(cli: Cli, tmp_path: Path) -> None:
    given = start(tmp_path / "sweep", *TWO, *SHORT, "--executor", "slurm", "--workers", 512,
                  "--slurm", "setup=module load cuda")  # fmt: skip
    shown = cli("sweep", *given, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "#SBATCH --array=0-511%512" in shown.stdout
    assert "\nmodule load cuda\n" in shown.stdout and "maxpool_maxunpool-seed0" in shown.stdout
    as_json = json.loads(cli("sweep", *given, "--dry-run", "--json").stdout)
    assert as_json["script"] in shown.stdout and len(as_json["cells"]) == 2
    assert not (tmp_path / "sweep").exists()
    really = cli("sweep", *given, PATH="/nowhere")
    assert really.returncode == 1 and "no srun here" in really.stderr


def plan(*seeds: int, **changes: Any) -> SweepPlan:
    cells = tuple(Cell(v, seed) for v in ("m2o-linear", "conv_deconv") for seed in seeds)
    shared = {"task": "t", "profile": "smoke", "overrides": {}, "data": {"name": "d"}}
    return SweepPlan(**{**shared, "cells": cells, **changes})


def test_a_plan_grows_and_never_changes(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "sweep")
    sweep.adopt(plan(0))
    sweep.adopt(plan(1, 0))
    assert [cell.name for cell in sweep.plan.cells] == [
        "m2o-linear-seed0", "conv_deconv-seed0", "m2o-linear-seed1", "conv_deconv-seed1"
    ]  # fmt: skip
    sweep.adopt(plan(0))
    assert len(sweep.plan.cells) == 4
    with pytest.raises(UsageError, match="profile smoke → gpu.*another --out"):
        sweep.adopt(plan(0, profile="gpu"))


def test_a_claim_is_one_processs_and_ends_with_it(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "sweep")
    sweep.adopt(plan(0))
    cell = sweep.plan.cells[0]
    holder = (
        "import sys, time; from pathlib import Path; from indexnet_edu.engine.sweep import Sweep\n"
        "sweep = Sweep(Path(sys.argv[1]))\n"
        "with sweep.claimed(sweep.plan.cells[0]) as mine:\n"
        "    print(mine, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(sweep.folder)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "True\n"
    assert sweep.state(cell) == "running"
    with sweep.claimed(cell) as mine:
        assert not mine
    process.kill()
    process.communicate()
    assert sweep.state(cell) == "to do"


def test_the_state_of_a_thousand_cells_takes_seconds(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path / "sweep")
    sweep.adopt(plan(*range(500)))
    for number, cell in enumerate(sweep.plan.cells):
        folder = sweep.folder / cell.name
        folder.mkdir()
        (folder / ".claim").touch()
        if number % 2:
            write_json(folder / "metrics.json", {"seconds": 2.0})
        elif number % 10 == 0:
            sweep.fail(cell, "for a reason")
    began = time.monotonic()
    counts = count_states(sweep.rows())
    assert time.monotonic() - began < 5
    assert counts == {"done": 500, "running": 0, "failed": 100, "to do": 400}


def test_the_time_left_is_the_rest_over_the_workers() -> None:
    def row(variant: str, state: str, seconds: float | None = None) -> dict[str, Any]:
        return {"variant": variant, "state": state, "seconds": seconds}

    rows = [row("a", "done", 10.0), row("a", "done", 30.0), row("b", "done", 80.0)]
    assert seconds_left(rows) is None
    rows += [row("a", "running"), row("b", "running")]
    assert seconds_left(rows) == pytest.approx((20 / 2 + 80 / 2) / 2)
    rows += [row("a", "to do"), row("c", "to do"), row("b", "failed")]
    assert seconds_left(rows) == pytest.approx((20 / 2 + 80 / 2 + 20 + 40) / 2)
