"""Sentences about Table 7: what they say follows from the figures."""

import pytest

from indexnet_edu.lessons.denoising import findings as f
from indexnet_edu.lessons.denoising import lesson

O2O, M2O = lesson.LIVE[2:]
PAPERLIKE = {
    "noisy_input": 20.2, "non_local_means": 27.7, "total_variation": 27.5,
    "dncnn": 29.2, "dncnn_segnet": 28.3, O2O: 29.07, M2O: 29.03,
}  # fmt: skip


def test_the_papers_own_figures_confirm_the_paper():
    text = " ".join(f.findings(PAPERLIKE | f.paper_psnr(), 10_000).split())
    assert text.count("Yes") == 4 and "No" not in text.replace("Noisy", "")
    assert "0.80 dB above" in text and "below DnCNN" in text and "hardly begun" not in text


def test_the_opposite_is_said_as_plainly():
    psnr = PAPERLIKE | {"dncnn": 19.0, "dncnn_segnet": 30.0, O2O: 25.0, M2O: 26.0}
    text = " ".join(f.findings(psnr, 10).split())
    assert "behind is dncnn" in text and "above DnCNN" in text and "hardly begun" in text
    assert "Does an index map give it back? No: m2o-linear stands 4.00 dB below" in text
    assert "(27.70 dB)? dncnn_segnet." in text


@pytest.mark.parametrize("said, told", [
    ({}, "no prediction"),
    ({"first": "dncnn", "beats_classics": 4, "index_gain": 0.5}, "0.5 dB"),
])  # fmt: skip
def test_predictions_stand_beside_what_came(said: dict[str, object], told: str):
    text = f.judge_prediction(PAPERLIKE, **said)  # type: ignore[arg-type]
    assert told in text and "here: dncnn" in text and "4 of 4" in text and "0.8 dB" in text


def test_the_papers_carafe_rows_are_the_noisy_input():
    alone = f.carafe_beside_noise({})
    assert "20.17   20.19, 20.20, 20.20" in alone and "ours" not in alone
    ours = f.carafe_beside_noise({"dncnn_max_carafe": {"set12_sigma25_psnr": 23.456}})
    assert ours.endswith("23.46")
