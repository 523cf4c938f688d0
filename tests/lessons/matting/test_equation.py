"""The matting equation where it can be solved: against composites whose alpha is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from indexnet_edu.lessons.matting import equation
from indexnet_edu.tasks.matting.compose import composite
from indexnet_edu.tasks.matting.trimap import widened


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_known_colours_give_the_alpha_back(seed: int, channels: int) -> None:
    alpha = drawn(seed, 2, 1, 3, 4)
    front, behind = (drawn(seed + i, 2, channels, 3, 4) for i in (1, 2))
    behind = torch.where((front - behind).abs() < 0.05, 1 - front, behind)
    behind = torch.where((front - behind).abs() < 0.05, 0.0, behind)
    image = composite(alpha, front, behind)
    assert torch.allclose(equation.alpha_from_colours(image, front, behind), alpha, atol=1e-6)


def test_the_same_colours_tell_nothing() -> None:
    front = drawn(0, 1, 3, 2, 2)
    assert (equation.alpha_from_colours(front, front, front) == 0.5).all()


@given(st.integers(0, 10**6))
def test_two_backgrounds_give_the_alpha_back_whatever_stands_before_them(seed: int) -> None:
    alpha, front = drawn(seed, 1, 1, 3, 4), drawn(seed + 1, 1, 3, 3, 4)
    behind = drawn(seed + 2, 1, 3, 3, 4)
    other = 1 - behind
    other[:, :1] = behind[:, :1] + 0.5  # nowhere the same
    images = [composite(alpha, front, each) for each in (behind, other)]
    found = equation.alpha_from_two_backgrounds(*images, behind, other)
    assert torch.allclose(found, alpha, atol=1e-9)


def test_many_foregrounds_explain_a_pixel() -> None:
    image, behind = drawn(0, 3), drawn(1, 3)
    for alpha in (1.0, 0.7, 0.3):
        front = equation.foreground_for(image, behind, alpha)
        assert torch.allclose(composite(torch.tensor(alpha), front, behind), image)


def test_squares_and_discs_agree_along_a_straight_border() -> None:
    mask = torch.zeros(1, 1, 20, 20)
    mask[..., 8:] = 1
    squares = equation.trimap_of_mask(mask, 2, 3)[0, 0].numpy()
    discs = widened((255 * mask[0, 0]).byte().numpy(), 2, 3)
    assert (squares == discs).all()


def test_borrowed_colours_solve_what_has_two_of_them() -> None:
    alpha = np.tile(np.clip(np.linspace(-0.5, 1.5, 60), 0, 1), (20, 1))
    front, behind = np.array([200.0, 40, 40]), np.array([20.0, 60, 180])
    image = np.round(alpha[..., None] * front + (1 - alpha[..., None]) * behind).astype(np.uint8)
    trimap = np.where(alpha == 0, 0, np.where(alpha == 1, 255, 128)).astype(np.uint8)
    found = equation.nearest_colours(image, trimap)
    assert found.dtype == np.float32 and np.abs(found - alpha).max() < 0.02


@pytest.mark.parametrize("level", [0, 255])
def test_without_one_of_the_two_it_is_one_half(level: int) -> None:
    trimap = np.full((8, 8), 128, np.uint8)
    trimap[:3] = level
    found = equation.nearest_colours(np.zeros((8, 8, 3), np.uint8), trimap)
    assert (found[3:] == 0.5).all() and (found[:3] == level / 255).all()
