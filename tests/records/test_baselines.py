"""Figures of methods that learn nothing: kept with their data, shown only where they belong."""

import json
from pathlib import Path
from typing import Any

import pytest

from indexnet_edu.errors import UserError
from indexnet_edu.records import baselines
from indexnet_edu.records.baselines import keep_baselines, recorded_baselines
from indexnet_edu.tasks import get_task

FIGURES = {"noisy_input": {"bsd68_sigma25_psnr": 20.5, "bsd68_sigma25_ssim": 0.4}}
CONFIG: dict[str, Any] = {
    "task": "denoising", "data": {"checksum": "c" * 64}, "recipe": {"test_images": None},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record = {"task": "denoising", "data": {"checksum": "c" * 64}, "metrics": FIGURES}
    (tmp_path / "denoising-cccccc.json").write_text(json.dumps(record))
    return tmp_path


def test_they_are_found_for_the_same_images_and_noise(folder: Path) -> None:
    keys = ["bsd68_sigma25_psnr"]
    assert recorded_baselines(CONFIG, keys, folder) == {"noisy_input": {keys[0]: 20.5}}


@pytest.mark.parametrize("other", [
    {"task": "matting"}, {"data": {"checksum": "d" * 64}}, {"recipe": {"test_images": 3}},
])  # fmt: skip
def test_but_for_no_others(folder: Path, other: dict[str, Any]) -> None:
    assert recorded_baselines(CONFIG | other, ["bsd68_sigma25_psnr"], folder) == {}
    assert recorded_baselines(CONFIG, ["bsd68_sigma50_psnr"], folder) == {}


def test_a_damaged_file_is_named_with_the_remedy(folder: Path) -> None:
    (folder / "denoising-cccccc.json").write_text("[]")
    with pytest.raises(UserError, match=r"denoising-cccccc.json .* restore it with git"):
        recorded_baselines(CONFIG, ["bsd68_sigma25_psnr"], folder)


def test_what_is_kept_is_measured_and_names_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = get_task("denoising")
    monkeypatch.setattr(baselines, "environment_of", lambda device: {"commit": "0" * 40})
    path = keep_baselines(task, "smoke", tmp_path)
    record = json.loads(path.read_text())
    assert record["environment"]["commit"] == "0" * 40
    assert record["data"]["name"] == "scikit-image photographs"
    psnr = {
        name: metrics["photographs_sigma25_psnr"] for name, metrics in record["metrics"].items()
    }
    assert psnr["non_local_means"] > psnr["noisy_input"] + 3


def test_changed_code_and_tasks_without_baselines_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "environment_of", lambda device: {"commit": "0+changes"})
    with pytest.raises(UserError, match="commit first"):
        keep_baselines(get_task("denoising"), "smoke", tmp_path)
    with pytest.raises(UserError, match="has no baselines"):
        keep_baselines(get_task("reconstruction"), "smoke", tmp_path)
    assert not list(tmp_path.iterdir())
