"""Pictures for the widgets: sample photographs, and the learner's own, read with care.

Everything comes out as float32 in [0, 1], ``(H, W)`` grey or ``(H, W, 3)`` RGB, with a note on
what had to be changed on the way.
"""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from .errors import UserError

__all__ = [
    "LONGEST_SIDE",
    "MAX_PIXELS",
    "SAMPLES",
    "read_image",
    "sample_image",
    "to_colour",
    "to_grey",
    "write_image",
]

#: Larger pictures are reduced to this; smaller ones stay as they are.
LONGEST_SIDE = 512
SMALLEST_SIDE = 16
#: Known from the header, before anything is decoded: a file of some kilobytes can claim gigabytes.
MAX_PIXELS = 64_000_000
# What Pillow decodes by itself. PostScript, for one, would start another program.
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")

#: Photographs that scikit-image carries in its wheel (nothing is downloaded), by title.
SAMPLES = {"camera": "camera", "astronaut": "astronaut", "coins": "coins"}


def to_grey(image: np.ndarray) -> np.ndarray:
    """``(H, W)`` as it is, ``(H, W, 3)`` as its luma (ITU-R BT.601)."""
    return image if image.ndim == 2 else image @ np.array([0.299, 0.587, 0.114], image.dtype)


def to_colour(image: np.ndarray) -> np.ndarray:
    """``(H, W, 3)`` as it is, ``(H, W)`` with three equal channels."""
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


@cache
def sample_image(name: str, side: int = 128) -> np.ndarray:
    """The middle square of a sample photograph, grey, ``(side, side)``, read-only.

    Raises:
        ValueError: a name that is not in ``SAMPLES``.
    """
    if name not in SAMPLES:
        raise ValueError(f"there is no sample {name!r}; choose from {', '.join(SAMPLES)}")
    import skimage.data
    from PIL import Image

    photograph = Image.fromarray(getattr(skimage.data, SAMPLES[name])()).convert("L")
    edge = min(photograph.size)
    left, top = (photograph.width - edge) // 2, (photograph.height - edge) // 2
    square = photograph.crop((left, top, left + edge, top + edge))
    small = square.resize((side, side), Image.Resampling.LANCZOS)
    grey = np.asarray(small, dtype=np.float32) / 255
    grey.flags.writeable = False
    return grey


def read_image(
    data: bytes, longest_side: int | None = LONGEST_SIDE, smallest_side: int = SMALLEST_SIDE
) -> tuple[np.ndarray, str]:
    """Decodes the bytes of an image file.

    Sixteen bits keep their range, CMYK and palettes become RGB, transparency is laid on white, an
    animation gives its first frame, a photograph is turned upright, and what is larger than
    ``longest_side`` is reduced (None for never). Floating-point values within [0, 1] are kept, from
    above 2 up to 255 taken for eight bits, and stretched to [0, 1] otherwise.

    Returns:
        The picture ``(H, W)`` or ``(H, W, 3)``, float32 in [0, 1]; and what was changed, empty if
        nothing.

    Raises:
        UserError: no image of a known format, a damaged, tiny or gigantic one. One line, with the
            remedy.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise UserError("the file is empty: choose a PNG or JPEG image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(bytes(data)), formats=_FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise UserError(_too_large(width, height))
                if min(width, height) < smallest_side:
                    raise UserError(
                        f"the image is only {width}×{height} pixels: "
                        f"choose one of at least {smallest_side}×{smallest_side}"
                    )
                return _decode(image, longest_side)
    except UnidentifiedImageError:
        raise UserError("this is no image that can be read: choose a PNG or JPEG file") from None
    except Image.DecompressionBombError:
        raise UserError("the image is far too large: reduce it below 64 megapixels first") from None
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UserError(f"the image is damaged ({reason}): save it again as PNG or JPEG") from None


def _too_large(width: int, height: int) -> str:
    return f"the image has {width * height / 1e6:.0f} megapixels: reduce it below 64 first"


def _decode(image: object, longest_side: int | None) -> tuple[np.ndarray, str]:
    from PIL import Image, ImageOps

    assert isinstance(image, Image.Image)
    notes = []
    size = image.size
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"first of {image.n_frames} frames")  # type: ignore[attr-defined]
    if longest_side:  # saves time for a JPEG
        image.draft("RGB" if image.mode != "L" else "L", (longest_side, longest_side))
    image.load()
    picture = ImageOps.exif_transpose(image)
    mode = picture.mode
    deep = mode.startswith(("I", "F"))
    if deep:
        pixels = np.asarray(picture, dtype=np.float64)  # in which no difference overflows
        if not np.isfinite(pixels).all():
            raise ValueError("it holds values that are no numbers")
        pixels, note = _to_unit(pixels, mode)
        notes.append(note)
        picture = Image.fromarray(pixels.astype(np.float32))  # mode F
    elif picture.has_transparency_data:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        grey = mode in ("LA", "La", "L", "1")
        picture = Image.alpha_composite(ground, layer).convert("L" if grey else "RGB")
        if layer.getchannel("A").getextrema() != (255, 255):
            notes.append("transparency laid on white")
        elif mode in ("P", "PA"):
            notes.append("palette converted to RGB")
    elif mode in ("P", "CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGB")
        notes.append({"P": "palette"}.get(mode, mode) + " converted to RGB")
    elif mode not in ("L", "RGB"):
        picture = picture.convert("L")
    if longest_side and max(size) > longest_side:
        share = longest_side / max(picture.size)
        wanted = [max(1, round(side * share)) for side in picture.size]
        if min(wanted) < SMALLEST_SIDE:
            raise UserError(
                f"the image is too narrow a strip ({size[0]}×{size[1]} pixels): crop it first"
            )
        picture = picture.resize((wanted[0], wanted[1]), Image.Resampling.LANCZOS, reducing_gap=3.0)
        notes.append(f"reduced from {size[0]}×{size[1]} to {wanted[0]}×{wanted[1]} pixels")
    scale = 1.0 if deep else 255.0
    return np.clip(np.asarray(picture, np.float32) / scale, 0, 1), "; ".join(notes)


def _to_unit(pixels: np.ndarray, mode: str) -> tuple[np.ndarray, str]:
    """Values of more than eight bits as [0, 1], and what was done with them.

    Args:
        mode: Pillow's: floating-point (F), 32 bits (I) or 16 (I;16).
    """
    low, high = float(pixels.min()), float(pixels.max())
    top = 1.0 if mode == "F" else 65535.0
    # NumPy writes what it counts in 32 bits, also where eight are meant. But a float a little above
    # 1 is a bright one that overshoots.
    eight_bits = {"F": high > 2, "I": True}.get(mode, False)
    if low >= 0 and high <= 255 and eight_bits:
        return pixels / 255, "values up to 255 taken for eight bits"
    if low >= 0 and high <= top:
        return pixels / top, "more than 8 bits a value, kept"
    if low == high:  # nothing to stretch
        return np.clip(pixels / top, 0, 1), f"one value, {low:g}, beyond the range and cut to it"
    return (pixels - low) / (high - low), "values stretched to the range 0 to 1"


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes an image in [0, 1], ``(H, W)`` or ``(H, W, 3)``, with eight bits a value.

    Raises:
        OSError: the file cannot be written.
    """
    from PIL import Image

    Image.fromarray((np.clip(image, 0, 1) * 255).round().astype(np.uint8)).save(path)
