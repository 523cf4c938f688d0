"""Trimaps made from alpha, and whatever files users bring."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from indexnet_edu.errors import UserError
from indexnet_edu.tasks.matting.trimap import (
    read_trimap,
    trimap_from_alpha,
    trimap_from_mask,
    widened,
)

GOOD = np.repeat(np.array([[0, 0, 128, 255, 255]], np.uint8), 4, axis=0)


def saved(folder: Path, picture: np.ndarray | Image.Image, name: str = "trimap.png") -> Path:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(folder / name)
    return folder / name


# --- from alpha ----------------------------------------------------------------------------------


def test_a_disc_around_each_mixed_pixel() -> None:
    alpha = np.zeros((21, 21), np.uint8)
    alpha[:, 15:] = 255
    alpha[10, 8] = 77
    trimap = trimap_from_alpha(alpha, 5)
    y, x = np.indices(alpha.shape)
    near = (y - 10) ** 2 + (x - 8) ** 2 <= 25
    assert (trimap[near] == 128).all()
    assert (trimap[~near] == np.where(alpha == 255, 255, 0)[~near]).all()


@given(st.integers(0, 10**6), st.integers(1, 19))
def test_what_it_knows_is_true_and_more_dilation_knows_less(seed: int, dilation: int) -> None:
    rng = np.random.default_rng(seed)
    alpha = rng.choice(np.array([0, 0, 0, 255, 255, 90], np.uint8), (12, 15))
    alpha[:, :6], alpha[:, 9:] = 0, 255
    trimap = trimap_from_alpha(alpha, dilation)
    assert (alpha[trimap == 0] == 0).all() and (alpha[trimap == 255] == 255).all()
    assert np.array_equal(trimap, trimap_from_alpha(alpha / 255, dilation))
    wider = trimap_from_alpha(alpha, dilation + 1)
    assert ((wider == 128) >= (trimap == 128)).all()


def test_nothing_mixed_nothing_unknown() -> None:
    alpha = np.array([[0, 255]], np.uint8)
    assert trimap_from_alpha(alpha, 3).tolist() == [[0, 255]]


def test_a_mask_gets_a_band() -> None:
    mask = np.zeros((9, 20), bool)
    mask[:, 10:] = True
    trimap = trimap_from_mask(mask, 2)
    assert trimap[4].tolist() == [0] * 7 + [128] * 5 + [255] * 8
    with pytest.raises(UserError, match="no border"):
        trimap_from_mask(np.zeros((3, 3), bool), 2)


# --- from files ----------------------------------------------------------------------------------


def palette() -> Image.Image:
    picture = Image.fromarray((GOOD // 127).astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 128, 128, 128, 255, 255, 255])
    return picture


KINDS = {
    "grey": GOOD,
    "rgb": np.repeat(GOOD[..., None], 3, axis=2),
    "opacity": np.dstack([GOOD, GOOD, GOOD, np.full_like(GOOD, 9)]),
    "palette": palette(),
    "16 bit": (GOOD.astype(np.uint16) * 257),
    "8 bit in 16": GOOD.astype(np.uint16),
    "other greys": np.choose(GOOD // 127, [7, 90, 246]).astype(np.uint8),
    "grey and opacity": Image.fromarray(GOOD).convert("LA"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_these_are_the_same_trimap(kind: str, tmp_path: Path) -> None:
    trimap = read_trimap(saved(tmp_path, KINDS[kind]), (4, 5))
    assert trimap.dtype == np.uint8 and np.array_equal(trimap, GOOD)


def test_jpeg_moves_black_and_white_a_little(tmp_path: Path) -> None:
    large = np.kron(GOOD, np.ones((13, 13), np.uint8))
    path = saved(tmp_path, large, "trimap.jpg")
    assert set(np.unique(Image.open(path))) - {0, 128, 255}
    agrees = read_trimap(path, large.shape) == large
    assert agrees.mean() > 0.9


REFUSED = {
    "coloured": (np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8), "changed places"),
    "a mask": (np.where(GOOD > 0, 255, 0).astype(np.uint8), "no unknown pixels.*grey"),
    "black": (GOOD * 0, "black everywhere: paint"),
    "all grey": (GOOD * 0 + 128, "grey everywhere: paint"),
    "labels": ((GOOD // 127).astype(np.uint8), "labels up to 2.*unknown as 128"),
    "another size": (GOOD[:, :4], "is 4×4, its image 5×4: make both the same size"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_one_line_with_the_remedy(kind: str, tmp_path: Path) -> None:
    picture, words = REFUSED[kind]
    with pytest.raises(UserError, match=words) as one:
        read_trimap(saved(tmp_path, picture), (4, 5))
    assert "\n" not in str(one.value) and str(one.value).startswith("trimap.png")


def test_a_mask_becomes_a_trimap_where_a_band_is_given(tmp_path: Path) -> None:
    mask = np.where(np.arange(9) > 4, 255, 0).astype(np.uint8)[None].repeat(6, axis=0)
    trimap = read_trimap(saved(tmp_path, mask), mask.shape, band=1)
    assert trimap[0].tolist() == [0, 0, 0, 128, 128, 128, 255, 255, 255]


def test_no_picture_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    for name, words in (("a.png", "a.png is no picture"), ("missing.png", "cannot read .*missing")):
        with pytest.raises(UserError, match=f"{words}.*PNG"):
            read_trimap(tmp_path / name, (4, 5))


def test_a_portrait_stored_lying(tmp_path: Path) -> None:
    """Its trimap may lie too, if it says so; if it does not, it is said what to do."""
    path = saved(tmp_path, GOOD)
    with pytest.raises(UserError, match="turn the trimap as the photograph is turned"):
        read_trimap(path, (5, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(GOOD).save(path, exif=exif)
    assert np.array_equal(read_trimap(path, (5, 4)), GOOD.T)


# --- widened -------------------------------------------------------------------------------------


def test_the_unknown_region_reaches_so_far_on_either_side() -> None:
    mask = np.zeros((9, 20), np.uint8)
    mask[:, 10:] = 255
    row = widened(mask, 2, 3)[4]
    assert row.tolist() == [0] * 7 + [128] * 5 + [255] * 8
    assert (mask[:, 10:] == 255).all()  # a new one is given


def test_a_trimap_grows_from_its_own_borders_and_zero_changes_nothing() -> None:
    assert (widened(GOOD, 0, 0) == GOOD).all()
    assert widened(GOOD, 1, 0)[0].tolist() == [0, 0, 128, 128, 255]
    assert widened(GOOD, 0, 1)[0].tolist() == [0, 128, 128, 255, 255]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_level_everywhere_has_no_border(level: int) -> None:
    flat = np.full((5, 6), level, np.uint8)
    assert (widened(flat, 3, 3) == flat).all()
