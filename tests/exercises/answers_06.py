"""Answers to the exercises of notebook 06, as learners write them."""

import numpy as np
import torch
from torch.nn import functional as F

from tests.exercises.partly import partly


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


def alpha_by_solve(image, foreground, background):
    """Normal equations of one unknown, pixel by pixel as a batch of matrices."""
    line = (foreground - background).permute(0, 2, 3, 1)[..., None]  # (N, H, W, C, 1)
    off = (image - background).permute(0, 2, 3, 1)[..., None]
    square, along = (line.mT @ line)[..., 0, 0], (line.mT @ off)[..., 0, 0]
    found = torch.where(square == 0, 0.5, along / square.where(square != 0, 1))
    return found.clip(0, 1).unsqueeze(1)


def alpha_from_the_front(image, foreground, background):
    """1 minus how far the image is from the foreground, along the line."""
    line = background - foreground
    away = ((image - foreground) * line).sum(1, True) / line.pow(2).sum(1, True)
    away[torch.isnan(away)] = 0.5
    return 1 - away.clamp(0, 1)


def alpha_by_numpy(image, foreground, background):
    i, f, b = (x.numpy() for x in (image, foreground, background))
    square = ((f - b) ** 2).sum(1, keepdims=True)
    safe = np.where(square > 0, square, 1)
    found = ((i - b) * (f - b)).sum(1, keepdims=True) / safe
    return torch.from_numpy(np.clip(np.where(square > 0, found, 0.5), 0, 1))


def two_by_alpha(image_1, image_2, background_1, background_2):
    """Exercise 6.1 for 1 − alpha: the change of the images between none and all of it."""
    zero = torch.zeros_like(background_1)
    return 1 - alpha(image_1 - image_2, background_1 - background_2, zero)


def two_einsum(image_1, image_2, background_1, background_2):
    d, e = image_1 - image_2, background_1 - background_2
    found = 1 - torch.einsum("nchw,nchw->nhw", d, e) / torch.einsum("nchw,nchw->nhw", e, e)
    return found[:, None].clamp(0, 1)


def two_by_means(image_1, image_2, background_1, background_2):
    d, e = image_1 - image_2, background_1 - background_2
    return torch.clamp(1 - (d * e).mean(1, True) / (e * e).mean(1, True), min=0, max=1)


def two_by_numpy(image_1, image_2, background_1, background_2):
    d, e = (image_1 - image_2).numpy(), (background_1 - background_2).numpy()
    return torch.from_numpy(np.clip(1 - (d * e).sum(1, keepdims=True)
                                    / (e * e).sum(1, keepdims=True), 0, 1))  # fmt: skip


def two_by_pixels(image_1, image_2, background_1, background_2):
    found = torch.empty_like(image_1[:, :1])
    for i in range(found.shape[0]):
        for y in range(found.shape[2]):
            for x in range(found.shape[3]):
                e = (background_1 - background_2)[i, :, y, x]
                d = (image_1 - image_2)[i, :, y, x]
                found[i, 0, y, x] = 1 - torch.dot(d, e) / torch.dot(e, e)
    return found.clamp(0, 1)


def trimap_by_loops(mask, inwards, outwards):
    found = torch.zeros_like(mask)
    height, width = mask.shape[-2:]
    for i in range(len(mask)):
        for y in range(height):
            for x in range(width):
                inside = mask[i, 0, y, x] > 0.5
                r = inwards if inside else outwards
                near = mask[i, 0, max(0, y - r) : y + r + 1, max(0, x - r) : x + r + 1]
                mixed = near.min() < 0.5 if inside else near.max() > 0.5
                found[i, 0, y, x] = 128 if mixed else 255 * inside
    return found


def trimap_by_rows_and_columns(mask, inwards, outwards):
    def grown(x, r):
        x = F.max_pool2d(x, (2 * r + 1, 1), 1, (r, 0))
        return F.max_pool2d(x, (1, 2 * r + 1), 1, (0, r))

    unknown = (grown(mask, outwards) > mask) | (grown(1 - mask, inwards) > 1 - mask)
    return torch.where(unknown, torch.full_like(mask, 128), 255 * mask)


def trimap_step_by_step(mask, inwards, outwards):
    inner, outer = 1 - mask, mask
    for _ in range(inwards):
        inner = F.max_pool2d(inner, 3, 1, 1)
    for _ in range(outwards):
        outer = F.max_pool2d(outer, 3, 1, 1)
    return (127 * (1 - inner) + 128 * outer).round()


def trimap_by_convolution(mask, inwards, outwards):
    def grown(x, r):
        return F.conv2d(x, torch.ones(1, 1, 2 * r + 1, 2 * r + 1).to(x), padding=r) > 0.5

    found = 255 * mask
    found[grown(mask, outwards) & (mask < 0.5)] = 128
    found[grown(1 - mask, inwards) & (mask > 0.5)] = 128
    return found


def trimap_by_numbers(mask, inwards, outwards):
    """Integers, which are as good as floats."""
    return trimap(mask, inwards, outwards).to(torch.int64)


