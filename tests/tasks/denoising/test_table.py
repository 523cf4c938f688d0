"""Table 7 beside runs: a noise level at a time, columns of what was measured."""

import dataclasses
import json
from pathlib import Path

import pytest

from indexnet_edu.engine import Run
from indexnet_edu.engine.recipe import override
from indexnet_edu.records.formats import as_text
from indexnet_edu.records.table import compare
from indexnet_edu.tasks import get_task

TASK = get_task("denoising")


def finished(folder: Path, variant: str, psnr: float, sets: tuple[str, ...], **changes: int) -> Run:
    """A run by the paper's schedule without the training."""
    row, recipe = TASK.variant(variant), override(TASK.profile("gpu"), changes)
    files = {
        "config": {
            "task": "denoising", "variant": variant, "profile": "gpu",
            **row.as_dict(),
            "data": {"name": "BSD400: 238,400 patches", "checksum": "c" * 64},
            "recipe": dataclasses.asdict(recipe),
        },
        "environment": {"device": "a device"},
        "metrics": {
            f"{name}_sigma{recipe.sigma}_{metric}": value
            for name in sets
            for metric, value in (("psnr", psnr), ("ssim", 0.8), ("ssim_legacy", 0.9))
        } | {"seconds": 1.0, "steps": 2},
    }  # fmt: skip
    folder.mkdir()
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return Run(folder)


def test_ours_stand_beside_the_papers_of_the_same_noise(tmp_path: Path) -> None:
    both = ("bsd68", "set12")
    runs = [
        finished(tmp_path / "a", "dncnn_segnet", 28.0, both),
        finished(tmp_path / "b", "o2o_shared_stagewise-nonlinear_context", 29.0, both),
        finished(tmp_path / "c", "maxpool_maxunpool", 27.0, both, seed=1),  # the row's other name
        finished(tmp_path / "d", "dncnn", 26.0, both, sigma=50),
    ]
    first, second = compare(TASK, runs)
    rows = {row["variant"]: row for row in first.rows}
    assert len(rows) == 20 and first.departs == second.departs == ""
    segnet = rows["dncnn_segnet"]
    assert segnet["seeds"] == [0, 1] and segnet["ours"]["bsd68_sigma25_psnr"] == 27.5
    assert segnet["paper"]["bsd68_sigma25_psnr"] == 28.27
    assert segnet["paper"]["set12_sigma25_ssim_legacy"] == 0.8881
    assert segnet["paper"]["set12_sigma25_ssim"] is None  # the paper's SSIM is not the standard one
    indexed = rows["o2o_shared_stagewise-nonlinear_context"]
    assert indexed["paper"]["bsd68_sigma25_psnr"] == 29.07
    assert [column.key for column in first.columns] == [
        f"{name}_sigma25_{metric}" for name in both for metric in ("psnr", "ssim", "ssim_legacy")
    ]
    assert all("sigma50" in column.key for column in second.columns)
    text = as_text(first)
    assert "BSD68 σ25 / dB" in text and "σ50" not in text and "28.27" in text


@pytest.mark.parametrize("sigma, heading, written", [
    (25, "embedded σ25 / dB", "28.12"), (20, "photographs_sigma20_psnr", "28.1235"),
])  # fmt: skip
def test_what_the_paper_did_not_measure_has_a_column_too(
    tmp_path: Path, sigma: int, heading: str, written: str
) -> None:
    run = finished(tmp_path / "a", "dncnn", 28.12349, ("photographs",), sigma=sigma)
    (comparison,) = compare(TASK, [run])
    text = as_text(comparison)
    assert comparison.departs == "" and heading in text and f" {written} " in text


def test_without_runs_all_of_the_papers_figures_are_there() -> None:
    (comparison,) = compare(TASK, [])
    text = as_text(comparison)
    assert all(figure in text for figure in ("31.74", "27.17", "0.6776", "24.09", "0.8814"))
    assert "embedded" not in text and "ours" not in text


def test_methods_that_learn_nothing_stand_above_the_networks(tmp_path: Path) -> None:
    run = finished(tmp_path / "a", "dncnn", 28.0, ("bsd68",))
    (table,) = compare(TASK, [run])
    shown = table.measured().beside({"noisy_input": {"bsd68_sigma25_psnr": 20.48}})
    assert [row["variant"] for row in shown.rows] == ["noisy_input", "dncnn"]
    first = shown.rows[0]
    assert first["seeds"] == [] and first["ours"]["bsd68_sigma25_ssim"] is None
    text = as_text(shown)
    assert " 20.48 " in text and "dncnn_segnet" not in text
    assert shown.beside({"noisy_input": {}}).rows[0]["ours"]["bsd68_sigma25_psnr"] is None  # once
