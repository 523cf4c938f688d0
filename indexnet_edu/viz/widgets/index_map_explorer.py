"""Fig. 11 by hand: the index maps of a network, stage by stage, before and after training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import UserError
from ...images import SAMPLES
from ...indexing import MODES
from ...records.weights import encoder_name, load_set, weight_set
from ...resampling import create_resampler
from ..palette import INDEX_COLOURMAP, INDEX_RANGE, colour, colour_table, title
from ..pixels import coloured, svg_image
from ..svg import rect, svg_root, text
from .base import (
    LessonWidget,
    choice,
    display_static,
    family_titles,
    mode_title,
    new_uid,
    number,
    paragraph,
    toggle,
)
from .normalisation_lab import encoder_bounds
from .pictures import Picture, PictureChooser, sample_picture, whole_factor

__all__ = ["IndexMapExplorer", "MapState", "index_map", "trained_weights"]

WIDTHS = (32, 64, 128)
_ROOM = 256
_BINS = 32
_HISTOGRAM = 160


@dataclass(frozen=True)
class MapState:
    """Which map of which network is looked at.

    Attributes:
        picture: what the network sees.
        family, mode: as in :func:`indexnet_edu.indexing.create_index_block`.
        stage: 0, 1 or 2.
        channel: 1 to C; 0 is the mean over all channels, as in Fig. 11.
        side: ``"encoder"`` or ``"decoder"``.
        weights: ``"random"`` or ``"trained"``.
    """

    picture: Picture
    family: str = "m2o"
    mode: str = "nonlinear_context"
    stage: int = 0
    channel: int = 0
    side: str = "encoder"
    weights: str = "random"


def trained_weights(family: str, mode: str = "nonlinear_context") -> Path | None:
    """The encoder half of a trained reconstruction network (Sec. 5.3), if the course has it."""
    return weight_set(encoder_name("reconstruction", family, mode))


@lru_cache(maxsize=5)
def _network(family: str, mode: str, weights: str) -> tuple[Any, dict[str, Any]]:
    """The network of Sec. 5.3, of which only the encoder half is used, and its record."""
    # Nothing in the tasks needs the widgets, so this makes no circle.
    from ...tasks.reconstruction.model import ReconstructionNet

    resampler = create_resampler("indexnet", family=family, mode=mode)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = ReconstructionNet(resampler, WIDTHS)
    if weights == "random":
        # Before training a network normalises by its batch: it has no other statistics yet.
        return network.train(), {}
    folder = trained_weights(family, mode)
    if folder is None:
        raise UserError(f"there are no trained weights of {family}, {mode}: choose random ones")
    tensors, record = load_set(folder)
    for part in ("down", "encoder"):  # there is no decoder in the set
        own = {k: v for k, v in tensors.items() if k.startswith(f"{part}.")}
        bare = {key.removeprefix(f"{part}."): value for key, value in own.items()}
        getattr(network, part).load_state_dict(bare)
    return network.eval(), record


@lru_cache(maxsize=18)
def _stage(
    picture: Picture, family: str, mode: str, weights: str, stage: int
) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """What a stage hands on, and its two maps; every stage is kept, and only those asked for
    run."""
    network, _ = _network(family, mode, weights)
    if stage == 0:
        x = torch.from_numpy(picture.pixels.copy())[None, None]
    else:
        x = _stage(picture, family, mode, weights, stage - 1)[0]
    with torch.no_grad():
        y, guide = network.down(network.encoder[stage](x), stage)
    return y, guide.encoder[0].numpy(), guide.decoder[0].numpy()


def index_map(state: MapState) -> np.ndarray:
    """All index maps of a state's stage and side in the Fashion-MNIST encoder, ``(1 or C, H, W)``.

    Raises:
        ValueError: a stage that the encoder does not have.
    """
    if not 0 <= state.stage < len(WIDTHS):
        raise ValueError(f"there is no stage {state.stage + 1}: choose 1 to {len(WIDTHS)}")
    where = (state.picture, state.family, state.mode, state.weights, state.stage)
    _, encoder, decoder = _stage(*where)
    return decoder if state.side == "decoder" else encoder


def chosen_map(state: MapState) -> tuple[np.ndarray, np.ndarray]:
    """The map that is drawn, ``(H, W)``, and all maps of that stage, ``(1 or C, H, W)``.

    Raises:
        ValueError: a stage or channel that the network does not have.
    """
    maps = index_map(state)
    if not 0 <= state.channel <= len(maps):
        raise ValueError(f"there is no channel {state.channel}: this stage has {len(maps)}")
    return (maps.mean(axis=0) if state.channel == 0 else maps[state.channel - 1]), maps


def _colour_bar(x: float, top: float, height: int, marks: tuple[float, ...]) -> str:
    ramp = colour_table(INDEX_COLOURMAP)[::-1][:, None]  # (256, 1, 3)
    bar = (
        f'<g transform="translate({x:.0f} {top:.0f}) scale(1 {height / 256:.4f})">'
        f"{svg_image(ramp, 0, 0, 1)}</g>"
    ).replace('width="1"', 'width="16"')
    ticks = "".join(
        text(x + 22, top + height * (1 - tick), f"{tick:g}", 12, "start")
        for tick in (0, 0.25, 0.5, 0.75, 1)
    )
    lines = "".join(
        f'<path d="M{x - 4:.0f} {top + height * (1 - m):.1f}h24" stroke="{colour("encoder")}" '
        'stroke-width="2.5"/>'
        for m in marks
    )
    return bar + ticks + lines + text(x, top + height + 16, "index", 13, "start")


def _histogram(values: np.ndarray, left: float, top: float, height: int, side: str) -> str:
    counts, _ = np.histogram(np.clip(values, 0, 1), bins=_BINS, range=INDEX_RANGE)
    shares = counts / values.size
    step, peak = _HISTOGRAM / _BINS, shares.max()
    parts = [text(left, 12, "how often each value", anchor="start")]
    for b, share in enumerate(shares / peak):
        if share > 0:
            x, y = left + b * step, top + height * (1 - share)
            parts.append(rect(x, y, step - 1, height * share, f'fill="{colour(side)}"'))
    bottom = top + height
    parts.append(f'<path d="M{left:.0f} {bottom}h{_HISTOGRAM}" stroke="currentColor"/>')
    parts += [text(left + t * _HISTOGRAM, bottom + 14, f"{t:g}", 12) for t in (0, 0.5, 1)]
    parts.append(text(left + _HISTOGRAM / 2, bottom + 30, "index", 12))
    parts.append(text(left + _HISTOGRAM / 2, bottom + 46, f"(highest: {peak:.0%} of pixels)", 12))
    return "".join(parts)


def _training(record: dict[str, Any]) -> str:
    epochs, psnr = record["recipe"]["epochs"], record["metrics"]["psnr"]
    return (
        f"Trained to reconstruct images of 32×32 ({record['data']['name']}; {epochs} epochs; test "
        f"PSNR {psnr:.1f} dB); other kinds of picture are new to the network."
    )


def _draw(state: MapState) -> str:
    drawn, maps = chosen_map(state)
    channels, height, width = maps.shape
    factor = whole_factor(state.picture.side, _ROOM)
    size = factor * state.picture.side
    top, bar = 28, 2 * (size + 16) + 4
    bounds = encoder_bounds("sigmoid+softmax", 1.0) if state.side == "encoder" else ()
    what = "mean of all channels" if state.channel == 0 else f"channel {state.channel}"
    parts = [
        text(0, 12, f"picture: {state.picture.name}", anchor="start"),
        svg_image(state.picture.pixels, 0, top, factor),
        text(size + 16, 12, f"{state.side} index, stage {state.stage + 1}", anchor="start"),
        svg_image(
            coloured(drawn, INDEX_COLOURMAP, INDEX_RANGE), size + 16, top, factor << state.stage
        ),
        _colour_bar(bar, top, size, bounds),
        _histogram(drawn, bar + 80, top, size, state.side),
    ]
    low, high, mean = float(drawn.min()), float(drawn.max()), float(drawn.mean())
    summary = (
        f"{title(state.family)}, {mode_title(state.mode)}, {state.weights} weights: "
        f"{channels} {state.side} index map{'s' if channels > 1 else ''} of {height}×{width}; "
        f"shown: {what if channels > 1 else 'the map'}, {low:.3f} to {high:.3f}, mean {mean:.3f}."
    )
    width = bar + 80 + _HISTOGRAM + 24
    svg = svg_root("".join(parts), width, top + size + 58, summary, shrinks=False)
    words = [summary]
    if bounds:
        words.append(
            f"Softmax over sigmoids keeps every encoder index between {bounds[0]:.3f} and "
            f"{bounds[1]:.3f} (lines in the bar)."
        )
    if state.weights == "random":
        words.append("Weights as initialised, batch normalisation by this picture.")
    else:
        words.append(_training(_network(state.family, state.mode, state.weights)[1]))
    if state.picture.note:
        words.append(f"Picture: {state.picture.note}.")
    return svg + paragraph(" ".join(words))


class IndexMapExplorer(LessonWidget[MapState]):
    """Walk through the index maps of the Fashion-MNIST encoder (widths 32, 64, 128)."""

    title = "Index map explorer"

    def __init__(self) -> None:
        # First what the trained networks know.
        self.chooser = PictureChooser(("ankle boot", *SAMPLES))
        start = "trained" if trained_weights("m2o") else "random"
        controls = {
            "picture": self.chooser.control,
            "family": toggle("family", choice(family_titles()), "m2o"),
            "mode": toggle("mode", choice({m: mode_title(m) for m in MODES}), MODES[-1]),
            "weights": toggle("weights", ["random", "trained"], start),
            "side": toggle("index of the", ["encoder", "decoder"], "decoder"),
            "stage": toggle("stage", [("1", 0), ("2", 1), ("3", 2)], 0),
            "channel": number("channel (0: mean)", 0, WIDTHS[0], 0),
        }
        super().__init__(controls, self.chooser.rows[:2])

    def state(self) -> MapState:
        return MapState(**{name: control.value for name, control in self.controls.items()})

    def refresh(self, change: Any = None) -> None:
        family, stage = self.controls["family"].value, self.controls["stage"].value
        self.controls["channel"].max = 1 if family == "holistic" else WIDTHS[stage]
        trained = trained_weights(family, self.controls["mode"].value)
        options = ("random", "trained") if trained else ("random",)
        if self.controls["weights"].options != options:  # what is absent is not offered
            self.controls["weights"].options = options
        super().refresh(change)

    @staticmethod
    def render(state: MapState, uid: str = "picture") -> str:
        return f'<div class="{uid}" style="overflow-x:auto">{_draw(state)}</div>'

    @classmethod
    def static(cls, state: MapState | None = None) -> None:
        """Displays the picture of a state; no kernel is needed to see it."""
        start = MapState(sample_picture("ankle boot"), side="decoder", weights="trained")
        display_static(cls.render(state or start, new_uid()))
