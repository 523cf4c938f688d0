"""Learners' images: every kind is read, with a note on what was changed, or refused in one line."""

import io
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from indexnet_edu.errors import UserError
from indexnet_edu.images import (
    LONGEST_SIDE,
    SAMPLES,
    read_image,
    sample_image,
    to_grey,
)

RAMP = np.linspace(0, 255, 40 * 30).reshape(30, 40).astype(np.uint8)


def encode(image: Image.Image, format: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that claims a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(data)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_grey_comes_out_as_it_is():
    image, note = read_image(encode(Image.fromarray(RAMP)))
    assert image.dtype == np.float32 and note == ""
    assert (np.round(image * 255) == RAMP).all()


def test_rgb_comes_out_as_it_is():
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    image, note = read_image(encode(Image.fromarray(colours)))
    assert note == "" and (np.round(image * 255) == colours).all()
    assert to_grey(image).shape == (20, 30)


def test_sixteen_bits_keep_their_range():
    deep = (np.arange(40 * 30).reshape(30, 40) * 54).astype(np.uint16)
    image, note = read_image(encode(Image.fromarray(deep)))
    assert image == pytest.approx(deep / 65535, abs=1e-6)
    assert "8 bits" in note


def test_floats_in_and_out_of_range():
    kept, note = read_image(encode(Image.fromarray((RAMP / 255).astype(np.float32)), "TIFF"))
    assert kept == pytest.approx(RAMP / 255, abs=1e-6) and "kept" in note
    stretched, note = read_image(encode(Image.fromarray(RAMP * np.float32(3) - 100), "TIFF"))
    assert (stretched.min(), stretched.max()) == (0, 1) and "stretched" in note
    bad = RAMP.astype(np.float32)
    bad[0, 0] = np.nan
    with pytest.raises(UserError, match="no numbers"):
        read_image(encode(Image.fromarray(bad), "TIFF"))


def test_cmyk_becomes_rgb():
    image, note = read_image(encode(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"))
    assert image.shape == (20, 20, 3) and "CMYK" in note
    assert image[10, 10] == pytest.approx([1, 0, 0], abs=0.1)


def test_transparency_is_laid_on_white():
    for mode, colour in (("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))):
        image, note = read_image(encode(Image.new(mode, (20, 20), colour)))
        assert (image == 1).all() and "white" in note


def test_palettes_become_rgb_with_and_without_transparency():
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    image, note = read_image(encode(picture))
    assert image[0, 0].tolist() == [1, 0, 0] and "palette" in note
    image, note = read_image(encode(picture, transparency=1))
    assert image[0, 0].tolist() == [1, 1, 1] and "white" in note


def test_black_and_white():
    image, _ = read_image(encode(Image.new("1", (20, 20), 1)))
    assert image.shape == (20, 20) and (image == 1).all()


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("L", (20, 20), value) for value in (255, 0, 128)]
    for format in ("GIF", "WEBP"):
        options = {"lossless": True} if format == "WEBP" else {}
        data = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)
        image, note = read_image(data)
        assert to_grey(image).min() > 0.99 and "first of 3 frames" in note


def test_a_photograph_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    image, _ = read_image(encode(Image.fromarray(RAMP), "JPEG", exif=exif))
    assert image.shape == (40, 30)


def test_a_large_image_is_reduced_and_said_so():
    for format in ("PNG", "JPEG"):
        image, note = read_image(encode(Image.new("RGB", (3000, 2000), (255, 0, 0)), format))
        assert image.shape[:2] == (round(LONGEST_SIDE * 2 / 3), LONGEST_SIDE)
        assert "reduced from 3000×2000" in note
        assert image.mean(axis=(0, 1)) == pytest.approx([1, 0, 0], abs=0.01)


@pytest.mark.slow
def test_fifty_megapixels_are_reduced():
    image, note = read_image(encode(Image.new("L", (10_000, 5_000), 128), "JPEG"))
    assert image.shape == (LONGEST_SIDE // 2, LONGEST_SIDE) and "10000×5000" in note


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello, world" * 100, "no image"),
        (b"%PDF-1.4 not an image", "no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n", "no image"),
        (encode(Image.fromarray(RAMP))[:100], "damaged"),
        (encode(Image.fromarray(RAMP), "JPEG")[:300], "damaged"),
        (encode(Image.new("L", (1, 1))), "1×1"),
        (encode(Image.new("L", (500, 4))), "500×4"),
        (encode(Image.new("L", (6000, 20))), "narrow"),
        (png(9000, 9000), "81 megapixels"),
        (png(60000, 60000), "megapixels"),
        (png(2**31 - 1, 2**31 - 1), "megapixels"),
        (png(200, 200, b"\0" * 10), "damaged"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(data, words):
    with pytest.raises(UserError, match=words) as caught:
        read_image(data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 160


def test_a_bomb_is_refused_before_it_is_decoded():
    import tracemalloc

    data = png(60000, 60000, b"\0" * 1_000_000)
    tracemalloc.start()
    with pytest.raises(UserError):
        read_image(data)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_need_no_network(name, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a sample went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    sample_image.cache_clear()
    image = sample_image(name, 64)
    assert image.shape == (64, 64) and image.dtype == np.float32
    assert 0 <= image.min() < 0.2 and 0.8 < image.max() <= 1


def test_an_unknown_sample_is_refused():
    with pytest.raises(ValueError, match="camera"):
        sample_image("lena")
