"""The rows of Table 3 trained one after the other, and the sentences that read them."""

from pathlib import Path

import pytest
import torch

from indexnet_edu.errors import UsageError
from indexnet_edu.lessons import rows
from indexnet_edu.lessons.reconstruction.findings import (
    CONTROL,
    ROWS,
    cost_of,
    findings,
    format_costs,
    judge_prediction,
    paper_psnr,
    psnr_of,
    table_3_rows,
    table_3_text,
)
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION

TINY = {"train_images": 40, "test_images": 20, "batch_size": 20}
PAPER = paper_psnr() | {CONTROL: 24.0}


def test_rows_are_the_papers_and_the_control_is_none_of_them() -> None:
    assert list(ROWS) == list(paper_psnr())
    assert {*ROWS, CONTROL} == set(RECONSTRUCTION.variants)
    guided = {name for name in RECONSTRUCTION.variants if RECONSTRUCTION.variant(name).guided}
    indexed = {"indexed_o2o_modelwise", "indexed_holistic", "indexed_m2o"}
    assert guided == {"maxpool_maxunpool", *indexed}


def test_rows_train_once_and_tell_one_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ["avgpool_nearest", "maxpool_maxunpool"]
    runs = rows.train_rows(RECONSTRUCTION, "smoke", 3, variants, overrides=TINY, folder=tmp_path)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 + len(variants)
    assert "avgpool_nearest" in told[2] and "blind" in told[2] and "2 steps" in told[2]

    again = rows.train_rows(RECONSTRUCTION, "smoke", 3, variants, overrides=TINY, folder=tmp_path)
    assert again == runs
    assert capsys.readouterr().out.count("read from disk") == len(variants)

    source = rows.provenance(runs)
    for part in ("Fashion-MNIST", "profile smoke", "2 steps", "seed 3", "n = 1"):
        assert part in source
    models = rows.load_models(RECONSTRUCTION, runs)
    assert list(models) == variants
    assert not models["avgpool_nearest"].training
    assert list(psnr_of(runs)) == variants
    assert "ours with profile smoke" in table_3_text(runs)
    row = table_3_rows(runs)[1]
    assert row["variant"] == "maxpool_maxunpool" and row["kind"] == "guided"
    assert row["paper's PSNR / dB"] == 29.33 and row["parameters"] == 776_129
    assert not any("SSIM" in key and "paper" in key for key in row)


def test_other_settings_lie_in_another_folder(tmp_path: Path) -> None:
    one = rows.train_rows(
        RECONSTRUCTION, "smoke", 0, ["avgpool_nearest"], overrides=TINY, folder=tmp_path
    )
    more = TINY | {"train_images": 60}
    two = rows.train_rows(
        RECONSTRUCTION, "smoke", 0, ["avgpool_nearest"], overrides=more, folder=tmp_path
    )
    assert one["avgpool_nearest"].folder.parent != two["avgpool_nearest"].folder.parent


def test_an_unknown_variant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"choose one of its rows \(avgpool_nearest"):
        rows.train_rows(RECONSTRUCTION, "smoke", 0, ["bicubic"], overrides=TINY, folder=tmp_path)


def test_costs_are_those_the_lesson_speaks_of() -> None:
    parameters = {name: cost_of(name).parameters for name in RECONSTRUCTION.variants}
    assert parameters["conv_carafe"] == 1_157_741
    assert parameters["s2d_d2s"] == 1_868_009
    assert parameters["indexed_m2o"] == parameters[CONTROL] == 3_704_257
    assert parameters["indexed_o2o_modelwise"] - parameters["maxpool_maxunpool"] == 152
    crossing = {name: cost_of(name).crossing for name in RECONSTRUCTION.variants}
    assert all((crossing[name] > 0) == RECONSTRUCTION.variant(name).guided for name in crossing)
    assert crossing["indexed_holistic"] == 32**2 + 16**2 + 8**2
    assert crossing["maxpool_maxunpool"] == 32 * 16**2 + 64 * 8**2 + 128 * 4**2
    text = format_costs({name: cost_of(name) for name in ("avgpool_nearest", "s2d_d2s")})
    assert "×1.00" in text and "×2.41" in text


def test_counting_costs_leaves_the_random_state_alone() -> None:
    state = torch.get_rng_state()
    cost_of.cache_clear()
    cost_of("indexed_m2o")
    assert torch.equal(state, torch.get_rng_state())


def answers(text: str) -> list[str]:
    """The answers of the lines that ask."""
    lines = " ".join(text.split()).split("• ")
    return [line.split("? ")[1][:3].rstrip(":.") for line in lines if "? " in line]


def test_the_papers_own_figures_confirm_every_claim() -> None:
    text = findings(PAPER, 60_000)
    assert answers(text) == ["Yes"] * 5
    assert "n = 1" in text and "hardly begun" not in text


@pytest.mark.parametrize(
    ("changed", "question"),
    [
        ({"conv_deconv": 30.0}, 0),
        ({"indexed_m2o": 45.0}, 1),
        ({"indexed_o2o_modelwise": 29.0}, 2),
        ({"conv_deconv": 29.0}, 3),
        ({CONTROL: 50.0}, 4),
    ],
)
def test_each_claim_can_fail(changed: dict[str, float], question: int) -> None:
    assert answers(findings(PAPER | changed, 150))[question] == "No"


def test_too_few_steps_are_told() -> None:
    assert "hardly begun" in findings(PAPER, 5)


def test_predictions_stand_beside_what_came() -> None:
    empty = judge_prediction(PAPER)
    assert empty.count("no prediction") == 3 and "s2d_d2s" in empty
    said = judge_prediction(PAPER, best_blind="conv_carafe", guided_first=False, control_loses=3)
    assert "conv_carafe" in said and "you: No" in said and "3.0 dB" in said and "24.4 dB" in said
