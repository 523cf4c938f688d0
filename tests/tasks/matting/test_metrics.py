"""The four errors: by hand, against loops, and what must not change them."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexnet_edu.tasks.matting.metrics import (
    connectivity_error,
    gradient_error,
    matting_errors,
    mse,
    sad,
    with_known,
)
from tests.tasks.matting import slow_errors

ALL = (sad, mse, gradient_error, connectivity_error)


def mattes(seed: int, height: int = 14, width: int = 17) -> tuple[np.ndarray, ...]:
    """Smooth enough to have pieces, of 8 bits, with trimap."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    rough = gaussian_filter(rng.standard_normal((2, height, width)), (0, 2, 2))
    pred, target = np.round(255 * (0.5 + 4 * rough).clip(0, 1)) / 255
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (height, width), p=[0.2, 0.6, 0.2])
    return pred, target, trimap


def test_by_hand() -> None:
    target = np.array([[0.0, 0.5, 1.0, 1.0]])
    pred = np.array([[0.0, 0.75, 0.5, 0.0]])
    trimap = np.array([[0, 128, 128, 255]], np.uint8)
    assert sad(pred, target, trimap) == pytest.approx(0.75 / 1000)
    assert mse(pred, target, trimap) == pytest.approx((0.0625 + 0.25) / 2)


def test_connectivity_by_hand() -> None:
    # The third pixel is cut off from the piece of the first two, which reaches 1: its level is 0.
    target = np.array([[1.0, 1.0, 0.0, 0.5]])
    pred = np.array([[1.0, 1.0, 0.0, 0.9]])
    trimap = np.full((1, 4), 128, np.uint8)
    assert connectivity_error(pred, target, trimap) == pytest.approx(0.4 / 1000)
    # Below 0.15 beyond its level a pixel counts as connected.
    target[0, 3], pred[0, 3] = 0.0, 0.14
    assert connectivity_error(pred, target, trimap) == 0
    pred[0, 3] = 0.16
    assert connectivity_error(pred, target, trimap) == pytest.approx(0.16 / 1000)


def test_the_gradient_of_a_step_by_hand() -> None:
    # A unit-norm derivative sums to (sum of its positive half) · (sum of the Gaussian), normed.
    steps = np.arange(-4, 5)
    gaussian = np.exp(-(steps**2) / (2 * 1.4**2))
    slope = (steps * gaussian)[5:].sum() / np.linalg.norm(steps * gaussian)
    height = slope * gaussian.sum() / np.linalg.norm(gaussian)
    target = np.zeros((9, 20))
    target[:, 10:] = 1
    trimap = np.zeros((9, 20), np.uint8)
    trimap[4, 10] = 128
    found = gradient_error(np.zeros((9, 20)), target, trimap)
    assert found == pytest.approx(height**2 / 1000)


@given(st.integers(0, 10**6))
def test_against_loops(seed: int) -> None:
    pred, target, trimap = mattes(seed)
    assert gradient_error(pred, target, trimap) == pytest.approx(
        slow_errors.gradient(pred, target, trimap)
    )
    assert connectivity_error(pred, target, trimap) == pytest.approx(
        slow_errors.connectivity(pred, target, trimap)
    )


@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 20))
def test_the_truth_has_no_error(seed: int, height: int, width: int) -> None:
    _, target, trimap = mattes(seed, height, width)
    assert [error(target, target, trimap) for error in ALL] == [0, 0, 0, 0]
    assert set(matting_errors(target, target, trimap).values()) == {0}


@given(st.integers(0, 10**6))
def test_turning_all_three_changes_nothing(seed: int) -> None:
    case = mattes(seed)
    # Values that never repeat, so that no two pieces are equally large by chance alone.
    for turn in (np.fliplr, np.flipud, np.transpose, np.rot90):
        turned = [np.ascontiguousarray(turn(part)) for part in case]
        for error in (sad, mse, gradient_error):
            assert error(*turned) == pytest.approx(error(*case))


def test_turning_changes_no_connectivity_where_one_piece_is_largest() -> None:
    pred, target, trimap = mattes(3, 60, 70)
    before = connectivity_error(pred, target, trimap)
    assert before > 0
    for turn in (np.fliplr, np.flipud, np.transpose):
        after = connectivity_error(*(turn(part) for part in (pred, target, trimap)))
        assert after == pytest.approx(before)


@given(st.integers(0, 10**6))
def test_known_pixels_count_where_the_convention_says_so(seed: int) -> None:
    pred, target, trimap = mattes(seed)
    other = np.where(trimap == 128, pred, 1 - pred)
    assert sad(other, target, trimap) == sad(pred, target, trimap)
    assert mse(other, target, trimap) == mse(pred, target, trimap)
    assert gradient_error(other, target, trimap) != gradient_error(pred, target, trimap)


@given(st.integers(0, 10**6), st.floats(0.1, 1))
def test_sad_grows_with_the_difference_and_mse_with_its_square(seed: int, part: float) -> None:
    pred, target, trimap = mattes(seed)
    between = target + part * (pred - target)
    assert sad(between, target, trimap) == pytest.approx(part * sad(pred, target, trimap))
    assert mse(between, target, trimap) == pytest.approx(part**2 * mse(pred, target, trimap))


def test_sums_double_and_means_stay_when_a_picture_is_repeated() -> None:
    # Far apart, so that no gradient reaches from one into the other.
    pred, target, trimap = (np.pad(part, 6) for part in mattes(1))
    twice = [np.tile(part, 2) for part in (pred, target, trimap)]
    for error, factor in ((sad, 2), (gradient_error, 2), (mse, 1)):
        assert error(*twice) == pytest.approx(factor * error(pred, target, trimap))


def test_nothing_unknown() -> None:
    pred, target, _ = mattes(0)
    known = np.zeros(pred.shape, np.uint8)
    assert set(matting_errors(pred, target, known).values()) == {0}


def test_known_values_are_put_in() -> None:
    matte = np.array([[0.4, -0.2, 1.7, 0.3]], np.float32)
    found = with_known(matte, np.array([[0, 128, 128, 255]], np.uint8))
    assert found.dtype == np.float32 and found.tolist() == [[0, 0, 1, 1]]


def test_other_sizes_are_refused() -> None:
    pred, target, trimap = mattes(0)
    for error in ALL:
        with pytest.raises(ValueError, match="of one size"):
            error(pred, target[:-1], trimap)
        with pytest.raises(ValueError, match="of one size"):
            error(pred[None], target[None], trimap[None])


def test_a_large_picture_takes_seconds() -> None:
    case = mattes(0, 1280, 1920)
    start = time.process_time()
    matting_errors(*case)
    assert time.process_time() - start < 8  # about 1.5 on the machine it was written on
