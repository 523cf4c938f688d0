"""Answers to the exercises of notebook 06, as learners write them."""

import numpy as np
import torch
from torch.nn import functional as F


def alpha(image, foreground, background, equal=0.5, clip=True):
    line, off = foreground - background, image - background
    square = (line * line).sum(1, keepdim=True)
    found = torch.full_like(square, equal)
    some = square > 0
    found[some] = ((off * line).sum(1, keepdim=True))[some] / square[some]
    return found.clamp(0, 1) if clip else found


def alpha_by_pixels(image, foreground, background):
    """A loop over pixels, each solved by lstsq."""
    n, _, h, w = image.shape
    found = image.new_full((n, 1, h, w), 0.5)
    for i in range(n):
        for y in range(h):
            for x in range(w):
                line = (foreground - background)[i, :, y, x]
                if (line != 0).any():
                    off = (image - background)[i, :, y, x]
                    found[i, 0, y, x] = torch.linalg.lstsq(line[:, None], off[:, None]).solution
    return found.clamp(0, 1)


def alpha_einsum(image, foreground, background):
    line = foreground - background
    above = torch.einsum("nchw,nchw->nhw", image - background, line)
    below = torch.einsum("nchw,nchw->nhw", line, line)
    return torch.nan_to_num(above / below, nan=0.5).clamp(0, 1)[:, None]


def ratios(image, foreground, background):
    each = (image - background) / (foreground - background)
    return each.nan_to_num(0.5).mean(1, keepdim=True).clamp(0, 1)


def lengths(image, foreground, background):
    found = (image - background).norm(dim=1, keepdim=True) / (foreground - background).norm(
        dim=1, keepdim=True
    )
    return found.nan_to_num(0.5).clamp(0, 1)


def first_channel(image, foreground, background):
    return alpha(image[:, :1], foreground[:, :1], background[:, :1])


def two(image_1, image_2, background_1, background_2):
    behind = background_1 - background_2
    through = ((image_1 - image_2) * behind).sum(1, keepdim=True) / (behind**2).sum(1, keepdim=True)
    return (1 - through).clamp(0, 1)


def two_by_foreground(image_1, image_2, background_1, background_2):
    """image − background = alpha · (foreground − background): the difference of two of them."""
    behind = background_1 - background_2
    off = (image_1 - background_1) - (image_2 - background_2)  # = −alpha · behind
    return (-(off * behind).sum(1, True) / behind.pow(2).sum(1, True)).clip(0, 1)


def two_ratios(a, b, c, d):
    return (1 - (a - b) / (c - d)).mean(1, keepdim=True).clamp(0, 1)


def two_lengths(a, b, c, d):
    return (1 - (a - b).norm(dim=1, keepdim=True) / (c - d).norm(dim=1, keepdim=True)).clamp(0, 1)


def dilate(x, reach):
    return F.max_pool2d(x, 2 * reach + 1, 1, reach)


def trimap(mask, inwards, outwards):
    inner = -dilate(-mask, inwards)
    outer = dilate(mask, outwards)
    return 255 * inner + 128 * (outer - inner)


def trimap_by_scipy(mask, inwards, outwards):
    from scipy.ndimage import binary_dilation

    found = np.zeros(mask.shape)
    for i, each in enumerate(mask[:, 0].numpy() > 0.5):

        def grown(x, reach):
            return binary_dilation(x, np.ones((2 * reach + 1, 2 * reach + 1)))

        found[i, 0] = np.where(grown(each, outwards), 128, 0)
        found[i, 0][~grown(~each, inwards)] = 255
    return torch.from_numpy(found)


def eaten(mask, inwards, outwards):
    from scipy.ndimage import binary_erosion

    found = 128 * dilate(mask, outwards)
    for i, each in enumerate(mask[:, 0].numpy() > 0.5):
        size = 2 * inwards + 1
        found[i, 0][torch.from_numpy(binary_erosion(each, np.ones((size, size))))] = 255
    return found


def narrow(mask, inwards, outwards):
    def grown(x, reach):
        if reach == 0:
            return x
        return F.max_pool2d(F.pad(x, [(reach - 1) // 2, reach // 2] * 2), reach, 1)

    inner = 1 - grown(1 - mask, inwards)
    return 255 * inner + 128 * (grown(mask, outwards) - inner)


def diamond(mask, inwards, outwards):
    from scipy.ndimage import binary_dilation

    def grown(x, reach):
        return binary_dilation(x, iterations=reach) if reach else x

    found = np.zeros(mask.shape)
    for i, each in enumerate(mask[:, 0].numpy() > 0.5):
        found[i, 0] = np.where(grown(each, outwards), 128, 0)
        found[i, 0][~grown(~each, inwards)] = 255
    return torch.from_numpy(found)


def sad(matte, truth, trimap):
    off = (matte.float() - truth.float()).abs() / 255
    return off[trimap == 128].sum() / 1000


def sad_by_numpy(matte, truth, trimap):
    a, b, t = (x.numpy().astype(int) for x in (matte, truth, trimap))
    return float(np.abs(a - b)[t == 128].sum() / 255 / 1000)


RIGHT = {
    "6.1": [alpha, alpha_by_pixels, alpha_einsum],
    "6.2": [two, two_by_foreground],
    "6.3": [trimap, trimap_by_scipy],
    "6.4": [sad, sad_by_numpy],
}

WRONG = {
    "6.1": [
        ("exchanged", lambda image, foreground, background: alpha(image, background, foreground)),
        ("one ratio a channel", ratios),
        ("first channel only", first_channel),
        ("compare lengths", lengths),
        ("stays between 0 and 1", lambda i, f, b: alpha(i, f, b, clip=False)),
        ("not 0", lambda i, f, b: alpha(i, f, b, equal=0.0)),
    ],
    "6.2": [
        ("Alpha is the rest", lambda a, b, c, d: (1 - two(a, b, c, d))),
        ("the other way round", lambda a, b, c, d: two(b, a, c, d)),
        ("one ratio a channel", two_ratios),
        ("first channel only", lambda *all_: two(*(x[:, :1] for x in all_))),
        ("compare lengths", two_lengths),
        ("stays between 0 and 1", lambda a, b, c, d: 1 - ((a - b) * (c - d)).sum(1, True)
         / (c - d).pow(2).sum(1, True)),
    ],
    "6.3": [
        ("are exchanged", lambda mask, inwards, outwards: trimap(mask, outwards, inwards)),
        ("outside only", lambda mask, inwards, outwards: trimap(mask, 0, outwards)),
        ("no border of the object", eaten),
        ("as wide as the reach", narrow),
        ("cuts the corners", diamond),
        ("shares of 1", lambda mask, inwards, outwards: trimap(mask, inwards, outwards) / 255),
    ],
    "6.4": [
        ("All pixels", lambda m, t, trimap: sad(m, t, torch.full_like(trimap, 128))),
        ("is a *sum*", lambda m, t, trimap: sad(m, t, trimap) * 1000 / (trimap == 128).sum()),
        ("thousands are missing", lambda m, t, trimap: 1000 * sad(m, t, trimap)),
        ("grey levels of 255", lambda m, t, trimap: 255 * sad(m, t, trimap)),
        ("squared", lambda m, t, trimap: (
            ((m.float() - t.float()) / 255)[trimap == 128].square().sum() / 1000)),
        ("wrap around", lambda m, t, trimap: (
            (m - t).abs()[trimap == 128].float().sum() / 255 / 1000)),
    ],
}  # fmt: skip
