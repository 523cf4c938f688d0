"""A learner's own photograph, beside the notebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import UserError
from ..images import read_image

__all__ = ["read_beside"]


def read_beside(path: str | Path) -> tuple[np.ndarray, str]:
    """A picture as :func:`~indexnet_edu.images.read_image` reads it, and its name with what was
    changed.

    Raises:
        UserError: no such file, or no image.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}): put the file beside this notebook and name "
            "it"
        ) from None
    image, note = read_image(content)
    return image, "; ".join(filter(None, [Path(path).name, note]))
