"""Sentences about two rows: said where the figures carry them, silence elsewhere."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from indexnet_edu.lessons.matting import findings as f

YARD = {"half": 45.0, "nearest_colours": 18.0}
PAIR = ("b6", "b5")


def said(sad: dict[str, float], spread: float | None, steps: int = 100, **more: Any) -> str:
    return " ".join(f.findings(sad, more.get("yard", YARD), more.get("rows", PAIR), spread, steps)
                    .split())  # fmt: skip


def test_a_smoke_run_cannot_tell() -> None:
    text = said({"b5": 15.6, "b6": 15.8}, None, 3, yard={"half": 14.9, "nearest_colours": 4.6})
    assert "cannot tell" in text and "3 steps" in text and "lower" in text
    assert "b6 and b5 are not ahead of nearest_colours" in text and "no three seeds" in text


def test_an_undertrained_row_silences_both() -> None:
    text = said({"b5": 10.0, "b6": 18.5}, 0.5)
    assert "cannot tell" in text and "b6 is not ahead" in text
    assert "no three seeds" not in text


def test_ahead_by_less_than_the_spread_is_not_ahead() -> None:
    assert "b6 is not ahead" in said({"b5": 10.0, "b6": 17.8}, 0.5)


def test_without_a_spread_on_record_nothing_is_said() -> None:
    text = said({"b5": 5.0, "b6": 9.0}, None)
    assert "cannot tell" in text and "no three seeds" in text


def test_a_gap_within_the_spread_is_no_order() -> None:
    assert "no more than what one seed" in said({"b5": 10.0, "b6": 10.4}, 0.5)


def test_a_sentence_where_the_figures_carry_it() -> None:
    text = said({"b5": 10.0, "b6": 12.0}, 0.5, 10_000)
    assert "Here b5 (10.00, b6 12.00)" in text and "cannot tell" not in text
    assert "paper's order? Yes: there b6 has 78.6, b5 60.7" in text
    other = said({"b5": 12.0, "b6": 10.0}, 0.5, 10_000)
    assert "Here b6" in other and "paper's order? No" in other


def test_one_row_twice_is_no_experiment() -> None:
    assert "one row" in said({"b5": 1.0}, 0.1, rows=("b5", "b5"))


@pytest.mark.parametrize("words, told", [
    ({}, "no prediction"),
    ({"lower": "b6", "beats_colours": 1}, "you: b6"),
])  # fmt: skip
def test_predictions_stand_beside_what_came(words: dict[str, Any], told: str) -> None:
    text = f.judge_prediction({"b5": 10.0, "b6": 20.0}, YARD, PAIR, **words)
    assert told in text and "here: b5" in text and "1 of 2" in text


def test_the_papers_figures_are_those_of_three_tables() -> None:
    paper = f.paper_sad()
    assert paper["b4"] == 122.4 and paper["m2o-nonlinear_context"] == 45.8
    assert paper["m2o-nonlinear_context-sigmoid"] == 52.7


@dataclass
class Ran:
    metrics: dict[str, Any]
    config: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=lambda: {"device": "CPU"})


def ran(variant: str, seed: int, sad: float, checksum: str = "c", profile: str = "cpu") -> Ran:
    import dataclasses

    from indexnet_edu.tasks.matting import MATTING

    recipe = dataclasses.replace(MATTING.profile("cpu"), seed=seed)
    row = MATTING.variant(variant)
    config = {
        "task": "matting", "variant": variant, "profile": profile, **row.as_dict(),
        "recipe": dataclasses.asdict(recipe), "data": {"name": "drawn: some", "checksum": checksum},
    }  # fmt: skip
    return Ran({"drawn_sad": sad, "drawn_mse": 0.1, "seconds": 1.0, "steps": 1}, config)


def test_a_spread_needs_three_seeds_of_both_rows_on_the_same_data() -> None:
    record = [ran("b5", seed, 10 + seed) for seed in range(3)]
    record += [ran("b6", seed, 20 + 3 * seed) for seed in range(3)]
    here: Any = record[0]
    assert f.spread_on_record(here, PAIR, record) == pytest.approx(3.0)
    assert f.spread_on_record(here, PAIR, record[:5]) is None
    assert f.spread_on_record(here, ("b5", "b7"), record) is None
    assert f.spread_on_record(ran("b5", 0, 1.0, "other"), PAIR, record) is None  # type: ignore[arg-type]
    assert f.spread_on_record(ran("b5", 0, 1.0, profile="gpu"), PAIR, record) is None  # type: ignore[arg-type]
    assert f.spread_on_record(here, PAIR, []) is None
