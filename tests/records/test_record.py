"""Records: what is kept, what is refused, and that a record stands for its run."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu.engine import Run
from indexnet_edu.errors import UserError
from indexnet_edu.paths import asset
from indexnet_edu.records.record import (
    Record,
    add_records,
    record_of,
    recorded_runs,
    shared_settings,
)
from indexnet_edu.records.table import compare
from indexnet_edu.tasks import TASKS
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION

MakeRun = Callable[..., Run]


def change(run: Run, file: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads((run.folder / file).read_text())
    edit(content)
    (run.folder / file).write_text(json.dumps(content))


def test_a_record_comes_back_as_it_was_written(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("run", "indexed_m2o", 30.123456789, seed=2)
    ((path, outcome),) = add_records(RECONSTRUCTION, [run], tmp_path / "records")
    assert outcome == "added" and path.is_relative_to(tmp_path / "records" / "reconstruction")
    assert path.name == "indexed_m2o-seed2.json" and path.stat().st_size < 10_000
    assert path.parent.name.startswith("gpu-all-images-100-epochs-")
    (record,) = recorded_runs("reconstruction", tmp_path / "records")
    assert record.config == run.config and record.metrics == run.metrics
    assert record.environment == run.environment
    assert recorded_runs("denoising", tmp_path / "records") == []


def test_the_curve_is_short_and_has_the_mean_loss(make_run: MakeRun) -> None:
    curve = record_of(make_run("run", "indexed_m2o", 30.0)).curve
    assert [point["step"] for point in curve] == list(range(30, 601, 30))
    assert curve[0]["loss"] == pytest.approx(sum(1 / n for n in range(1, 31)) / 30)


def test_a_run_without_a_curve_has_a_record(make_run: MakeRun) -> None:
    run = make_run("run", "indexed_m2o", 30.0)
    (run.folder / "curve.jsonl").unlink()
    assert record_of(run).curve == []


def test_other_settings_other_file(make_run: MakeRun, tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"seed": 1}, {"lr": 0.1}, {"profile": "cpu"}, {"train_images": 50},
        {"data": "other images"},
    ]  # fmt: skip
    runs = [make_run(str(n), "indexed_m2o", 30.0, **each) for n, each in enumerate(changes)]
    runs.append(make_run("other", "indexed_holistic", 30.0))
    done = add_records(RECONSTRUCTION, runs, tmp_path / "records")
    assert len({path for path, _ in done}) == len(runs)
    # How often a checkpoint is written decides no figure.
    same = make_run("same", "indexed_m2o", 30.0, checkpoint_every=7)
    assert add_records(RECONSTRUCTION, [same], tmp_path / "records") == [(done[0][0], "unchanged")]


def test_again_is_no_change_and_other_figures_are_refused(
    make_run: MakeRun, tmp_path: Path
) -> None:
    records = tmp_path / "records"
    run = make_run("run", "indexed_m2o", 30.0)
    ((path, _),) = add_records(RECONSTRUCTION, [run], records)
    before = path.read_bytes()
    change(run, "metrics.json", lambda m: m.update(seconds=99.0))  # the same result, slower
    assert add_records(RECONSTRUCTION, [run], records) == [(path, "unchanged")]
    other = make_run("other", "indexed_m2o", 31.0)
    with pytest.raises(UserError, match="other figures .* add --replace"):
        add_records(RECONSTRUCTION, [other], records)
    assert path.read_bytes() == before
    assert add_records(RECONSTRUCTION, [other], records, replace=True) == [(path, "replaced")]
    assert recorded_runs("reconstruction", records)[0].metrics["psnr"] == 31.0


def test_two_runs_of_one_name_in_one_call(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run("a", "indexed_m2o", 30.0), make_run("b", "indexed_m2o", 30.0)]
    assert [outcome for _, outcome in add_records(RECONSTRUCTION, runs, tmp_path / "records")] == [
        "added"
    ]
    with pytest.raises(UserError, match="other figures"):
        add_records(
            RECONSTRUCTION, [runs[0], make_run("c", "indexed_m2o", 31.0)], tmp_path / "elsewhere"
        )
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("file", "edit", "says"),
    [
        ("metrics.json", None, "has not finished"),
        ("config.json", None, "not a run folder"),
        ("environment.json", None, "has no environment.json"),
        ("config.json", lambda c: c.pop("recipe"), "configuration lacks recipe"),
        ("config.json", lambda c: c["recipe"].pop("seed"), "names no seed"),
        ("config.json", lambda c: c["data"].update(checksum=""), "no checksum"),
        ("config.json", lambda c: c["data"].pop("checksum"), "no checksum"),
        ("environment.json", lambda e: e.update(commit=None), "names no commit"),
        ("environment.json", lambda e: e.pop("commit"), "names no commit"),
        ("environment.json", lambda e: e.update(commit="0123456789abcdef+changes"),
         "differed from commit 0123456789ab"),
        ("metrics.json", lambda m: m.update(psnr=float("nan")), r"not finite numbers \(psnr\)"),
        ("metrics.json", lambda m: m.update(mae=float("inf")), r"not finite numbers \(mae\)"),
        ("metrics.json", lambda m: m.update(mae="small"), r"not finite numbers \(mae\)"),
        ("metrics.json", lambda m: m.clear(), r"not finite numbers \(none\)"),
    ],
)  # fmt: skip
def test_what_is_no_evidence_is_refused_in_a_line(
    make_run: MakeRun, tmp_path: Path, file: str, edit: Any, says: str
) -> None:
    good, bad = make_run("good", "indexed_m2o", 30.0), make_run("bad", "indexed_holistic", 29.0)
    if edit is None:
        (bad.folder / file).unlink()
    else:
        change(bad, file, edit)
    with pytest.raises(UserError, match=says) as refused:
        add_records(RECONSTRUCTION, [good, bad], tmp_path / "records")
    assert "\n" not in str(refused.value) and "bad" in str(refused.value)
    assert not (tmp_path / "records").exists()  # all or none


def test_a_damaged_record_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    ((path, _),) = add_records(
        RECONSTRUCTION, [make_run("run", "indexed_m2o", 30.0)], tmp_path / "records"
    )
    for text in ("{", "[]", '{"config": {}}'):
        path.write_text(text)
        with pytest.raises(UserError, match=f"{path.name} is no record"):
            recorded_runs("reconstruction", tmp_path / "records")


def test_a_setting_that_came_later_orphans_no_record(make_run: MakeRun, tmp_path: Path) -> None:
    """Runs made before there were networks by name, or some setting, are the same as ones made
    after."""
    old, new = (make_run(name, "indexed_m2o", 30.0, seed=1) for name in ("old", "new"))
    change(old, "config.json", lambda c: (c.pop("network"), c["recipe"].pop("norm_frozen_from")))
    assert add_records(RECONSTRUCTION, [old], tmp_path)[0][1] == "added"
    assert add_records(RECONSTRUCTION, [new], tmp_path)[0][1] == "unchanged"
    other = make_run("other", "indexed_m2o", 30.0, seed=2, norm_frozen_from=0.5)
    records = [*recorded_runs("reconstruction", tmp_path), record_of(new), record_of(other)]
    assert [len(table.rows[8]["seeds"]) for table in compare(RECONSTRUCTION, records)] == [1, 1]


def test_the_records_that_travel_are_one_group_each_and_lie_under_their_names() -> None:
    for task in TASKS.values():
        folder = asset("data", "records")
        for path in (folder / task.name).rglob("*.json"):
            record = Record(**json.loads(path.read_text()))
            assert folder / record.name(task) == path
    assert len(compare(RECONSTRUCTION, recorded_runs("reconstruction"))[0].rows) >= 9
    rerun = dataclasses.asdict(RECONSTRUCTION.profile("cpu")) | {
        "train_images": 10_000, "test_images": 10_000,
    }  # fmt: skip
    record = recorded_runs("reconstruction")[0]
    config = record.config | {"recipe": rerun | {"seed": record.config["recipe"]["seed"]}}
    assert shared_settings(RECONSTRUCTION, config) == shared_settings(RECONSTRUCTION, record.config)
