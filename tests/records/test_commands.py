"""``record`` and ``table`` as processes."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from indexnet_edu.engine import Run
from tests.records.conftest import COMMIT

Cli = Callable[..., subprocess.CompletedProcess[str]]
MakeRun = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_a_trained_run_goes_on_record_and_into_the_table(cli: Cli, tmp_path: Path) -> None:
    runs, records = tmp_path / "runs", tmp_path / "records"
    trained = cli(
        "train", "reconstruction", "maxpool_maxunpool", "--profile", "smoke", "--out", runs / "max",
        "--set", "train_images=100",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    environment = runs / "max" / "environment.json"
    # Whatever state the checkout is in that this test runs in.
    environment.write_text(
        json.dumps(json.loads(environment.read_text()) | {"commit": f"{COMMIT}+changes"})
    )
    refused = cli("record", "add", runs / "max", "--records", records)
    assert refused.returncode == 1 and "commit the changes" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and not records.exists()

    environment.write_text(environment.read_text().replace("+changes", ""))
    for outcome in ("added", "unchanged"):
        result = cli("record", "add", runs / "max", "--records", records, "--json")
        assert [row["outcome"] for row in json.loads(result.stdout)] == [outcome]
    (listed,) = json.loads(cli("record", "list", "--records", records, "--json").stdout)
    assert listed["variant"] == "maxpool_maxunpool" and listed["commit"] == COMMIT[:12]

    def table(*arguments: object) -> str:
        result = cli("table", 3, *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    nowhere = tmp_path / "nowhere"
    from_run = table("--runs", runs, "--records", nowhere)
    assert "±" not in from_run and "Left out" not in from_run and "Fashion-MNIST subset" in from_run
    assert table("--runs", nowhere, "--records", records) == from_run
    assert table("--runs", runs, "--records", records) == from_run


def test_the_table_is_exported(cli: Cli, make_run: MakeRun, tmp_path: Path) -> None:
    for seed in (0, 1):
        make_run(f"runs/{seed}", "conv_bilinear", 20.0 + seed, seed=seed)
    given = ["table", 3, "--runs", tmp_path / "runs", "--records", tmp_path / "none"]
    out = tmp_path / "new" / "table.csv"
    assert cli(*given, "--format", "csv", "--out", out).stdout == ""
    rows = {row["variant"]: row for row in csv.DictReader(io.StringIO(out.read_text()))}
    assert float(rows["conv_bilinear"]["psnr_ours"]) == 20.5
    assert float(rows["conv_bilinear"]["psnr_std"]) == 0.5**0.5
    assert r"\toprule" in cli(*given, "--format", "latex").stdout
    assert "| conv_bilinear |" in cli(*given, "--format", "markdown").stdout
    assert r"\toprule" in cli("table", 5, "--format", "latex").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["record", "add", "nowhere", "--records", "there"], 1, "not a run folder"),
        (["table", "3", "--json", "--format", "csv"], 2, "leave one out"),
        (["table", "3", "--out", "/proc/table.txt"], 1, "use another --out"),
        (["table", "5", "--out", "/proc/no/table.txt"], 1, "use another --out"),
    ],
)
def test_wrong_use_is_one_line(
    cli: Cli, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    result = cli(*arguments, cwd=tmp_path)
    assert result.returncode == code and result.stdout == ""
    assert says in result.stderr and len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
