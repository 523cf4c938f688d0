"""Rows of Table 7 trained one after the other, as a notebook does it."""

from pathlib import Path

import pytest

from indexnet_edu.lessons.rows import load_models, provenance, train_rows
from indexnet_edu.tasks import get_task

TASK = get_task("denoising")
TINY = {"train_images": 1, "train_patches": 8, "batch_size": 8, "width": 1 / 16}


def test_rows_train_once_and_tell_one_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ["dncnn", "dncnn_max_carafe", "o2o_shared_stagewise-nonlinear_context"]
    runs = train_rows(TASK, "smoke", 1, variants, overrides=TINY, folder=tmp_path)
    told = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in told] == variants
    assert ["guided" in line for line in told] == [False, False, True]
    assert ["blind" in line for line in told] == [False, True, False]
    psnr = runs["dncnn"].metrics["photographs_sigma25_psnr"]
    assert f" {psnr:.2f} dB  1 steps" in told[0]
    assert len({line.index(" dB") for line in told}) == 1
    assert train_rows(TASK, "smoke", 1, variants, overrides=TINY, folder=tmp_path) == runs
    assert "σ = 25" in provenance(runs)
    assert not load_models(TASK, {"dncnn": runs["dncnn"]})["dncnn"].training


def test_a_network_without_resampling_is_not_guided() -> None:
    guided = {name: TASK.variant(name).guided for name in ("dncnn", "dncnn_segnet")}
    assert guided == {"dncnn": False, "dncnn_segnet": True}
    assert not TASK.variant("dncnn_avg_carafe").guided
