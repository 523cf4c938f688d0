"""Our runs beside the paper's: what is grouped, averaged, marked and left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu.engine import Run
from indexnet_edu.records.table import compare, find_runs, format_comparison

REFERENCE = {"epochs": 100, "lr": 0.01, "lr_drops": (0.5,), "train_images": None}


def make_run(folder: Path, variant: str, psnr: float, **changes: Any) -> Run:
    recipe = {"epochs": 100, "lr": 0.01, "lr_drops": [0.5], "train_images": None, "seed": 0}
    config = {
        "task": "reconstruction", "variant": variant, "profile": "gpu",
        "data": {"name": changes.pop("data", "all images"), "checksum": "0"},
        "recipe": recipe | changes,
    }  # fmt: skip
    folder.mkdir(parents=True)
    metrics = {"psnr": psnr, "psnr_per_image": psnr + 1, "ssim": 0.5, "mae": 0.1, "rmse": 0.2}
    for name, value in {
        "config": config, "metrics": metrics, "environment": {"device": "a device"},
    }.items():  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(value))
    return Run(folder)


def test_seeds_are_averaged_and_settings_never_mixed(tmp_path: Path) -> None:
    for seed, psnr in enumerate((20.0, 22.0, 24.0)):
        make_run(tmp_path / f"a{seed}", "conv_bilinear", psnr, seed=seed)
    make_run(tmp_path / "b", "conv_bilinear", 90.0, epochs=3)
    make_run(tmp_path / "c", "conv_bilinear", 80.0, data="other images")
    groups = compare(3, find_runs(tmp_path, "reconstruction"), REFERENCE)
    assert [len(g.rows) for g in groups] == [9, 9, 9]
    row = groups[0].rows[1]
    assert row["ours"]["psnr"] == 22.0 and row["std"]["psnr"] == pytest.approx(2.0)
    assert row["seeds"] == [0, 1, 2] and row["paper"]["psnr"] == 24.45
    assert groups[0].departs == ""
    assert {g.departs for g in groups[1:]} == {"", "epochs 3 instead of 100"}
    assert {g.rows[1]["ours"]["psnr"] for g in groups[1:]} == {90.0, 80.0}
    assert all(g.rows[1]["std"]["psnr"] is None for g in groups[1:])


def test_rows_of_ours_come_after_the_papers_and_only_if_there_is_a_run(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "a", "indexed_bilinear", 15.0)]
    (comparison,) = compare(3, runs, REFERENCE, ["indexed_bilinear", "my_own"])
    assert [row["variant"] for row in comparison.rows][9:] == ["indexed_bilinear"]
    assert comparison.rows[9]["paper"]["psnr"] is None


def test_unfinished_runs_and_other_tasks_are_not_found(tmp_path: Path) -> None:
    make_run(tmp_path / "a", "conv_bilinear", 20.0).folder.joinpath("metrics.json").unlink()
    make_run(tmp_path / "b", "conv_bilinear", 20.0)
    assert find_runs(tmp_path, "denoising") == []
    assert [run.folder.name for run in find_runs(tmp_path, "reconstruction")] == ["b"]


def test_the_text_says_what_it_was_made_from(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "a", "conv_bilinear", 20.123, epochs=3)]
    text = format_comparison(compare(3, runs, REFERENCE)[0])
    for part in ("profile gpu", "a device", "all images", "epochs 3 instead of 100", "20.12",
                 "24.45", "does not compare"):  # fmt: skip
        assert part in text
    table = text.split("\n\n")[1].splitlines()
    assert len({line.rindex("  ") for line in table[3:]}) == 1  # columns are aligned


def test_without_runs_the_papers_figures_stand_alone() -> None:
    text = format_comparison(compare(3, [], REFERENCE)[0])
    assert "48.37" in text and "ours" not in text
