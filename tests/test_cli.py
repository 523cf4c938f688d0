"""The command line as a process: what it prints, and one line for every mistake."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

Cli = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.usefixtures("no_real_data")


def refused(result: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    """One line on stderr, no traceback, nothing on stdout."""
    assert result.returncode == code, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("indexnet-edu: "), result.stderr
    assert result.stdout == ""
    for text in says:
        assert text in lines[0]


def train_smoke(cli: Cli, out: Path, variant: str, *more: object) -> dict:
    result = cli("train", "reconstruction", variant, "--profile", "smoke", "--out", out,
                 "--json", *more)  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_from_training_to_the_table(cli: Cli, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for seed in (0, 1):
        done = train_smoke(cli, runs / f"max-{seed}", "maxpool_maxunpool", "--seed", seed)
        assert done["metrics"]["steps"] == 5 and done["config"]["recipe"]["seed"] == seed
    train_smoke(cli, runs / "other", "maxpool_maxunpool", "--set", "train_images=200")

    again = cli("evaluate", runs / "max-1", "--json")
    measured = json.loads(again.stdout)["metrics"]
    assert all(measured[k] == pytest.approx(done["metrics"][k], rel=1e-4) for k in measured)

    given = ("table", 3, "--runs", runs, "--records", tmp_path)
    tables = json.loads(cli(*given, "--json").stdout)
    assert len(tables) == 2  # 500 and 200 training images are not compared
    rows = {row["variant"]: row for row in tables[0]["rows"]}
    assert len(rows) == 9 and rows["maxpool_maxunpool"]["seeds"] == [0, 1]
    assert rows["maxpool_maxunpool"]["paper"]["psnr"] == 29.33
    assert rows["indexed_m2o"]["ours"]["psnr"] is None
    assert "train images 500 instead of all" in tables[0]["departs_from_the_paper"]

    text = cli(*given).stdout
    assert "500 training and 100 test images" in text and "±" in text and "48.37" in text
    assert max(map(len, text.splitlines()[3:])) <= 140


def test_a_finished_run_is_not_trained_again(cli: Cli, tmp_path: Path) -> None:
    first = train_smoke(cli, tmp_path / "run", "avgpool_nearest")
    assert train_smoke(cli, tmp_path / "run", "avgpool_nearest") == first


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["train", "reconstruct", "indexed_m2o"], 2, ["choose from reconstruction"]),
        (["train", "reconstruction", "m2o"], 2, ["avgpool_nearest", "indexed_m2o"]),
        (["train", "reconstruction", "indexed_m2o", "--profile", "big"], 2, ["smoke, cpu, gpu"]),
        (["train", "reconstruction", "indexed_m2o", "--set", "lr"], 2, ["name=value"]),
        (["train", "reconstruction", "indexed_m2o", "--set", "rate=1"], 2, ["epochs"]),
        (["train", "reconstruction", "indexed_m2o", "--seed", "-1"], 2, ["seed"]),
        (["train", "reconstruction", "indexed_m2o", "--threads", "0"], 2, ["threads", "cores"]),
        (["evaluate", "nowhere"], 1, ["not a run folder"]),
        (["table", "12"], 2, ["choose from 2, 3"]),
        (["complexity", "--table", "3"], 2, ["5, 7, 8, 10"]),
        (["data", "get", "imagenet"], 2, ["fashion_mnist"]),
        (["data", "verify", "imagenet"], 2, ["fashion_mnist"]),
        (["run", "99", "--profile", "smoke"], 2, ["05_fashion_mnist_reconstruction"]),
        (["run", "05", "--profile", "huge"], 2, ["smoke, cpu, gpu"]),
    ],
)
def test_wrong_use_is_one_line(
    cli: Cli, tmp_path: Path, arguments: list[str], code: int, says: list[str]
) -> None:
    refused(cli(*arguments, cwd=tmp_path), code, *says)
    assert not list(tmp_path.iterdir())  # nothing begun, nothing left


def test_gpu_profile_without_data_and_network(cli: Cli, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"  # the discard port: refused at once
    result = cli(
        "train", "reconstruction", "indexed_m2o", "--profile", "gpu", "--out", tmp_path / "run",
        INDEXNET_DATA=str(tmp_path / "data"), http_proxy=nowhere, https_proxy=nowhere,
    )  # fmt: skip
    refused(result, 1, "cannot download")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["cut", "swapped", "foreign"])
def test_a_damaged_data_file_is_named(
    cli: Cli, tmp_path: Path, damage: str, real_data: Path
) -> None:
    folder = tmp_path / "data" / "fashion_mnist"
    shutil.copytree(real_data / "fashion_mnist", folder)
    folder.chmod(0o755)
    bad = folder / "t10k-images-idx3-ubyte.gz"
    content = bad.read_bytes()
    bad.unlink()
    if damage == "cut":
        bad.write_bytes(content[: len(content) // 2])
    elif damage == "swapped":
        shutil.copy(folder / "t10k-labels-idx1-ubyte.gz", bad)
    else:
        bad.write_bytes(gzip.compress(b"not a picture"))
    result = cli(
        "train", "reconstruction", "avgpool_nearest", "--profile", "cpu", "--out", tmp_path / "run",
        INDEXNET_DATA=str(tmp_path / "data"),
    )  # fmt: skip
    refused(result, 1, "t10k-images-idx3-ubyte.gz")
    assert not (tmp_path / "run").exists()


def test_interrupt_keeps_the_state_and_resume_ends_it(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ["train", "reconstruction", "maxpool_maxunpool", "--profile", "smoke", "--set",
               "epochs=4", "--out", str(out)]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "indexnet_edu", *command], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "add --resume" in errors and "Traceback" not in errors

    refused(cli(*command), 2, "add --resume")
    resumed = cli(*command, "--resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    whole = train_smoke(cli, tmp_path / "whole", "maxpool_maxunpool", "--set", "epochs=4")
    assert json.loads(resumed.stdout)["metrics"]["steps"] == 20
    weights = [
        (folder / "weights.safetensors").read_bytes() for folder in (out, tmp_path / "whole")
    ]
    assert weights[0] == weights[1]
    assert whole["metrics"]["steps"] == 20


def test_a_run_of_other_settings_is_not_overwritten(cli: Cli, tmp_path: Path) -> None:
    train_smoke(cli, tmp_path / "run", "avgpool_nearest")
    again = ["train", "reconstruction", "avgpool_nearest", "--profile", "smoke", "--out",
             tmp_path / "run"]  # fmt: skip
    refused(cli(*again, "--seed", 3), 2, "recipe.seed 0 → 3", "another --out")


def test_a_folder_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    # root writes where it likes, but nobody writes into /proc
    out = Path("/proc/run") if os.access(locked, os.W_OK) else locked / "run"
    command = ["train", "reconstruction", "avgpool_nearest", "--profile", "smoke", "--out", out]
    refused(cli(*command), 1, "cannot write to", "another --out")


def test_a_dry_run_prints_the_cost_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    command = ["train", "reconstruction", "m2o-linear", "--profile", "smoke", "--dry-run",
               "--threads", 1, "--set", "batch_size=10"]  # fmt: skip
    result = cli(*command, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    cost = json.loads(result.stdout)
    assert cost["steps"] == 50 and cost["fits"] and cost["device"].endswith("1 thread)")
    assert 0 < cost["memory"] < cost["memory_free"] and 0 < cost["disk"] < cost["disk_free"]
    assert not list(tmp_path.iterdir())


def test_a_full_disk(cli: Cli, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk to fill")
    try:
        command = ["train", "reconstruction", "maxpool_maxunpool", "--profile", "smoke", "--out",
                   disk / "run"]  # fmt: skip
        refused(cli(*command), 1, "cannot write to", "--resume")
        assert not list((disk / "run/checkpoints").glob(".step-*"))  # no half-written rest
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("name", ["resamplers", "data list", "complexity", "table 5", "doctor"])
def test_what_prints_data_prints_json(cli: Cli, name: str) -> None:
    result = cli(*name.split(), "--json")
    assert result.returncode in (0, 1) and json.loads(result.stdout)
    assert cli(*name.split()).stdout.strip()


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m indexnet_edu complexity | head -n 1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True
    )
    assert "Traceback" not in result.stderr and "BrokenPipe" not in result.stderr


def test_importing_the_package_is_light() -> None:
    heavy = {"matplotlib", "torchmetrics", "papermill", "pooch", "scipy", "IPython", "skimage"}
    code = f"import sys, indexnet_edu.cli; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
