"""Where examples come from: numbers and seeds, and two halves that share nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from indexnet_edu.engine import Split
from indexnet_edu.errors import UserError
from indexnet_edu.tasks.matting import alphamatting
from indexnet_edu.tasks.matting.sources import (
    CroppedCompositions,
    MeasuredPhotographs,
    WholeCompositions,
    drawn_foregrounds,
    embedded_backgrounds,
)


@pytest.fixture(scope="module")
def drawn() -> CroppedCompositions:
    backgrounds = list(embedded_backgrounds("train").values())
    return CroppedCompositions(
        drawn_foregrounds("train", 1, size=80)[2:], backgrounds, crop=48, per_foreground=3
    )


def test_a_number_and_a_seed_say_all(drawn: CroppedCompositions) -> None:
    assert len(drawn) == 3 * 4
    examples = [drawn.example(index, seed=5) for index in (0, 4, 0)]
    assert torch.equal(examples[0]["x"], examples[2]["x"])
    assert not torch.equal(examples[0]["image"], examples[1]["image"])
    assert not torch.equal(examples[0]["x"], drawn.example(0, seed=6)["x"])


def test_a_batch_and_its_shares(drawn: CroppedCompositions) -> None:
    split: Split = drawn
    indices = torch.tensor([3, 0, 11])
    whole = split.batch(indices, seed=2)
    assert len(whole) == 3 and whole.valid is not None and whole.valid.dtype == torch.bool
    assert set(whole.more) == {"image", "foreground", "background"}
    example = drawn.example(11, seed=2)
    assert torch.equal(whole.x[2], example["x"]) and torch.equal(whole.target[2], example["alpha"])
    share = split.batch(indices, seed=2, share=slice(1, 3))
    assert torch.equal(share.x, whole.x[1:]) and torch.equal(share.target, whole.target[1:])
    assert split.to(torch.device("cpu")) is drawn


def test_training_and_test_share_no_drawing_and_no_photograph() -> None:
    train, test = (drawn_foregrounds(p, n, size=80) for p, n in (("train", 2), ("test", 1)))
    assert len(train) == 12 and len(test) == 6
    assert not {f.name for f in train} & {f.name for f in test}
    assert not {f.alpha.tobytes() for f in train} & {f.alpha.tobytes() for f in test}
    backgrounds = embedded_backgrounds("train"), embedded_backgrounds("test")
    assert not set(backgrounds[0]) & set(backgrounds[1])
    assert all(p.shape[2] == 3 and p.dtype == np.uint8 for b in backgrounds for p in b.values())
    with pytest.raises(ValueError, match="part is train or test"):
        drawn_foregrounds("validation", 1)


def test_whole_compositions_know_no_chance() -> None:
    foregrounds = [
        f for f in drawn_foregrounds("test", 1, size=80) if f.name.startswith(("smoke", "lat"))
    ]
    test = WholeCompositions(
        foregrounds, list(embedded_backgrounds("test").values()), per_foreground=2
    )
    assert len(test) == 4
    first, second = test.example(0), test.example(1)
    assert torch.equal(first["alpha"], second["alpha"])
    assert not torch.equal(first["image"], second["image"])
    assert torch.equal(first["x"], test.example(0, seed=3)["x"])
    assert not torch.equal(first["alpha"], test.example(2)["alpha"])


# --- real ----------------------------------------------------------------------------------------


def test_the_split_is_fixed_by_name() -> None:
    assert len(alphamatting.TRAIN) == 20 and len(alphamatting.TEST) == 7
    assert not set(alphamatting.TRAIN) & set(alphamatting.TEST)


def test_real_training_examples(real_matting: Path) -> None:
    foregrounds = alphamatting.read_foregrounds(alphamatting.TRAIN[:2])
    backgrounds = alphamatting.read_backgrounds("train", 3)
    source = CroppedCompositions(foregrounds, list(backgrounds.values()), crop=64)
    example = source.example(1, seed=0)
    assert len(source) == 200 and example["unknown"].any()
    assert foregrounds[0].alpha.shape == foregrounds[0].colour.shape[:2]
    others = alphamatting.read_backgrounds("test", 3)
    assert not set(backgrounds) & set(others)


def test_no_real_background_is_in_both(real_matting: Path) -> None:
    pictures = {
        part: {p.tobytes() for p in alphamatting.read_backgrounds(part).values()}
        for part in ("train", "test")
    }
    assert [len(found) for found in pictures.values()] == [200, 100]
    assert not pictures["train"] & pictures["test"]


def test_measured_photographs(real_matting: Path) -> None:
    photographs = alphamatting.read_photographs(alphamatting.TEST[:1])
    narrow, wide = (MeasuredPhotographs(photographs, name) for name in alphamatting.TRIMAPS)
    example = narrow.example(0)
    height, width = photographs[0].alpha.shape
    assert example["x"].shape == (4, height, width) and max(height, width) == 800
    assert example["unknown"].sum() < wide.example(0)["unknown"].sum()
    known = ~example["unknown"]
    trimap = example["x"][3:]
    assert (trimap[known] == example["alpha"][known]).float().mean() > 0.999


def test_without_the_data_one_line_says_how_to_get_it(no_real_data: Path) -> None:
    for read in (alphamatting.read_foregrounds, alphamatting.read_photographs):
        with pytest.raises(UserError, match="indexnet-edu data get matting_alphamatting"):
            read()
    with pytest.raises(UserError, match="indexnet-edu data get bsds500_color"):
        alphamatting.read_backgrounds("train")
