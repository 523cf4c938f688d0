"""What the numbers in a file mean: values of more than eight bits, and transparency."""

import io

import numpy as np
import pytest
from PIL import Image

from indexnet_edu.errors import UserError
from indexnet_edu.images import read_image

RAMP = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)


def constant(value: float) -> np.ndarray:
    return np.full((20, 20), value, np.float32)


def read(image: np.ndarray | Image.Image, format: str = "TIFF", **options: object):
    stream = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(stream, format, **options)
    return read_image(stream.getvalue(), longest_side=None, smallest_side=1)


@pytest.mark.parametrize(
    ("pixels", "expected", "says"),
    [
        (constant(0), constant(0), "kept"),
        (constant(0.3), constant(0.3), "kept"),
        (constant(1), constant(1), "kept"),
        (constant(128), constant(128 / 255), "eight bits"),
        (constant(1000), constant(1), "one value, 1000"),
        (constant(-1), constant(0), "one value, -1"),
        (RAMP, RAMP, "kept"),
        (RAMP * 255, RAMP, "eight bits"),
        (RAMP * 1.02, RAMP, "stretched"),  # not 1.02 of 255
        (RAMP - 0.5, RAMP, "stretched"),
        (RAMP * 1000, RAMP, "stretched"),
        ((RAMP - 0.5) * 3e38 * 2, RAMP, "stretched"),  # wider than a float32
        (np.round(RAMP * 65535).astype(np.uint16), RAMP, "kept"),
        (np.round(RAMP * 200).astype(np.uint16), RAMP * 200 / 65535, "kept"),
        (np.round(RAMP * 65535).astype(np.int32), RAMP, "kept"),
        (np.round(RAMP * 255).astype(np.int32), RAMP, "eight bits"),
        (np.round(RAMP * 10**9).astype(np.int32), RAMP, "stretched"),
    ],
)
def test_values_of_more_than_eight_bits(
    pixels: np.ndarray, expected: np.ndarray, says: str
) -> None:
    image, note = read(pixels)
    assert image.dtype == np.float32 and says in note
    np.testing.assert_allclose(image, expected, atol=3e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    pixels = RAMP.copy()
    pixels[3, 4] = value
    for bad in (pixels, constant(value)):
        with pytest.raises(UserError, match="no numbers"):
            read(bad)


def palette(**options: object):
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    return read(picture, "PNG", **options)


def test_only_what_is_transparent_is_said_to_be() -> None:
    for mode, colour in (("RGBA", (1, 2, 3, 255)), ("LA", (9, 255))):
        assert read(Image.new(mode, (20, 20), colour), "PNG")[1] == ""
    assert read(Image.new("L", (20, 20), 7), "PNG", transparency=9)[1] == ""
    assert palette(transparency=0)[1] == "palette converted to RGB"  # no pixel has colour 0
    assert read(Image.new("LAB", (20, 20), (9, 9, 9)))[1] == "LAB converted to RGB"
    assert palette(transparency=1)[1] == "transparency laid on white"
    image, note = read(Image.new("1", (20, 20), 0), "PNG", transparency=0)
    assert image.shape == (20, 20) and (image == 1).all() and "white" in note


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 2)])
def test_any_size_where_any_is_asked_for(size: tuple[int, int]) -> None:
    image, note = read(Image.new("L", size, 51), "PNG")
    assert image.shape == size[::-1] and note == ""
    assert image == pytest.approx(np.full(size[::-1], 0.2))
