"""Settings and surroundings that no machine can serve: one line each, and what is whole is
shown."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu import cli, paths
from indexnet_edu.engine.run import environment_of
from indexnet_edu.engine.sweep import Sweep, make_plan
from indexnet_edu.tasks import get_task
from tests.conftest import ROOT
from tests.records.conftest import COMMIT, write_run

pytestmark = pytest.mark.usefixtures("no_real_data")

TRAIN = "train denoising dncnn --profile smoke --set train_patches=16 --out run"


def refusal(
    command: str, capsys: pytest.CaptureFixture[str], folder: Path, code: int | None = None
) -> str:
    """The one line with which a command is refused; nothing is printed besides, nothing begun."""
    found = cli.main(command.split())
    shown = capsys.readouterr()
    assert found in ((1, 2) if code is None else (code,)) and shown.out == "", shown
    assert shown.err.startswith("indexnet-edu: ") and shown.err.count("\n") == 1, shown.err
    assert not (folder / "run/checkpoints").exists()
    return shown.err


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("lr=inf", "lr must be a finite number"),
        ("width=inf", "width must be a finite number"),
        ("max_grad_norm=nan", "max_grad_norm must be a finite number"),
        ("lr_drops=inf", "between 0 and 1"),
        (f"seed={2**63}", "seed must be 0 to"),
        (f"seed={10**30}", "seed must be 0 to"),
        (f"epochs={10**30}", "epochs must be below 2³¹"),
        (f"eval_batch_size={2**63}", "eval_batch_size must be below 2³¹"),
        (f"sigma={10**400}", "sigma must be below 2³¹"),
        ("sigma=256", "sigma must be at most 255"),
    ],
)
def test_numbers_beyond_all_bounds(
    setting: str,
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for more in ("", " --dry-run"):
        assert says in refusal(f"{TRAIN} --set {setting}{more}", capsys, tmp_path, 2)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("variant", ["dncnn", "m2o-linear"])
@pytest.mark.parametrize("width", ["300", "100000", "1e12", "1e300"])
def test_a_network_that_is_too_large_is_never_built(
    variant: str,
    width: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    command = f"{TRAIN.replace('dncnn', variant)} --set width={width}"
    for more in ("", " --dry-run"):
        line = refusal(command + more, capsys, tmp_path, 1)
        assert "the network does not fit into the device's memory" in line and "smaller" in line


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three finished runs of Table 3."""
    for number, variant in enumerate(["indexed_m2o", "indexed_holistic", "s2d_d2s"]):
        write_run(tmp_path / "runs" / variant, variant, 30 + number)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


DAMAGES = [
    ("config.json", "{"),
    ("config.json", "[]"),
    ("config.json", "{}"),
    ("config.json", '"text"'),
    ("config.json", b"\xff\xfe\x00"),
    ("metrics.json", "{"),
    ("metrics.json", '{"psnr": "good"}'),
    ("environment.json", "null"),
]


