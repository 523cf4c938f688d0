"""Examples: what is in them, what repeats, and that parts fit each other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from indexnet_edu.backbones.weights import IMAGENET_MEAN, IMAGENET_STD
from indexnet_edu.tasks.matting.compose import (
    composite,
    cropped_example,
    network_input,
    whole_example,
)
from indexnet_edu.tasks.matting.foregrounds import Foreground
from indexnet_edu.tasks.matting.loss import matting_loss


def foreground(height: int = 90, width: int = 120) -> Foreground:
    """A soft edge somewhere in a picture that is black and white elsewhere."""
    rng = np.random.default_rng(height * width)
    ramp = np.clip((np.arange(width) - 0.6 * width) * 40 + 128, 0, 255)
    alpha = np.broadcast_to(ramp, (height, width)).astype(np.uint8)
    return Foreground("edge", alpha, rng.integers(0, 256, (height, width, 3), np.uint8))


def background(height: int = 70, width: int = 60) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)


def test_alpha_1_is_the_foreground_and_0_the_background() -> None:
    a, b = torch.rand(2, 2, 3, 4, 5)
    one = torch.ones(2, 1, 4, 5)
    assert torch.equal(composite(one, a, b), a) and torch.equal(composite(0 * one, a, b), b)
    torch.testing.assert_close(composite(one / 2, a, b), (a + b) / 2)


def test_what_a_network_reads() -> None:
    image = torch.tensor(IMAGENET_MEAN).view(3, 1, 1) + torch.zeros(3, 2, 3)
    trimap = np.array([[0, 128, 255]] * 2, np.uint8)
    x = network_input(image, trimap)
    assert x.shape == (4, 2, 3) and x[:3].abs().max() < 1e-6
    assert x[3, 0].tolist() == pytest.approx([0, 128 / 255, 1])
    x = network_input(image + torch.tensor(IMAGENET_STD).view(3, 1, 1), trimap)
    torch.testing.assert_close(x[:3], torch.ones(3, 2, 3))


@given(st.integers(0, 10**6))
def test_every_crop_holds_what_a_training_needs(seed: int) -> None:
    crop = 32
    example = cropped_example(foreground(), background(), crop, np.random.default_rng(seed))
    assert {key: tuple(value.shape) for key, value in example.items()} == {
        "x": (4, crop, crop), "alpha": (1, crop, crop), "unknown": (1, crop, crop),
        "image": (3, crop, crop), "foreground": (3, crop, crop), "background": (3, crop, crop),
    }  # fmt: skip
    alpha, unknown = example["alpha"], example["unknown"]
    assert unknown.any() and unknown.dtype == torch.bool
    # What the trimap knows is exactly 0 or 1, and it says which.
    trimap = (255 * example["x"][3:]).round()
    assert torch.equal(trimap[~unknown], 255 * alpha[~unknown])
    assert torch.equal(trimap == 128, unknown)
    image = composite(alpha, example["foreground"], example["background"])
    assert torch.equal(image, example["image"])
    assert torch.equal(example["image"][:, alpha[0] == 1], example["foreground"][:, alpha[0] == 1])
    batch = {key: value[None] for key, value in example.items() if key != "x"}
    total, count = matting_loss(batch["alpha"], **batch)
    assert total / count == pytest.approx(2e-6, rel=0.2)


def test_a_seed_says_all_and_seeds_differ() -> None:
    def drawn(seed: int) -> torch.Tensor:
        return cropped_example(foreground(), background(), 32, np.random.default_rng(seed))["x"]

    assert torch.equal(drawn(1), drawn(1))
    assert len({drawn(seed).sum().item() for seed in range(12)}) == 12


def test_all_scales_and_both_ways_round() -> None:
    edge = foreground()
    wide = [
        cropped_example(edge, background(), 32, np.random.default_rng(seed))["alpha"]
        for seed in range(40)
    ]
    mirrored = {bool(alpha[0, :, 0].mean() > alpha[0, :, -1].mean()) for alpha in wide}
    slopes = {round(float(alpha.diff(dim=-1).abs().max()), 2) for alpha in wide}
    assert mirrored == {True, False} and len(slopes) >= 3


@pytest.mark.parametrize("size", [(20, 50), (32, 32), (300, 20)])
def test_foregrounds_smaller_than_the_crop_are_enlarged(size: tuple[int, int]) -> None:
    example = cropped_example(foreground(*size), background(), 48, np.random.default_rng(0))
    assert example["x"].shape == (4, 48, 48) and example["unknown"].any()


def test_a_foreground_without_mixed_pixels() -> None:
    solid = Foreground("solid", np.full((40, 40), 255, np.uint8), background(40, 40))
    example = cropped_example(solid, background(), 32, np.random.default_rng(0))
    assert not example["unknown"].any() and torch.equal(example["image"], example["foreground"])


@pytest.mark.parametrize("behind", [(70, 60), (200, 90), (90, 121)])
def test_a_whole_foreground_before_a_background_that_covers_it(behind: tuple[int, int]) -> None:
    edge = foreground()
    example = whole_example(edge, background(*behind), dilation=5)
    assert example["image"].shape == (3, 90, 120) == example["background"].shape
    assert torch.equal((255 * example["alpha"]).round()[0], torch.from_numpy(edge.alpha).float())
    assert example["background"].std() > 0.05
