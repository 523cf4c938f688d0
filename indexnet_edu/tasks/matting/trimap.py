"""Trimaps: from a known alpha, and as users bring them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError

__all__ = [
    "BACKGROUND",
    "FOREGROUND",
    "LARGEST_DILATION",
    "UNKNOWN",
    "check_size",
    "decode_trimap",
    "read_trimap",
    "trimap_from_alpha",
    "trimap_from_mask",
    "widened",
]

Trimap = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
#: Pixels; the released code dilates by 1 to 19.
LARGEST_DILATION = 19

_SLACK = 20  # grey levels by which JPEG may have moved black and white
_COLOURED = 30  # grey levels between channels from which on a picture is one of colours


def trimap_from_alpha(alpha: Array, dilation: float) -> Trimap:
    """What a user would paint around an alpha: unknown where it is mixed, and near there.

    Args:
        alpha: ``(H, W)``, uint8 of 255 or a fraction of 1.
        dilation: pixels (Euclidean; the paper does not say) within which of a mixed pixel
            everything is unknown.

    Returns:
        ``(H, W)`` of 0, 128 and 255; what it calls known is exactly 0 or 1 in alpha.
    """
    whole = 255 if alpha.dtype == np.uint8 else 1
    mixed = (alpha > 0) & (alpha < whole)
    return _with_band(alpha >= whole, mixed, dilation)


def trimap_from_mask(mask: Array, band: float) -> Trimap:
    """A trimap from a hard mask ``(H, W)`` of bools: unknown within ``band`` pixels of its border.

    Raises:
        UserError: the mask has no border.
    """
    from scipy.ndimage import binary_dilation

    border = binary_dilation(mask) & ~mask
    if not border.any():
        raise UserError("the mask has no border: mark the object white and the rest black")
    return _with_band(mask, border, band)


def _with_band(inside: Array, seeds: Array, radius: float) -> Trimap:
    from scipy.ndimage import distance_transform_edt

    trimap = np.where(inside, FOREGROUND, BACKGROUND).astype(np.uint8)
    if seeds.any():
        trimap[distance_transform_edt(~seeds) <= radius] = UNKNOWN
    return trimap


def widened(trimap: Trimap, inwards: float, outwards: float) -> Trimap:
    """A trimap, or a mask of 0 and 255, whose unknown region reaches further.

    Args:
        trimap: ``(H, W)`` of 0, 128 and 255.
        inwards, outwards: pixels of foreground and of background that become unknown, counted from
            the region's border.

    Returns:
        A new one.
    """
    from scipy.ndimage import distance_transform_edt

    wider = trimap.copy()
    for level, reach in ((FOREGROUND, inwards), (BACKGROUND, outwards)):
        known = trimap == level
        if reach and known.any() and not known.all():
            wider[known & (distance_transform_edt(known) <= reach)] = UNKNOWN
    return wider


def read_trimap(path: Path, size: tuple[int, int], band: int | None = None) -> Trimap:
    """A user's trimap from a file; see :func:`decode_trimap`.

    Args:
        size: (H, W) of the image that it belongs to.

    Raises:
        UserError: as there; also another size. The line begins with the file's name.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the trimap {path} ({error.strerror}): give a PNG") from None
    try:
        trimap = decode_trimap(content, band)
        check_size(trimap, size)
    except UserError as error:
        raise UserError(f"{path.name} {error}") from None
    return trimap


def check_size(trimap: Trimap, size: tuple[int, int]) -> None:
    """UserError if a trimap is not as large as its image, (H, W)."""
    if trimap.shape == tuple(size):
        return
    remedy = "make both the same size, the trimap without smoothing"
    if trimap.shape == tuple(size)[::-1]:
        remedy = "turn the trimap as the photograph is turned (cameras store a portrait lying)"
    raise UserError(f"is {_size(trimap.shape)}, its image {_size(size)}: {remedy}")


def decode_trimap(content: bytes, band: int | None = None) -> Trimap:
    """A user's trimap: any picture file that is black, grey and white.

    Grey, palette, RGB and 16-bit files are read alike. Nearly black and nearly white count as
    black and white, since JPEG moves them; all between is unknown, so that an alpha matte is a
    trimap too. An opacity channel is ignored. What a camera or an editor stored turned is turned.

    Args:
        content: of the file.
        band: how many pixels around its border are unknown, should the file be a mask; None refuses
            masks.

    Returns:
        ``(H, W)`` of 0, 128 and 255.

    Raises:
        UserError: no picture, a coloured one, labels instead of grey levels, nothing unknown (a
            mask) or nothing known; one line with the remedy, which begins with a verb.
    """
    grey = _grey_levels(content)
    if 0 < grey.max() <= 3:
        raise UserError(
            f"holds labels up to {grey.max():.0f} and not grey levels: "
            f"save background as {BACKGROUND}, unknown as {UNKNOWN}, foreground as {FOREGROUND}"
        )
    trimap = np.full(grey.shape, UNKNOWN, np.uint8)
    trimap[grey <= BACKGROUND + _SLACK] = BACKGROUND
    trimap[grey >= FOREGROUND - _SLACK] = FOREGROUND
    for level, colour in ((BACKGROUND, "black"), (UNKNOWN, "grey"), (FOREGROUND, "white")):
        if (trimap == level).all():
            raise UserError(
                f"is {colour} everywhere: paint what is surely background black, what "
                "is surely foreground white, and the border between them grey"
            )
    if not (trimap == UNKNOWN).any():
        if band is not None:
            return trimap_from_mask(trimap == FOREGROUND, band)
        raise UserError(
            "has no unknown pixels, it is a mask: paint the object's border grey "
            f"({UNKNOWN}), or give the width of the border in pixels"
        )
    return trimap


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]}"


def _grey_levels(content: bytes) -> Array:
    """``(H, W)`` grey levels of 255."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content)) as stored:
            picture = ImageOps.exif_transpose(stored)
            deep = picture.mode in ("I", "F") or picture.mode.startswith("I;16")
            values = np.asarray(picture if deep else picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = str(error).partition("\n")[0].partition(" <_io")[0]
        raise UserError(f"is no picture that can be read ({reason}): give a PNG file") from None
    if deep:
        # Some writers put 8-bit values into 16 bits.
        levels = values.astype(np.float64)
        return np.round(levels / 257) if levels.max() > 255 else levels
    spread = values.max(axis=2).astype(int) - values.min(axis=2)
    if (spread > _COLOURED).mean() > 0.01:
        raise UserError(
            "is coloured: a trimap is black (background), grey (unknown) and white "
            "(foreground); perhaps image and trimap changed places"
        )
    return np.round(values.mean(axis=2)).astype(int)
