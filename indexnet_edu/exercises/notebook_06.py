"""Exercises of notebook 06: matting."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ..lessons.matting.equation import (
    alpha_from_colours,
    alpha_from_two_backgrounds,
    trimap_of_mask,
)
from .exercise import Case, Exercise, Misconception

__all__ = ["EXERCISES"]


def _random(*shape: int, seed: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def _composed(alpha: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    return alpha * foreground + (1 - alpha) * background


# --- 6.1 Alpha between two colours ---------------------------------------------------------------


def _between(number: int, shape: tuple[int, ...], noise: float = 0.0) -> tuple[Tensor, ...]:
    """Image, foreground, background; with noise the image lies on no line between the two."""
    n, _, h, w = shape
    foreground, background = (_random(*shape, seed=10 * number + i) for i in (1, 2))
    image = _composed(_random(n, 1, h, w, seed=10 * number), foreground, background)
    return image + noise * (_random(*shape, seed=10 * number + 3) - 0.5), foreground, background


def _with_equal_colours() -> tuple[Tensor, ...]:
    image, foreground, background = _between(4, (1, 3, 2, 3))
    for colour in (image, background):
        colour[..., 0, 1] = foreground[..., 0, 1]
    return image, foreground, background


def _outside() -> tuple[Tensor, ...]:
    _, foreground, background = _between(5, (2, 3, 2, 2))
    beyond = torch.tensor([1.4, -0.3, 0.5, 0.9, 0.2, -0.8, 1.1, 0.6]).view(2, 1, 2, 2)
    return _composed(beyond, foreground, background), foreground, background


def _projected(
    image: Tensor,
    foreground: Tensor,
    background: Tensor,
    *,
    equal: float = 0.5,
    clip: bool = True,
    channels: slice = slice(None),
) -> Tensor:
    """The solution with what people overlook as arguments."""
    between = (foreground - background)[:, channels]
    off = (image - background)[:, channels]
    length = between.square().sum(1, keepdim=True)
    alpha = (off * between).sum(1, keepdim=True) / torch.where(length > 0, length, 1)
    alpha = torch.where(length > 0, alpha, equal)
    return alpha.clamp(0, 1) if clip else alpha


def _of_ratios(image: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    ratios = (image - background) / (foreground - background)
    same = (foreground == background).all(1, keepdim=True)
    return torch.where(same, 0.5, ratios.nan_to_num(0.5).mean(1, keepdim=True)).clamp(0, 1)


def _of_lengths(image: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    off, between = (
        (colour - background).square().sum(1, keepdim=True).sqrt() for colour in (image, foreground)
    )
    return torch.where(between > 0, off / between, 0.5).clamp(0, 1)


ALPHA = Exercise(
    "6.1",
    "Alpha between two colours",
    ("image", "foreground", "background"),
    lambda: [
        Case("one pixel of two colours", (
            torch.tensor([0.4, 0.5, 0.3]).view(1, 3, 1, 1),
            torch.tensor([1.0, 0.2, 0.0]).view(1, 3, 1, 1),
            torch.tensor([0.0, 0.7, 0.5]).view(1, 3, 1, 1),
        )),
        Case("two grey images", _between(1, (2, 1, 3, 2))),
        Case("colours that no alpha explains", _between(2, (1, 3, 2, 4), noise=0.4)),
        Case("five channels, on no line", _between(3, (2, 5, 3, 3), noise=0.3)),
        Case("a pixel whose two colours are the same", _with_equal_colours()),
        Case("a colour beyond the two", _outside()),
    ],
    alpha_from_colours,
    (
        Misconception(
            "Foreground and background are exchanged: this is how much of the *background* is "
            "seen.",
            lambda image, foreground, background: _projected(image, background, foreground),
        ),
        Misconception(
            "You average one ratio a channel. A channel in which the two colours hardly differ "
            "then speaks as loudly as one in which they do.",
            _of_ratios,
        ),
        Misconception(
            "You look at the first channel only. The others know something too.",
            lambda image, foreground, background: _projected(
                image, foreground, background, channels=slice(0, 1)
            ),
        ),
        Misconception(
            "You compare lengths. A length has no sign and forgets the direction: a colour away "
            "from the line between the two counts as foreground.",
            _of_lengths,
        ),
        Misconception(
            "An alpha is a share: it stays between 0 and 1, whatever the noise says.",
            lambda image, foreground, background: _projected(
                image, foreground, background, clip=False
            ),
        ),
        Misconception(
            "Where the two colours are the same, every alpha explains the pixel. Say one half "
            "there, not 0.",
            lambda image, foreground, background: _projected(
                image, foreground, background, equal=0.0
            ),
        ),
    ),
)  # fmt: skip


# --- 6.2 Two backgrounds -------------------------------------------------------------------------


def _before_two(number: int, shape: tuple[int, ...], noise: float = 0.0) -> tuple[Tensor, ...]:
    n, _, h, w = shape
    foreground, background_1, background_2 = (
        _random(*shape, seed=20 * number + i) for i in (1, 2, 3)
    )
    alpha = _random(n, 1, h, w, seed=20 * number)
    images = [_composed(alpha, foreground, behind) for behind in (background_1, background_2)]
    images[1] = images[1] + noise * (_random(*shape, seed=20 * number + 4) - 0.5)
    return (*images, background_1, background_2)


def _hole() -> tuple[Tensor, ...]:
    """An object with a hole and a solid part, before black and white."""
    alpha = torch.tensor([[0.0, 1.0], [0.25, 0.5]]).view(1, 1, 2, 2)
    foreground = torch.tensor([0.8, 0.4, 0.2]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    behind = [torch.full((1, 3, 2, 2), value) for value in (0.0, 1.0)]
    return (*(_composed(alpha, foreground, each) for each in behind), *behind)


def _share_of_change(
    image_1: Tensor, image_2: Tensor, background_1: Tensor, background_2: Tensor
) -> Tensor:
    change = background_1 - background_2
    seen = ((image_1 - image_2) * change).sum(1, keepdim=True)
    return seen / change.square().sum(1, keepdim=True)


def _two_of_lengths(
    image_1: Tensor, image_2: Tensor, background_1: Tensor, background_2: Tensor
) -> Tensor:
    seen, change = (
        each.square().sum(1, keepdim=True).sqrt()
        for each in (image_1 - image_2, background_1 - background_2)
    )
    return (1 - seen / change).clamp(0, 1)


TWO_BACKGROUNDS = Exercise(
    "6.2",
    "Two backgrounds",
    ("image_1", "image_2", "background_1", "background_2"),
    lambda: [
        Case("black and white behind an object with a hole", _hole()),
        Case("two images, any colours behind", _before_two(1, (2, 3, 2, 3))),
        Case("grey", _before_two(2, (1, 1, 3, 2))),
        Case("the second photograph is noisy", _before_two(3, (1, 3, 3, 4), noise=0.3)),
        Case("five channels, noisy", _before_two(4, (2, 5, 2, 2), noise=0.2)),
    ],
    alpha_from_two_backgrounds,
    (
        Misconception(
            "This is how much of the *background* shines through. Alpha is the rest.",
            lambda *arguments: _share_of_change(*arguments).clamp(0, 1),
        ),
        Misconception(
            "The images are subtracted the other way round than the backgrounds.",
            lambda a, b, c, d: (1 - _share_of_change(b, a, c, d)).clamp(0, 1),
        ),
        Misconception(
            "You average one ratio a channel. Where the backgrounds hardly differ, such a ratio is "
            "noise divided by almost nothing.",
            lambda a, b, c, d: (1 - ((a - b) / (c - d)).mean(1, keepdim=True)).clamp(0, 1),
        ),
        Misconception(
            "You look at the first channel only. With noise, all of them together know more.",
            lambda *arguments: (1 - _share_of_change(*(x[:, :1] for x in arguments))).clamp(0, 1),
        ),
        Misconception(
            "You compare lengths. Noise in any direction makes a difference longer, and so alpha "
            "too small: only the part along the change of the backgrounds counts.",
            _two_of_lengths,
        ),
        Misconception(
            "An alpha is a share: it stays between 0 and 1, whatever the noise says.",
            lambda *arguments: 1 - _share_of_change(*arguments),
        ),
    ),
)


# --- 6.3 A trimap from a rough mask --------------------------------------------------------------


def _mask(n: int, height: int, width: int, seed: int, border: int = 0) -> Tensor:
    """Blobs; with a border the object stays away from the edge."""
    coarse = _random(n, 1, -(-height // 4), -(-width // 4), seed=seed)
    mask = (F.interpolate(coarse, scale_factor=4)[..., :height, :width] > 0.45).float()
    return mask if not border else F.pad(mask, [border] * 4)


def _square(height: int, width: int, rows: slice, columns: slice) -> Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., rows, columns] = 1
    return mask


def _trimap(
    mask: Tensor,
    inwards: int,
    outwards: int,
    *,
    window: Callable[[int], int] = lambda reach: 2 * reach + 1,
    levels: tuple[int, int, int] = (0, 128, 255),
    eaten: bool = False,
) -> Tensor:
    """The solution with what people get wrong as arguments."""

    def dilated(x: Tensor, reach: int, fill: float = 0.0) -> Tensor:
        size = max(1, window(reach))
        left = (size - 1) // 2
        padded = F.pad(x, (left, size - 1 - left, left, size - 1 - left), value=fill)
        return F.max_pool2d(padded, size, stride=1)

    surely = 1 - dilated(1 - mask, inwards, fill=1.0 if eaten else 0.0)
    perhaps = dilated(mask, outwards)
    low, middle, high = levels
    return torch.where(surely > 0.5, high, torch.where(perhaps > 0.5, middle, low)).to(mask)


def _diamond(mask: Tensor, inwards: int, outwards: int) -> Tensor:
    """Grown by four neighbours, step by step: corners are cut."""
    cross = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]]).to(mask).view(1, 1, 3, 3)

    def dilated(x: Tensor, reach: int) -> Tensor:
        for _ in range(reach):
            x = (F.conv2d(x, cross, padding=1) > 0).to(x)
        return x

    surely, perhaps = 1 - dilated(1 - mask, inwards), dilated(mask, outwards)
    return torch.where(surely > 0.5, 255, torch.where(perhaps > 0.5, 128, 0)).to(mask)


TRIMAP = Exercise(
    "6.3",
    "A trimap from a rough mask",
    ("mask", "inwards", "outwards"),
    lambda: [
        Case("a square, further outwards than inwards",
             (_square(10, 11, slice(3, 7), slice(3, 8)), 1, 2)),
        Case("an object that the edge cuts off", (_square(9, 7, slice(0, 6), slice(2, 7)), 2, 1)),
        Case("two masks, not square", (_mask(2, 12, 16, seed=1), 2, 3)),
        Case("nothing inwards", (_mask(1, 13, 9, seed=2, border=3), 0, 2)),
        Case("nothing outwards", (_mask(1, 9, 14, seed=3, border=1), 1, 0)),
    ],
    trimap_of_mask,
    (
        Misconception(
            "`inwards` and `outwards` are exchanged.",
            lambda mask, inwards, outwards: _trimap(mask, outwards, inwards),
        ),
        Misconception(
            "The border is unknown on the outside only. Inwards, too, the rough mask may be wrong.",
            lambda mask, inwards, outwards: _trimap(mask, 0, outwards),
        ),
        Misconception(
            "The edge of the picture is no border of the object: what lies outside the picture "
            "should not make pixels unknown.",
            lambda mask, inwards, outwards: _trimap(mask, inwards, outwards, eaten=True),
        ),
        Misconception(
            "Your window is as wide as the reach. To reach so many pixels to *both* sides, it must "
            "have the pixel itself in its middle.",
            lambda mask, inwards, outwards: _trimap(
                mask, inwards, outwards, window=lambda reach: reach + 1 - reach % 2
            ),
            also=(
                lambda mask, inwards, outwards: _trimap(
                    mask, inwards, outwards, window=lambda reach: reach
                ),
            ),
        ),
        Misconception(
            "Each step goes to four neighbours and cuts the corners. The reach is counted along "
            "rows, columns and diagonals alike.",
            _diamond,
        ),
        Misconception(
            "The values are shares of 1. A trimap has 0, 128 and 255.",
            lambda mask, inwards, outwards: _trimap(
                mask, inwards, outwards, levels=(0, 0.5, 1)  # type: ignore[arg-type]
            ),
            also=(lambda mask, inwards, outwards: _trimap(mask, inwards, outwards) / 255,),
        ),
    ),
)  # fmt: skip


# --- 6.4 SAD as the benchmark counts -------------------------------------------------------------


def _mattes(height: int, width: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    matte, truth = ((256 * _random(height, width, seed=seed + i)).to(torch.uint8) for i in (0, 1))
    trimap = torch.tensor([0, 128, 255], dtype=torch.uint8)[
        (3 * _random(height, width, seed=seed + 2)).long()
    ]
    return matte, truth, trimap


def _small() -> tuple[Tensor, Tensor, Tensor]:
    return (
        torch.tensor([[255, 100, 0], [200, 30, 10]], dtype=torch.uint8),
        torch.tensor([[255, 151, 0], [98, 81, 0]], dtype=torch.uint8),
        torch.tensor([[255, 128, 0], [128, 128, 0]], dtype=torch.uint8),
    )


def _differences(matte: Tensor, truth: Tensor) -> Tensor:
    return (matte.double() - truth.double()) / 255


def _sad(matte: Tensor, truth: Tensor, trimap: Tensor) -> Tensor:
    return _differences(matte, truth).abs()[trimap == 128].sum() / 1000


SAD = Exercise(
    "6.4",
    "SAD as the benchmark counts",
    ("matte", "truth", "trimap"),
    lambda: [
        Case("six pixels, three unknown", _small()),
        Case("a larger matte", _mattes(40, 70, seed=50)),
        Case("taller than wide", _mattes(33, 12, seed=60)),
    ],
    _sad,
    (
        Misconception(
            "All pixels are counted. What the trimap knows was never asked of the method: only "
            "where it is 128 can anybody be wrong.",
            lambda matte, truth, trimap: _differences(matte, truth).abs().sum() / 1000,
        ),
        Misconception(
            "SAD is a *sum*. A mean would forget how large the unknown region is.",
            lambda matte, truth, trimap: _differences(matte, truth).abs()[trimap == 128].mean(),
            also=(
                lambda m, t, trimap: _differences(m, t).abs()[trimap == 128].mean() / 1000,
            ),
        ),
        Misconception(
            "The thousands are missing: tables print SAD divided by 1000.",
            lambda matte, truth, trimap: 1000 * _sad(matte, truth, trimap),
        ),
        Misconception(
            "The mattes are in grey levels of 255 and the error is counted in alphas, from 0 to "
            "1.",
            lambda matte, truth, trimap: 255 * _sad(matte, truth, trimap),
        ),
        Misconception(
            "Differences are squared here. SAD takes them as they are, without sign.",
            lambda matte, truth, trimap: (
                _differences(matte, truth).square()[trimap == 128].sum() / 1000
            ),
        ),
        Misconception(
            "Bytes wrap around: in uint8, 3 − 5 is 254. Make numbers with a sign of them first.",
            lambda matte, truth, trimap: (
                (matte - truth).double()[trimap == 128].sum() / 255 / 1000
            ),
        ),
    ),
    tolerance=1e-6,
)  # fmt: skip

EXERCISES = (ALPHA, TWO_BACKGROUNDS, TRIMAP, SAD)
