"""A photograph of one's own: a trimap to begin with, its cut-out, and the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...images import to_colour
from ...tasks.matting import predict
from ...tasks.matting.predict import Matte
from ...tasks.matting.trimap import BACKGROUND, FOREGROUND, read_trimap
from ..own_photograph import read_beside

__all__ = ["before", "my_photograph", "my_start", "write_cut_out"]

Array = npt.NDArray[Any]

#: The rough outline of the sample's cat, clockwise, (column, row): painted by hand in a minute.
CAT = (
    (44, 0), (34, 35), (31, 75), (28, 108), (0, 130), (0, 300), (296, 300), (303, 270), (314, 245),
    (324, 220), (350, 178), (361, 145), (361, 100), (358, 72), (378, 40), (396, 0),
)  # fmt: skip


def my_photograph(name: str) -> tuple[Array, str]:
    """A photograph ``(H, W, 3)`` uint8 and where it came from; a sample where no file is named.

    Larger ones are reduced to 512 pixels.

    Raises:
        UserError: no such file, or no image.
    """
    if not name:
        import skimage.data

        return skimage.data.chelsea(), "a sample, the cat Chelsea"
    image, words = read_beside(name)
    return np.round(255 * to_colour(image)).astype(np.uint8), words


def my_start(photograph: Array, sample: bool, trimap: str = "") -> Array:
    """What the painter begins with: a file, the sample's outline, or an oval in the middle.

    Args:
        photograph: ``(H, W, 3)``.
        sample: whether it is the sample.
        trimap: name of a trimap or mask of the photograph's size; "" for none.

    Returns:
        ``(H, W)`` of 0, 128 and 255.

    Raises:
        UserError: see :func:`~indexnet_edu.tasks.matting.trimap.read_trimap`.
    """
    from PIL import Image, ImageDraw

    height, width = photograph.shape[:2]
    if trimap:
        return read_trimap(Path(trimap), (height, width), band=0)
    picture = Image.new("L", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(picture)
    if sample:
        pen.polygon(CAT, fill=FOREGROUND)
    else:
        pen.ellipse((width // 4, height // 6, width - width // 4, height), fill=FOREGROUND)
    return np.array(picture)


def before(background: Array | float, colours: Array, alpha: Array) -> Array:
    """The cut-out before another background, ``(H, W, 3)`` in [0, 1]."""
    share = alpha[..., None]
    return np.asarray(share * colours + (1 - share) * background, np.float32)


def write_cut_out(path: str | Path, colours: Array, alpha: Array) -> Path:
    """Saves a PNG whose fourth channel is alpha; colours ``(H, W, 3)`` in [0, 1].

    Raises:
        UserError: it cannot be written.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        predict.write_cut_out(file, Matte(alpha.clip(0, 1), colours.clip(0, 1)))
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error}): choose another place") from None
    return file
