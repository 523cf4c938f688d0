"""What notebook 06 counts, shows and compares: rows of Tables 4 to 6 beside methods that learn
nothing."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones.mobilenet_v2 import HALVED
from ...complexity import count
from ...engine import TaskData
from ...errors import UserError
from ...indexing import NORMALISATIONS, normalise_index
from ...tasks.matting import MATTING
from ...tasks.matting.classics import closed_form, half, measure
from ...tasks.matting.metrics import sad
from ...tasks.matting.predict import estimate_alpha
from ...tasks.matting.recipe import MattingRecipe
from ...viz.matting_network import Level
from ..crossing import guides_of
from .equation import nearest_colours

__all__ = [
    "LINES", "Scene", "by_all_hands", "cost_lines", "halvings", "index_maps_of", "levels_of",
    "magnitudes", "matte_by", "scene", "table_lines", "through_halvings", "untrained",
    "window_of", "yardsticks",
]  # fmt: skip

Array = npt.NDArray[Any]

_CLASSICS = {"half": half, "nearest_colours": nearest_colours, "closed_form": closed_form}

#: Eight mattes of one hair, a column of ones that moves by a pixel: ``(8, 1, 32, 32)``.
LINES = torch.zeros(8, 1, 32, 32)
for _shift in range(8):
    LINES[_shift, 0, :, 8 + _shift] = 1


def halvings(alpha: Tensor, times: int) -> tuple[Tensor, list[Tensor]]:
    """Max pooling so many times over, and the positions of the maxima at each.

    Args:
        alpha: ``(N, 1, H, W)``.
    """
    guides = []
    for _ in range(times):
        alpha, positions = F.max_pool2d(alpha, 2, return_indices=True)
        guides.append(positions)
    return alpha, guides


def through_halvings(alpha: Tensor, times: int) -> Tensor:
    """A matte as it comes back from averages of 2×2 pixels, so many times over, by bilinear."""
    small = alpha
    for _ in range(times):
        small = F.avg_pool2d(small, 2)
    return F.interpolate(small, alpha.shape[-2:], mode="bilinear")


def cost_lines(names: Iterable[str]) -> str:
    """Parameters and multiply–accumulates of rows at the paper's width, one image of 224×224."""
    names = list(dict.fromkeys(names))
    wide = max(map(len, names))
    lines = [f"{'row':{wide}} {'parameters':>12} {'GMACs':>7}   made of"]
    for name in names:
        row = MATTING.variant(name)
        with torch.device("meta"):
            model = MATTING.build_model(row, MattingRecipe()).eval()
            cost = count(model, torch.zeros(1, 4, 224, 224))
        made = [row.network, *([] if row.resampler is None else [str(row.resampler)])]
        made += [f"{key}={value}" for key, value in row.options.items()]
        lines.append(
            f"{name:{wide}} {cost.parameters:12,} {cost.macs / 1e9:7.2f}   {', '.join(made)}"
        )
    return "\n".join(lines)


@torch.no_grad()
def levels_of(name: str, size: int = 224, width: float = 1.0) -> list[Level]:
    """The resolutions of a network on MobileNetV2, for a drawing (Fig. 9).

    Args:
        name: a row whose network is ``unet``.
        size: pixels a side of the image.
    """
    row = MATTING.variant(name)
    if row.network != "unet":
        raise ValueError(f"{name} is {row.network} and has strides of its own: choose b5 to b11")
    with torch.device("meta"):
        model: Any = MATTING.build_model(row, MattingRecipe(width=width)).eval()
        encoded = model.encoder(torch.zeros(1, 4, size, size), model.down)
    levels = []
    decoders = list(model.decoder)[::-1]  # in the order of the encoder's groups
    for stage, group in enumerate(HALVED):
        feature, guide = encoded.features[group], encoded.guides[stage]
        first = HALVED[stage - 1] + 1 if stage else 0
        # Max pooling hands over positions that a blind upsampling does not look at.
        crosses: Any = getattr(guide, "decoder", guide) if row.guided else None
        levels.append(
            Level(
                size=feature.shape[-1],
                encoder=tuple(encoded.features[g].shape[1] for g in range(first, group + 1)),
                # From the deepest of its groups up, as they are passed.
                decoder=tuple(decoders[g][0].out_channels for g in range(group, first - 1, -1)),
                guide=None if crosses is None else tuple(crosses.shape[1:]),
                fused=model.fusion != "none",
            )
        )
    deepest = encoded.deepest
    narrow = model.bottleneck(deepest)
    levels.append(Level(deepest.shape[-1], (encoded.features[-1].shape[1],), (narrow.shape[1],)))
    return levels


def yardsticks(data: TaskData) -> dict[str, dict[str, float]]:
    """The metrics of what needs no training: one half everywhere, and the nearest colours."""
    return measure({name: _CLASSICS[name] for name in ("half", "nearest_colours")}, data)


@dataclass(frozen=True)
class Scene:
    """A test picture and the window of it that is shown.

    Attributes:
        image: ``(H, W, 3)`` uint8.
        trimap: ``(H, W)`` of 0, 128 and 255.
        truth: ``(H, W)`` in [0, 1].
        window: rows and columns.
    """

    image: Array
    trimap: Array
    truth: Array
    window: tuple[slice, slice]

    @property
    def x(self) -> Tensor:
        """What a network reads of the window, ``(1, 4, h, w)``."""
        from ...tasks.matting.compose import network_input

        planes = torch.from_numpy(self.image[self.window]).permute(2, 0, 1).float() / 255
        return network_input(planes, np.ascontiguousarray(self.trimap[self.window]))[None]


