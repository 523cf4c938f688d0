"""A trained network on an image and a trimap of any size: its alpha, and the cut-out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...engine import Batch
from ...errors import UserError
from ...images import read_image, to_colour
from .compose import network_input
from .cutout import foreground_colour
from .metrics import with_known
from .trimap import check_size, decode_trimap

__all__ = [
    "MULTIPLE", "Matte", "cut_out", "estimate_alpha", "infer", "read_photograph",
    "read_users_trimap", "write_alpha", "write_cut_out",
]  # fmt: skip

Array = npt.NDArray[np.float32]
Trimap = npt.NDArray[np.uint8]
Fit = Literal["resize", "pad"]

#: Five halvings: sides are brought to the next multiple.
MULTIPLE = 32
#: Pixels that are computed at once; at the paper's width they take about 2 GB. A larger image is
#: computed in tiles of this many, with a margin that is thrown away.
LARGEST, MARGIN = 1 << 20, 128


@torch.no_grad()
def estimate_alpha(
    model: nn.Module, image: npt.NDArray[np.uint8] | Array, trimap: Trimap, fit: Fit = "resize"
) -> Array:
    """The alpha of an image (Sec. 6.1).

    Sides become multiples of 32: enlarged as in the paper's code (bicubic; the trimap by nearest
    neighbour), or padded by repeating the border. The matte is brought back to the image's size
    and clipped, and what the trimap knows is put in. More than a megapixel is computed in tiles; a
    pixel far from a tile's border comes out nearly as it would at once, since ASPP also looks at
    the mean of all that it sees.

    Args:
        model: in evaluation mode, on any device.
        image: ``(H, W, 3)`` RGB, uint8, or float32 in [0, 1].
        trimap: ``(H, W)`` of 0, 128 and 255.
        fit: how sides become multiples.

    Returns:
        ``(H, W)`` in [0, 1].

    Raises:
        ValueError: sizes that differ, or an image of other values.
    """
    if image.dtype not in (np.uint8, np.float32) or image.max(initial=0) > 255:
        raise ValueError(f"the image must be uint8, or float32 in [0, 1], got {image.dtype}")
    if image.shape != (*trimap.shape, 3):
        raise ValueError(f"image {image.shape} and trimap {trimap.shape} do not fit")
    planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).float()
    if image.dtype == np.uint8:
        planes = planes / 255
    elif planes.max() > 1:
        raise ValueError("a float32 image must lie in [0, 1]")
    return _estimate(model, planes, trimap, fit)


def _estimate(model: nn.Module, image: Tensor, trimap: Trimap, fit: Fit = "resize") -> Array:
    """Image ``(3, H, W)`` in [0, 1] and trimap ``(H, W)`` → alpha ``(H, W)``."""
    height, width = trimap.shape
    if height * width <= LARGEST:
        return with_known(_at_once(model, image, trimap, fit), trimap)
    side = int(LARGEST**0.5) - 2 * MARGIN
    matte = np.zeros(trimap.shape, np.float32)
    for top in range(0, height, side):
        for left in range(0, width, side):
            kept = slice(top, top + side), slice(left, left + side)
            if not (trimap[kept] == 128).any():
                continue  # nothing to find out
            seen = tuple(
                slice(max(0, start - MARGIN), min(length, start + side + MARGIN))
                for start, length in ((top, height), (left, width))
            )
            tile = _at_once(model, image[:, seen[0], seen[1]], trimap[seen], fit)
            rows, columns = top - seen[0].start, left - seen[1].start
            matte[kept] = tile[rows : rows + side, columns : columns + side]
    return with_known(matte, trimap)


def _at_once(model: nn.Module, image: Tensor, trimap: Trimap, fit: Fit) -> Array:
    height, width = trimap.shape
    size = [max(MULTIPLE, -(-side // MULTIPLE) * MULTIPLE) for side in trimap.shape]
    guess = torch.from_numpy(np.ascontiguousarray(trimap))[None, None]
    if fit == "pad":
        missing = (0, size[1] - width, 0, size[0] - height)
        planes = F.pad(image[None], missing, mode="replicate")
        guess = F.pad(guess.float(), missing, mode="replicate").byte()
    else:
        planes = _resized(image[None], size).clamp(0, 1)
        guess = F.interpolate(guess, size, mode="nearest-exact")
    x = network_input(planes[0], guess[0, 0].numpy())
    device = next(model.parameters()).device
    alpha = model(x[None].to(device)).float().cpu()
    if fit == "pad":
        return alpha[0, 0, :height, :width].numpy()
    return _resized(alpha, [height, width])[0, 0].numpy()


def _resized(planes: Tensor, size: list[int]) -> Tensor:
    if list(planes.shape[-2:]) == size:
        return planes
    return F.interpolate(planes, size, mode="bicubic", align_corners=False)


def infer(model: nn.Module, batch: Batch) -> Tensor:
    """The mattes of a test batch ``(N, 1, H, W)``, each image as :func:`estimate_alpha` does it."""
    trimaps = (255 * batch.x[:, 3]).round().byte().cpu().numpy()  # (N, 4, H, W) → (N, H, W)
    mattes = [
        torch.from_numpy(_estimate(model, image.cpu(), trimap))[None]
        for image, trimap in zip(batch.more["image"], trimaps, strict=True)
    ]
    return torch.stack(mattes)


# --- files of one's own ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Matte:
    """Alpha ``(H, W)`` and the foreground's colours ``(H, W, 3)``, both in [0, 1]."""

    alpha: Array
    colour: Array


def read_photograph(content: bytes) -> tuple[Array, str]:
    """``(H, W, 3)`` of a file's bytes, and what was changed."""
    image, note = read_image(content, longest_side=None, smallest_side=1)
    return to_colour(image), note


def read_users_trimap(content: bytes) -> tuple[Trimap, str]:
    """``(H, W)`` of 0, 128 and 255 of a file's bytes."""
    return decode_trimap(content), ""


def cut_out(model: nn.Module, image: Array, trimap: Trimap) -> Matte:
    """A photograph's matte and the colours of what is cut out.

    Raises:
        UserError: the trimap is not as large as the photograph.
    """
    try:
        check_size(trimap, (image.shape[0], image.shape[1]))
    except UserError as error:
        raise UserError(f"the trimap {error}") from None
    alpha = estimate_alpha(model, image.astype(np.float32), trimap)
    return Matte(alpha, foreground_colour(image, alpha))


def write_alpha(path: Path, matte: Matte) -> None:
    """The matte as a grey PNG of 16 bits; OSError where that cannot be written."""
    from PIL import Image

    Image.fromarray(np.round(65535 * matte.alpha).astype(np.uint16)).save(path)


def write_cut_out(path: Path, matte: Matte) -> None:
    """The foreground with its opacity, RGBA of 8 bits; OSError where that cannot be written."""
    from PIL import Image

    pixels = np.dstack([matte.colour, matte.alpha])
    Image.fromarray(np.round(255 * pixels).astype(np.uint8), "RGBA").save(path)
