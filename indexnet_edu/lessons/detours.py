"""A picture through one pair and back: what notebook 02 tries it on, and a fair chance for each.

Pairs with weights say nothing untrained, and max unpooling leaves holes that a network would fill.
So every pair gets the same small restorer behind it, and both are fitted together to photographs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..resampling import Resampler, create_resampler
from ..resampling.maxpool import HolisticMaxPooling

__all__ = [
    "TEST",
    "TRAINING",
    "Detour",
    "checkerboard",
    "fit_detour",
    "fit_rows",
    "guide_bits",
    "line",
    "photograph",
    "photographs",
    "psnr",
    "restore",
    "there_and_back",
]

#: Photographs that scikit-image carries in its wheel; nothing is downloaded.
TRAINING = ("astronaut", "chelsea", "coffee", "rocket", "moon", "brick", "grass", "gravel")
TEST = ("camera", "coins", "clock", "page")


@cache
def photograph(name: str, side: int = 128) -> Tensor:
    """The middle square of a photograph, grey, (1, 1, side, side) in [0, 1]."""
    import skimage.data
    from PIL import Image

    image = Image.fromarray(getattr(skimage.data, name)()).convert("L")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    square = image.crop((left, top, left + edge, top + edge))
    small = square.resize((side, side), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255)[None, None]


def photographs(names: Sequence[str] = TEST) -> Tensor:
    """Several photographs, (n, 1, 128, 128)."""
    return torch.cat([photograph(name) for name in names])


def line(size: int = 8, column: int = 3, *, bright: bool = True) -> Tensor:
    """A vertical line of one pixel, (1, 1, size, size): bright on dark, or dark on bright."""
    x = torch.zeros(1, 1, size, size)
    x[..., column] = 1
    return x if bright else 1 - x


def checkerboard(size: int = 8) -> Tensor:
    """Single pixels of 0 and 1 in turn, (1, 1, size, size), 0 at the top left."""
    i = torch.arange(size)
    return ((i[:, None] + i) % 2).float()[None, None]


def there_and_back(name: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """x through a pair of the factory: the small features and what comes back, (N, C, H, W)."""
    pair = create_resampler(name)
    down = pair.downsampling([x.shape[1]])
    up = pair.upsampling(down.out_channels[0], down.guide_channels[0])
    small, guide = down(x)
    return small, up(small, guide)


def psnr(output: Tensor, target: Tensor) -> Tensor:
    """−20·log10(RMSE) in dB over all pixels of all images, the output clipped to [0, 1]."""
    return -20 * (output.clamp(0, 1) - target).square().mean().sqrt().log10()


def guide_bits(name: str, x: Tensor) -> int:
    """The bits that cross beside the small features when x, (1, C, H, W), takes a pair's way down.

    A place among four is 2 bits, an index of an index map a float of 32. Of IndexNet's two maps
    only the decoder's crosses.
    """
    resampler = create_resampler(name)
    down = resampler.downsampling([x.shape[1]])
    _, guide = down(x)
    if guide is None or not resampler.pair.guided:  # some make a guide that their up throws away
        return 0
    if isinstance(guide, Tensor):  # (1, C, H/2, W/2) positions
        return 2 * guide.numel()
    if isinstance(down, HolisticMaxPooling):  # (1, 1, H, W), one 1 in four
        return 2 * guide.decoder.numel() // 4
    return 32 * guide.decoder.numel()


class Detour(nn.Module):
    """One halving of a grey picture by a pair, back up, then the restorer: three convolutions.

    The restorer sees one channel and is the same for every pair; the bottleneck has one channel,
    or four with space-to-depth.
    """

    def __init__(self, resampler: Resampler, width: int = 16) -> None:
        super().__init__()
        self.down = resampler.downsampling([1])
        self.up = resampler.upsampling(self.down.out_channels[0], self.down.guide_channels[0])
        self.restorer = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        small, guide = self.down(x)  # (N, 1, H, W) → (N, 1 or 4, H/2, W/2)
        y: Tensor = self.up(small, guide)  # → (N, 1, H, W)
        return y + self.restorer(y)

    def pair_parameters(self) -> int:
        """The weights of the pair, without the restorer's."""
        return sum(p.numel() for part in (self.down, self.up) for p in part.parameters())


def fit_detour(
    resampler: Resampler,
    steps: int,
    seed: int = 0,
    names: Sequence[str] = TRAINING,
    *,
    batch: int = 16,
    crop: int = 32,
) -> Detour:
    """Fits pair and restorer to random crops by Adam on the mean square error.

    The learning rate falls from 0.005 to 0 along a half cosine.

    Args:
        seed: of the initial weights and the crops.
        names: of photographs.

    Returns:
        The detour in evaluation mode.
    """
    generator = torch.Generator().manual_seed(seed)
    images = photographs(names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        detour = Detour(resampler)
    optimiser = torch.optim.Adam(detour.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    threads = torch.get_num_threads()
    torch.set_num_threads(
        1
    )  # so small a network gains nothing by more, and loses on a busy machine
    try:
        for _ in range(steps):
            x = _crops(images, batch, crop, generator)
            loss = F.mse_loss(detour(x), x)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    finally:
        torch.set_num_threads(threads)
    return detour.eval()


def fit_rows(
    names: Sequence[str], steps: int, seeds: int, seed: int = 0
) -> dict[str, list[Detour]]:
    """Fits pairs by name, each with several seeds from ``seed`` up, and prints a line for each."""
    rows = {}
    for name in names:
        start = time.perf_counter()
        pair = create_resampler(name)
        rows[name] = [fit_detour(pair, steps, seed + number) for number in range(seeds)]
        seconds = time.perf_counter() - start
        print(f"{name}: {seeds} × {steps} steps, {seconds:.0f} s")
    return rows


@torch.no_grad()
def restore(detours: Sequence[Detour], x: Tensor) -> Tensor:
    """Images x, (n, 1, H, W), through each detour: (seeds, n, 1, H, W)."""
    return torch.stack([detour(x) for detour in detours])


def _crops(images: Tensor, count: int, size: int, generator: torch.Generator) -> Tensor:
    def choices(below: int) -> Iterable[int]:
        return torch.randint(below, (count,), generator=generator).tolist()

    last = images.shape[-1] - size + 1
    places = zip(choices(len(images)), choices(last), choices(last), strict=True)
    return torch.stack([images[n, :, i : i + size, j : j + size] for n, i, j in places])