def window_of(truth: Array, side: int) -> tuple[slice, slice]:
    """Where object, background and what is mixed meet most: a square that no result chose.

    Its share of mixed pixels times that of the object times that of the background is the largest.

    Args:
        truth: ``(H, W)`` in [0, 1], both sides at least ``side``.
    """
    from scipy.ndimage import uniform_filter

    parts = (truth > 0.95, truth < 0.05, (truth > 0.05) & (truth < 0.95))
    shares = [uniform_filter(part.astype(np.float64), side, mode="constant") for part in parts]
    score = np.prod(shares, axis=0) + 1e-3 * shares[2]  # the rest where a part is nowhere near
    half_side = side // 2
    inside = score[
        half_side : truth.shape[0] - half_side + 1, half_side : truth.shape[1] - half_side + 1
    ]
    top, left = (int(n) for n in np.unravel_index(int(inside.argmax()), inside.shape))
    return slice(top, top + side), slice(left, left + side)


def scene(data: TaskData, number: int = 0, side: int = 128) -> Scene:
    """Picture ``number`` of the first test set, and the window of :func:`window_of`."""
    split: Any = next(iter(data.test.values()))  # type: ignore[union-attr]  # several sets
    example = split.example(number % len(split))
    truth = example["alpha"][0].numpy()
    image = (255 * example["image"]).round().byte().permute(1, 2, 0).numpy()
    trimap = (255 * example["x"][3]).round().byte().numpy()
    return Scene(image, trimap, truth, window_of(truth, side))


def matte_by(name: str, models: Mapping[str, nn.Module], image: Array, trimap: Array) -> Array:
    """A matte by a method that learns nothing, or by a network of ``models``.

    Raises:
        UserError: no such method, or closed-form matting without PyMatting.
    """
    if name in models:
        return estimate_alpha(models[name], image, trimap)
    if name not in _CLASSICS:
        known = ", ".join([*_CLASSICS, *models])
        raise UserError(f"there is no {name!r} here: choose one of {known}")
    return _CLASSICS[name](image, trimap)


def by_all_hands(
    models: Mapping[str, nn.Module], shown: Scene, classics: bool = True
) -> tuple[dict[str, Array], dict[str, str]]:
    """What everybody makes of a scene's window, as three equal channels, and the SAD of each.

    Args:
        models: name → network in evaluation mode.
        classics: whether closed-form matting is asked too, where PyMatting is installed.

    Returns:
        Name → ``(h, w, 3)`` in [0, 1]: image, trimap, true alpha, those that learn nothing, the
        networks; and name → a note with the SAD of the whole picture.
    """
    image, trimap = shown.image, shown.trimap
    names = ["half", "nearest_colours"]
    if classics and importlib.util.find_spec("pymatting"):
        names.append("closed_form")
    mattes = {name: matte_by(name, models, image, trimap) for name in [*names, *models]}
    notes = {
        name: f"SAD {sad(np.round(255 * matte) / 255, shown.truth, trimap):.2f}"
        for name, matte in mattes.items()
    }
    planes = {"trimap": trimap / 255, "true alpha": shown.truth, **mattes}
    pictures = {"image": image[shown.window] / 255}
    for name, plane in planes.items():
        pictures[name] = np.repeat(plane[shown.window][..., None], 3, axis=2)
    return pictures, notes


def index_maps_of(model: nn.Module, x: Tensor) -> list[Tensor]:
    """The decoder's index maps of one image ``(1, 4, H, W)``: ``(G, H, W)`` a stage.

    Normalised by the batch, as in training, so that a network shows the same before its first step,
    when it has no statistics of its own, and after its last one. The batch is the image and its
    mirror image, since the network's context needs two.

    Raises:
        ValueError: the network hands over no index map.
    """
    own = copy.deepcopy(model).train()
    guides: list[Any] = []
    if hasattr(model, "down"):
        guides += guides_of(own, torch.cat([x, x.flip(-1)]))
    if not guides or not all(hasattr(guide, "decoder") for guide in guides):
        raise ValueError("this network has no index maps: choose a row with an IndexNet")
    return [guide.decoder[0] for guide in guides]


def untrained(name: str, recipe: MattingRecipe, seed: int) -> nn.Module:
    """A row before its first step, its encoder as the training begins it."""
    row = MATTING.variant(name)
    torch.manual_seed(seed)
    model = MATTING.build_model(row, recipe)
    weights = MATTING.networks[row.network].pretrained
    ready = weights(recipe) if weights else None
    if ready is not None:
        ready.load(model)
    return model


def magnitudes(stages: int = 5, seed: int = 0) -> dict[str, float]:
    """Table 6's normalisations → what becomes of a feature of ones behind so many poolings.

    Index logits are drawn from a normal distribution. Pooling adds index · feature over a region,
    so a constant feature is multiplied by the sum of the region's four encoder indices.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, 4, 1, 64, 64, generator=generator)
    # (N, 4, G, h, w) → encoder index (N, G, 2h, 2w); its mean is a quarter of the sum.
    return {
        name: float(4 * normalise_index(logits, name).encoder.mean()) ** stages
        for name in NORMALISATIONS
    }


def table_lines(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    """Rows of a paper's table as aligned text: the first key, then figures."""
    wide = max(len(str(row[keys[0]])) for row in rows)
    lines = [f"{keys[0]:{wide}} " + " ".join(f"{key:>12}" for key in keys[1:])]
    lines += [
        f"{row[keys[0]]!s:{wide}} " + " ".join(f"{row[key]!s:>12}" for key in keys[1:])
        for row in rows
    ]
    return "\n".join(lines)