RIGHT = {
    "6.1": [
        alpha,
        alpha_by_pixels,
        alpha_einsum,
        alpha_by_solve,
        alpha_from_the_front,
        alpha_by_numpy,
        lambda *colours: alpha(*(x.double() for x in colours)),
        lambda *colours: torch.cat([alpha(*(x[[i]] for x in colours))
                                    for i in range(len(colours[0]))]),
    ],
    "6.2": [
        two,
        two_by_foreground,
        two_by_alpha,
        two_einsum,
        two_by_means,
        two_by_numpy,
        two_by_pixels,
        lambda a, b, c, d: two(b, a, d, c),
    ],
    "6.3": [
        trimap,
        trimap_by_scipy,
        trimap_by_loops,
        trimap_by_rows_and_columns,
        trimap_step_by_step,
        trimap_by_convolution,
        trimap_by_numbers,
    ],
    "6.4": [
        sad,
        sad_by_numpy,
        lambda m, t, trimap: ((m.int() - t.int()).abs() * (trimap == 128)).sum() / 255_000,
        lambda m, t, trimap: sum(
            abs(a - b) for a, b, c in zip(m.flatten().tolist(), t.flatten().tolist(),
                                          trimap.flatten().tolist(), strict=True) if c == 128
        ) / 255 / 1000,
        lambda m, t, trimap: F.l1_loss(m[trimap == 128] / 255, t[trimap == 128] / 255,
                                       reduction="sum") / 1000,
        lambda m, t, trimap: torch.where(trimap == 128, (m / 255 - t / 255).abs(), 0).sum() / 1e3,
        lambda m, t, trimap: (torch.maximum(m, t) - torch.minimum(m, t))[trimap == 128].sum()
        .item() / 255000,
        lambda m, t, trimap: np.abs(m.numpy().astype(float) - t.numpy())[
            trimap.numpy() == 128].sum() / 255e3,
    ],
}  # fmt: skip

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

UNEXPLAINED = {
    "6.1": [
        lambda image, foreground, background: torch.full_like(image[:, :1], 0.5),
        lambda image, foreground, background: image.mean(1, keepdim=True),
        lambda *colours: alpha(*colours).round(),
        lambda *colours: alpha(*colours) ** 2,
        lambda *colours: alpha(*colours)[:1],
        lambda *colours: alpha(*colours).expand_as(colours[0]),
        lambda *colours: alpha(*colours)[:, 0],
        lambda *colours: alpha(*colours).flip(-1),
        lambda *colours: alpha(*colours, equal=1.0),
        lambda *colours: alpha(*(x[:, :3] for x in colours)),
        lambda *colours: alpha(*(x.mean(1, True) for x in colours)),
        lambda image, foreground, background: alpha(image, foreground, torch.zeros_like(image)),
        partly(alpha, lambda image, *_: len(image) == 1,
               lambda *colours: alpha(*colours)[[0]].expand(2, -1, -1, -1)),
    ],
    "6.2": [
        lambda a, b, c, d: torch.full_like(a[:, :1], 0.5),
        lambda *images: two(*images).round(),
        lambda *images: two(*images) ** 2,
        lambda *images: two(*images)[:1],
        lambda *images: two(*images).expand_as(images[0]),
        lambda *images: two(*images)[:, 0],
        lambda a, b, c, d: two(a, b, c, -d),
        lambda a, b, c, d: two(a, c, b, d),
        lambda a, b, c, d: alpha(a, b, c),
        lambda *images: two(*(x[:, :3] for x in images)),
        lambda *images: two(*(x.mean(1, True) for x in images)),
        partly(two, lambda a, *_: a.shape[1] == 3, lambda *images: two(*images) / 2),
    ],
    "6.3": [
        lambda mask, inwards, outwards: 255 * mask,
        lambda mask, inwards, outwards: torch.full_like(mask, 128),
        lambda mask, inwards, outwards: 255 - trimap(mask, inwards, outwards),
        lambda mask, inwards, outwards: trimap(mask, inwards + 1, outwards + 1),
        lambda mask, inwards, outwards: trimap(mask, inwards, outwards)[:1],
        lambda mask, inwards, outwards: trimap(mask, inwards, outwards)[:, 0],
        lambda mask, inwards, outwards: trimap(mask, inwards, outwards).mT.contiguous(),
        lambda mask, inwards, outwards: trimap(mask, inwards, inwards),
        lambda mask, inwards, outwards: trimap(mask, 1, 2),
        lambda mask, inwards, outwards: trimap(mask, inwards, outwards).clamp(max=128),
        lambda mask, inwards, outwards: 127 * (trimap(mask, inwards, outwards) / 128).round(),
        lambda mask, inwards, outwards: trimap(mask.flip(-1), inwards, outwards),
    ],
    "6.4": [
        lambda m, t, trimap: 0.153,
        lambda m, t, trimap: sad(m, t, trimap) / 2,
        lambda m, t, trimap: sad(m, t, 255 - trimap),
        lambda m, t, trimap: sad(m, t, 128 * (trimap > 0)),
        lambda m, t, trimap: (m.float() - t.float())[trimap == 128].sum() / 255000,
        lambda m, t, trimap: round(float(sad(m, t, trimap)), 2) + 1,
        lambda m, t, trimap: sad(m[:2], t[:2], trimap[:2]),
        lambda m, t, trimap: sad(m, t, trimap) * m.numel() / 6,
        lambda m, t, trimap: (m.float() - t.float()).abs()[trimap == 128] / 255000,
        lambda m, t, trimap: f"{float(sad(m, t, trimap)):.3f}",
        lambda m, t, trimap: (m.float() - t.float())[trimap == 128].square().sum().sqrt() / 255000,
    ],
}  # fmt: skip