@pytest.mark.parametrize(("name", "content"), DAMAGES)
def test_a_damaged_run_is_named_and_the_others_are_shown(
    runs: Path, name: str, content: str | bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(runs / "indexed_m2o" / name, content)
    assert cli.main(["table", "3", "--runs", "runs", "--records", "none", "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "indexed_m2o" in shown.err
    (table,) = json.loads(shown.out)
    ours = {row["variant"]: row["ours"]["psnr"] for row in table["rows"]}
    assert (ours["indexed_m2o"], ours["indexed_holistic"], ours["s2d_d2s"]) == (None, 31, 32)


def damage(path: Path, content: str | bytes) -> None:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_a_damaged_run_is_one_line_for_every_command(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in DAMAGES[:5]:
        damage(runs / "s2d_d2s" / name, content)
        for command in ("evaluate {}", "predict {} a.png", "record add {} --records records"):
            line = refusal(command.format(runs / "s2d_d2s"), capsys, runs)
            assert "s2d_d2s" in line and "train" in line


@pytest.mark.parametrize("content", ["{", "[]", '{"config": {}}', "{}"])
def test_a_damaged_record_is_named_and_the_others_are_shown(
    runs: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["--records", "records"]
    assert cli.main(["record", "add", *map(str, sorted(runs.iterdir())), *kept]) == 0
    bad = next((runs.parent / "records").rglob("indexed_m2o*.json"))
    bad.write_text(content)
    for command in (["record", "list"], ["table", "3", "--runs", "none"]):
        capsys.readouterr()
        assert cli.main([*command, *kept, "--json"]) == 0
        shown = capsys.readouterr()
        assert shown.err.count("\n") == 1 and bad.name in shown.err
        assert '"s2d_d2s"' in shown.out and json.loads(shown.out)


def test_a_sweep_with_damaged_files_shows_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task, names = get_task("reconstruction"), ["indexed_m2o", "s2d_d2s", "conv_deconv"]
    sweep = Sweep(tmp_path / "sweep")
    sweep.adopt(make_plan(task, variants=names, profile="smoke"))
    cells = dict(zip(names, sweep.plan.cells, strict=True))
    for name, cell in cells.items():
        if name != "conv_deconv":
            write_run(sweep.folder / cell.name, name, 30.0)
    sweep.fail(cells["conv_deconv"], "lightning")

    def status() -> tuple[dict[str, Any], str]:
        capsys.readouterr()
        assert cli.main(["sweep", "status", str(sweep.folder)]) == 0
        capsys.readouterr()
        assert cli.main(["sweep", "status", str(sweep.folder), "--json"]) == 0
        shown = capsys.readouterr()
        return json.loads(shown.out), shown.err

    whole, errors = status()
    assert whole["counts"] == {"done": 2, "running": 0, "failed": 1, "to do": 0} and not errors
    for name, content in DAMAGES[:6]:
        before = (sweep.folder / cells["s2d_d2s"].name / name).read_bytes()
        damage(sweep.folder / cells["s2d_d2s"].name / name, content)
        found, errors = status()
        assert found["counts"] == whole["counts"]
        assert errors.count("\n") == 1 and "s2d_d2s-seed0" in errors
        damage(sweep.folder / cells["s2d_d2s"].name / name, before)
    damage(sweep.folder / "failed" / f"{cells['conv_deconv'].name}.json", "{")
    found, _ = status()
    assert found["counts"] == whole["counts"]
    assert [row["reason"] for row in found["cells"] if row["reason"]] == [
        "unknown, since the note of it is damaged"
    ]


def test_without_a_home_there_is_a_place_for_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.delenv("INDEXNET_DATA")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert paths.data_folder().is_absolute() and paths.short("/a/b") == "/a/b"
    assert paths.expanded("~nobody-of-this-name/a") == Path("~nobody-of-this-name/a")
    for command in (["data", "list"], ["doctor"]):
        assert cli.main(command) in (0, 1)
    assert capsys.readouterr().err == ""


def test_a_checkout_of_another_user_gives_no_commit_and_the_record_says_what_to_do(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode
    assert known or environment_of("cpu")["commit"]
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    commit = environment_of("cpu")["commit"]
    assert commit is None
    path = runs / "s2d_d2s" / "environment.json"
    path.write_text(path.read_text().replace(f'"{COMMIT}"', json.dumps(commit)))
    line = refusal(f"record add {path.parent} --records records", capsys, runs, 1)
    assert "safe.directory" in line and "commit" in line


def test_unpacked_files_are_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fashion_mnist").mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / "fashion_mnist" / f"{name}-ubyte").write_bytes(b"\0\0\x08\x03")
    command = "train reconstruction avgpool_nearest --profile cpu --out run"
    line = refusal(command, capsys, tmp_path, 1)
    assert "train-images-idx3-ubyte lies there and the .gz is wanted" in line
    assert "data get fashion_mnist" in line
