"""Fig. 3 to 7, drawn from the modules themselves: every shape, weight and group is read from one.

All are SVG strings in the page's text colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...indexing import FAMILIES, columns_to_map, create_index_block
from ...resampling import create_resampler
from ..palette import OKABE_ITO, colour, title
from ..svg import rect, svg_root, text, text_width

__all__ = [
    "BlockLayer",
    "block_diagram",
    "block_layers",
    "dependence",
    "sharing_diagram",
    "stage_diagram",
    "taxonomy",
]

_LINE = 'fill="none" stroke="currentColor" stroke-width="1.5"'
#: One tint a shared weight.
_TINTS = [OKABE_ITO["sky blue"], OKABE_ITO["orange"]]


def _box(x: float, y: float, width: float, height: float, fill: str | None = None) -> str:
    tint = f'fill="{fill}" fill-opacity="0.35"' if fill else 'fill="none"'
    return rect(x, y, width, height, f'{tint} stroke="currentColor" rx="5"')


def _arrow(x1: float, x2: float, y: float) -> str:
    return (
        f'<path d="M{x1:.1f} {y:.1f}H{x2 - 6:.1f}" {_LINE}/>'
        f'<path d="M{x2 - 7:.1f} {y - 4:.1f}l7 4l-7 4Z"/>'
    )


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# --- Fig. 4: the tree ----------------------------------------------------------------------------


def taxonomy(channels: Sequence[int] = (32, 64, 128), mode: str = "linear") -> str:
    """Fig. 4: who is what, with the maps and parameters of real index networks at the leaves.

    Args:
        channels: widths of the stages that the leaves' networks are built for.
        mode: of their blocks.
    """
    facts = {}
    with torch.device("meta"):
        for family in FAMILIES:
            down = create_resampler("indexnet", family=family, mode=mode).downsampling(channels)
            maps = ", ".join(map(str, down.guide_channels))
            facts[family] = (f"maps of {maps} channels", f"{_parameters(down):,} parameters")
    leaf, row, left = 250.0, 74.0, 560.0
    height = 14 + row * len(FAMILIES)
    centre = {family: 14 + row * n + 30 for n, family in enumerate(FAMILIES)}
    o2o = centre["o2o_shared_stagewise"]
    depthwise = (o2o + centre["m2o"]) / 2
    root = (centre["holistic"] + depthwise) / 2
    inner = [
        (10.0, root, "index networks", ""),
        (190.0, centre["holistic"], "holistic", "one map for all channels"),
        (190.0, depthwise, "depthwise", "one map a channel"),
        (380.0, o2o, "one-to-one", "sees its channel"),
        (380.0, centre["m2o"], "many-to-one", "sees all channels"),
    ]
    parts = []

    def join(x1: float, y1: float, x2: float, y2: float) -> None:
        parts.append(f'<path d="M{x1} {y1}h14V{y2}H{x2}" {_LINE}/>')

    join(140, root, 190, centre["holistic"])
    join(140, root, 190, depthwise)
    join(350, depthwise, 380, o2o)
    join(350, depthwise, 380, centre["m2o"])
    join(350, centre["holistic"], left, centre["holistic"])
    join(520, centre["m2o"], left, centre["m2o"])
    for family in FAMILIES[1:4]:
        join(520, o2o, left, centre[family])
    for x, y, name, note in inner:
        width = 130.0 if not note else 160.0 if x < 380 else 140.0
        parts.append(rect(x, y - 24, width, 48, 'fill="none" stroke="currentColor" rx="5"'))
        parts.append(text(x + width / 2, y - (8 if note else 0), name))
        if note:
            parts.append(text(x + width / 2, y + 10, note, 11))
    for family, (maps, cost) in facts.items():
        y = centre[family]
        parts.append(_box(left, y - 30, leaf, 60, colour(family)))
        name = title(family).removeprefix("IndexNet, ")
        parts.append(text(left + leaf / 2, y - 17, name, 13, extra='font-weight="bold"'))
        parts.append(text(left + leaf / 2, y + 2, maps, 11.5))
        parts.append(text(left + leaf / 2, y + 18, cost, 11.5))
    label = "; ".join(f"{title(f)}: {maps}, {cost}" for f, (maps, cost) in facts.items())
    return svg_root("".join(parts), left + leaf + 10, height, label)


# --- Fig. 3 and 5: who looks at whom, and who shares ---------------------------------------------


def dependence(block: nn.Module, channels: int) -> Tensor:
    """How the index of the top-left pixel depends on the features of that pixel.

    Args:
        block: an index block for ``channels`` channels; set to evaluation mode.

    Returns:
        (G, C): derivative of the logit in map g by the feature in channel c. For a linear block
        these are weights: 0 where a map does not look, equal where one is shared.
    """
    x = torch.linspace(-1, 1, 16 * channels).reshape(1, channels, 4, 4)

    def top_left(values: Tensor) -> Tensor:
        return block.eval()(values)[0, 0, :, 0, 0]  # (G,)

    jacobian: Any = torch.autograd.functional.jacobian(top_left, x)  # (G, 1, C, 4, 4)
    return jacobian[:, 0, :, 0, 0].detach()


def sharing_diagram(channels: int = 3, seed: int = 1) -> str:
    """Fig. 3 and 5 as numbers: :func:`dependence` in two stages of each family's linear network.

    Rows of a grid are index maps, columns feature channels. Cells of one tint share a weight, cells
    without a tint have one of their own, empty cells have none.
    """
    cell, left, top, gap = 50.0, 210.0, 44.0, 70.0
    parts, words, y = [], [], top
    for stage in range(2):
        x = left + stage * (channels * cell + gap) + channels * cell / 2
        parts.append(text(x, 14, f"stage {stage + 1}", 14, extra='font-weight="bold"'))
    for family in FAMILIES:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            down = create_resampler("indexnet", family=family, mode="linear").downsampling(
                [channels, channels]
            )
        blocks: list[nn.Module] = [down.blocks[0], down.blocks[-1]]  # type: ignore
        matrices = [dependence(block, channels).tolist() for block in blocks]
        weights = [value for matrix in matrices for line in matrix for value in line if value]
        shared = [value for value in dict.fromkeys(weights) if weights.count(value) > 1]
        rows, different = len(matrices[0]), len(set(weights))
        for stage, matrix in enumerate(matrices):
            x0 = left + stage * (channels * cell + gap)
            for g, line in enumerate(matrix):
                for c, value in enumerate(line):
                    x, cy = x0 + c * cell, y + g * 28
                    tint = _TINTS[shared.index(value)] if value in shared else None
                    parts.append(_box(x, cy, cell, 28, tint).replace(' rx="5"', ""))
                    if value:
                        shown = f"{value:+.2f}".replace("-", "−")
                        parts.append(text(x + cell / 2, cy + 14, shown, 12))
        middle = y + 14 * rows
        name = title(family).removeprefix("IndexNet, ")
        parts.append(text(left - 16, middle - 8, name, 13, "end"))
        count = f"{different} weights here" if different > 1 else "1 weight here"
        parts.append(text(left - 16, middle + 9, count, 11.5, "end"))
        words.append(f"{name}: {different} different weights in two stages")
        y += 28 * rows + 20
    width = left + 2 * channels * cell + gap + 10
    return svg_root("".join(parts), width, y, "; ".join(words))


def stage_diagram(channels: Sequence[int] = (32, 64, 128), mode: str = "nonlinear_context") -> str:
    """Fig. 5: which index block each stage calls, found by calling it.

    Modelwise at the left, stagewise at the right.
    """
    parts, words = [], []
    step, box = 116.0, 96.0
    for side, family in enumerate(("o2o_modelwise", "o2o_shared_stagewise")):
        with torch.device("meta"):
            down = create_resampler("indexnet", family=family, mode=mode).downsampling(channels)
            called = [_called_block(down, stage, width) for stage, width in enumerate(channels)]
        blocks = list(dict.fromkeys(called))
        left = 10 + side * (len(channels) * step + 50)
        span = (len(channels) - 1) * step + box
        name = title(family).removeprefix("IndexNet, ")
        bold = 'font-weight="bold"'
        parts.append(text(left + span / 2, 14, name, 14, extra=bold))
        places = [left + span * (k + 0.5) / len(blocks) for k in range(len(blocks))]
        if len(blocks) == len(channels):
            places = [left + k * step + box / 2 for k in range(len(blocks))]
        for place, block in zip(places, blocks, strict=True):
            parts.append(_box(place - box / 2, 34, box, 48, colour(family)))
            parts.append(text(place, 50, "index block", 12.5))
            parts.append(text(place, 67, f"{_parameters(block)} parameters", 11))
        for stage, (width, block) in enumerate(zip(channels, called, strict=True)):
            x = left + stage * step + box / 2
            place = places[blocks.index(block)]
            parts.append(f'<path d="M{place:.1f} 82L{x:.1f} 132" {_LINE}/>')
            parts.append(_box(x - box / 2, 132, box, 44))
            parts.append(text(x, 146, f"stage {stage + 1}", 12.5))
            parts.append(text(x, 163, f"{width} channels", 11))
        words.append(f"{name}: {len(blocks)} index block(s) for {len(channels)} stages")
    return svg_root("".join(parts), 2 * len(channels) * step + 50, 186, "; ".join(words))


def _called_block(down: nn.Module, stage: int, channels: int) -> nn.Module:
    called: list[nn.Module] = []
    blocks: Any = down.blocks
    hooks = [block.register_forward_hook(lambda m, *_: called.append(m)) for block in blocks]
    down.eval()(torch.empty(1, channels, 8, 8), stage)
    for hook in hooks:
        hook.remove()
    return called[0]


# --- Fig. 6 and 7: inside a block ----------------------------------------------------------------


@dataclass(frozen=True)
class BlockLayer:
    """A layer of a block as it ran: its name, what it is made of, the shape that it put out."""

    name: str
    details: tuple[str, ...]
    shape: tuple[int, ...]


def block_layers(block: nn.Module, channels: int, size: int = 8) -> list[BlockLayer]:
    """What happens to features ``(1, channels, size, size)`` in a block, layer by layer."""
    layers: list[BlockLayer] = []

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        layers.append(BlockLayer(*_describe(module, inputs[0]), tuple(output.shape[1:])))

    leaves = [module for module in block.modules() if not list(module.children())]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    device = next(block.parameters()).device
    with torch.no_grad():
        block.eval()(torch.zeros(1, channels, size, size, device=device))
    for hook in hooks:
        hook.remove()
    return layers


def _describe(module: Any, x: Tensor) -> tuple[str, tuple[str, ...]]:
    weight = getattr(module, "weight", None)
    if weight is None:
        return type(module).__name__, ()
    if weight.ndim != 4:
        return "batch norm", (f"{module.num_features} channels",)
    k, stride = weight.shape[-1], module.stride
    stride = stride if isinstance(stride, int) else stride[0]
    shared = not isinstance(module, nn.Conv2d)
    groups = module.groups * (x.shape[1] // module.in_channels if shared else 1)
    return f"conv {k}×{k}" + (f", stride {stride}" if stride > 1 else ""), (
        f"groups {groups}" + (", one weight" if shared else ""),
        "weight " + "×".join(map(str, weight.shape)),
    )


def block_diagram(family: str, mode: str, channels: int = 8, size: int = 8) -> str:
    """Fig. 6 and 7: one index block from features to index map, with shapes and weights.

    Args:
        family, mode: of the block.
        channels, size: of the features.
    """
    with torch.device("meta"):
        block = create_index_block(channels, family, mode)
        columns = block.eval()(torch.empty(1, channels, size, size))
        index_map = columns_to_map(columns)
        layers = block_layers(block, channels, size)
    layers.append(BlockLayer("interleave", ("4 columns → 1 map",), tuple(index_map.shape[1:])))
    y, gap = 40.0, 30.0
    parts, x = [], 10.0

    def shape_at(shape: tuple[int, ...], place: float) -> None:
        parts.append(text(place, y + 74, "×".join(map(str, shape)), 12, extra='font-weight="bold"'))

    parts.append(_box(x, y, 76, 56))
    parts.append(text(x + 38, y + 28, "features", 13))
    shape_at((channels, size, size), x + 38)
    x += 76
    for layer in layers:
        lines = (layer.name, *layer.details)
        width = max(86.0, 16 + max(text_width(line, 11.5) for line in lines))
        parts.append(_arrow(x + 3, x + gap - 3, y + 28))
        x += gap
        fill = colour("guide") if layer.name == "interleave" else colour(family)
        parts.append(_box(x, y, width, 56, fill))
        for n, line in enumerate(lines):
            middle = y + 28 + (n - (len(lines) - 1) / 2) * 16
            parts.append(text(x + width / 2, middle, line, 12.5 if n == 0 else 11))
        shape_at(layer.shape, x + width / 2)
        x += width
    name = f"{title(family).removeprefix('IndexNet, ')}, {mode.replace('_', ' + ')}"
    parts.append(text(10, 14, name, 14, "start", 'font-weight="bold"'))
    parts.append(
        text(x, 14, f"{_parameters(block):,} parameters", 12.5, "end"),
    )
    label = f"{name}: " + ", then ".join(f"{e.name} to {e.shape}" for e in layers)
    return svg_root("".join(parts), x + 10, y + 90, label)
