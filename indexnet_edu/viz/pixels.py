"""Images inside SVG: a PNG of the image's own size, which the browser magnifies without
smoothing."""

from __future__ import annotations

import base64
import io

import numpy as np

from .palette import colour_table

__all__ = ["coloured", "png_uri", "svg_image"]


def coloured(
    values: np.ndarray, colourmap: str, limits: tuple[float, float] = (0.0, 1.0)
) -> np.ndarray:
    """``(H, W)`` through a colour map: ``(H, W, 3)`` bytes."""
    low, high = limits
    share = (values - low) / (high - low)
    return colour_table(colourmap)[np.clip(share * 256, 0, 255).astype(np.uint8)]


def png_uri(image: np.ndarray) -> str:
    """``(H, W)`` or ``(H, W, 3)`` as a data URI; bytes as they are, floats from [0, 1]."""
    from PIL import Image

    if image.dtype != np.uint8:
        image = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def svg_image(image: np.ndarray, x: float, y: float, factor: int) -> str:
    """An ``<image>`` at (x, y), each of its pixels ``factor`` × ``factor`` page pixels."""
    height, width = image.shape[:2]
    return (
        f'<image x="{x:.0f}" y="{y:.0f}" width="{width * factor}" height="{height * factor}" '
        f'href="{png_uri(image)}" preserveAspectRatio="none" style="image-rendering:pixelated"/>'
    )
