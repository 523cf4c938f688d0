"""One picture down and up again through several pairs, side by side, with a synchronised
close-up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..figures.operators import psnr
from ..palette import ERROR_COLOURMAP, colour, colour_table, title
from ..pixels import coloured, svg_image
from ..svg import svg_root, text
from .base import LessonWidget, choice, display_static, menu, new_uid, number, paragraph
from .one_level import LEARNED, PAIRS, one_level, training_record
from .pictures import Picture, PictureChooser, sample_picture, whole_factor

__all__ = ["MicroscopeState", "UpsamplerMicroscope", "edge_window", "pair_output"]

WINDOW = 16
_ROOM = 256
_GAP = 12
_HEAD = 68  # pixels above the pictures
#: The range of the error maps, the same for every pair and place.
ERROR_RANGE = (0.0, 0.5)


@dataclass(frozen=True)
class MicroscopeState:
    """A picture, the pairs it goes through, and the corner of the 16×16 close-up."""

    picture: Picture
    pairs: tuple[str, ...] = ("avgpool_nearest", "maxpool_maxunpool")
    row: int = 0
    column: int = 0


@lru_cache(maxsize=64)
def pair_output(picture: Picture, name: str) -> np.ndarray:
    """The picture after a pair, (side, side), not clipped.

    Raises:
        ValueError: an unknown pair.
        UserError: its trained weights are missing or damaged.
    """
    x = torch.from_numpy(picture.pixels.copy())[None, None]
    with torch.no_grad():
        return one_level(name)(x)[0, 0].numpy()


def edge_window(picture: Picture) -> tuple[int, int]:
    """Row and column of the close-up with the strongest edges in it."""
    gradient = np.hypot(*np.gradient(picture.pixels.astype(np.float64)))
    windows = np.lib.stride_tricks.sliding_window_view(gradient, (WINDOW, WINDOW))[::4, ::4]
    strength = windows.mean(axis=(2, 3))
    row, column = np.unravel_index(strength.argmax(), strength.shape)
    return 4 * int(row), 4 * int(column)


def _frame(x: float, y: float, state: MicroscopeState, factor: int) -> str:
    side = WINDOW * factor
    x, y = x + state.column * factor, y + state.row * factor
    place = f'x="{x:.0f}" y="{y:.0f}" width="{side}" height="{side}" fill="none"'
    return (
        f'<rect {place} stroke="#ffffff" stroke-width="4"/>'
        f'<rect {place} stroke="{colour("decoder")}" stroke-width="2"/>'
    )


def _error_bar(x: float, top: float, width: int) -> str:
    ramp = colour_table(ERROR_COLOURMAP)[None]  # (1, 256, 3)
    drawn = svg_image(ramp, 0, 0, 1).replace('height="1"', 'height="14"')
    scale = f'<g transform="translate({x:.0f} {top:.0f}) scale({width / 256:.4f} 1)">{drawn}</g>'
    low, high = ERROR_RANGE
    return (
        scale
        + text(x, top + 26, f"{low:g}", 12, "start")
        + text(x + width, top + 26, f"{high:g} and above", 12, "end")
        + text(x, top + 44, "absolute error (intensity, 0 to 1)", 12, "start")
    )


def _draw(state: MicroscopeState) -> str:
    last = state.picture.side - WINDOW
    if not (0 <= state.row <= last and 0 <= state.column <= last):
        raise ValueError(f"the close-up must start between 0 and {last}")
    if not state.pairs:
        raise ValueError("choose at least one pair")
    target = state.picture.pixels
    factor = whole_factor(state.picture.side, _ROOM)
    size = factor * state.picture.side
    close = size // WINDOW
    window = np.s_[state.row : state.row + WINDOW, state.column : state.column + WINDOW]
    rows = tuple(_HEAD + n * (size + _GAP) for n in range(3))
    parts, words = [], []
    for n, name in enumerate(("input", *state.pairs)):
        x = n * (size + _GAP)
        image = target if name == "input" else pair_output(state.picture, name)
        parts.append(text(x, 10, "input" if name == "input" else title(name), 13, "start"))
        parts += [svg_image(image, x, rows[0], factor), _frame(x, rows[0], state, factor)]
        parts.append(svg_image(image[window], x, rows[1], close))
        if name == "input":
            parts.append(text(x, rows[2] + 10, "at the right: absolute", 13, "start"))
            parts.append(text(x, rows[2] + 28, "error in the close-up", 13, "start"))
            parts.append(_error_bar(x, rows[2] + 50, size - 40))
            continue
        whole, near = psnr(image, target), psnr(image[window], target[window])
        quality = "exact" if np.isinf(whole) else f"PSNR {whole:.2f} dB"
        inside = "exact" if np.isinf(near) else f"{near:.2f} dB"
        parts.append(text(x, 26, quality, 12, "start"))
        pair = one_level(name)
        weights = f"{pair.count_weights():,} trained weights" if name in LEARNED else "no weights"
        parts.append(text(x, 42, weights, 12, "start"))
        parts.append(text(x, 58, f"up from {pair.crossing()} a region", 12, "start"))
        error = np.abs(np.clip(image, 0, 1) - target)[window]
        parts.append(svg_image(coloured(error, ERROR_COLOURMAP, ERROR_RANGE), x, rows[2], close))
        words.append(f"{title(name)}: {quality} (close-up {inside})")
    width = (len(state.pairs) + 1) * (size + _GAP) - _GAP
    label = f"{state.picture.name} through pairs of down- and upsampling. {'; '.join(words)}"
    svg = svg_root("".join(parts), width, rows[2] + size + 6, label, shrinks=False)
    note = f" Picture: {state.picture.note}." if state.picture.note else ""
    place = (
        f"Close-up: rows {state.row} to {state.row + WINDOW - 1}, "
        f"columns {state.column} to {state.column + WINDOW - 1}."
    )
    return svg + paragraph(f"{'. '.join(words)}. {place}{note}") + paragraph(_explanation(state))


def _explanation(state: MicroscopeState) -> str:
    """What is compared here, and what is not."""
    words = ["A single level on one channel: down, up, nothing in front and nothing behind."]
    learned = [name for name in state.pairs if name in LEARNED]
    if learned:
        record = training_record()
        recipe, quality = record["recipe"], record["metrics"]["psnr"]
        listed = ", ".join(f"{title(name)} {quality[name]:.2f} dB" for name in learned)
        words.append(
            f"Weights: trained to return photographs ({recipe['steps']:,} steps, seed "
            f"{recipe['seed']}, {recipe['loss']}; {record['data']['name']}: {listed})."
        )
    if len(learned) < len(state.pairs):
        words.append("A pair without weights has nothing to train.")
    if any(one_level(name).sends_indices for name in state.pairs):
        words.append(
            "An index network hands over four indices a region, as many numbers as the region has "
            "pixels; yet they only scale the pooled value down, and that lies below the region's "
            "maximum. So its brightest pixel comes back too dark. In a network, convolutions stand "
            "in between. On one channel M2O and the O2O families are the same network."
        )
    return " ".join(words)


class UpsamplerMicroscope(LessonWidget[MicroscopeState]):
    """Compare two pairs on a picture; the close-up walks over all of them together."""

    title = "Upsampler microscope"

    def __init__(self) -> None:
        self.chooser = PictureChooser()
        titles = choice({name: title(name) for name in PAIRS})
        row, column = edge_window(self.chooser.control.value)
        last = self.chooser.control.value.side - WINDOW
        controls = {
            "picture": self.chooser.control,
            "left": menu("left pair", titles, "avgpool_nearest"),
            "right": menu("right pair", titles, "maxpool_maxunpool"),
            "row": number("close-up, row", 0, last, row),
            "column": number("close-up, column", 0, last, column),
        }
        super().__init__(controls, self.chooser.rows[:2])

    def state(self) -> MicroscopeState:
        value = {name: control.value for name, control in self.controls.items()}
        pairs = (value["left"], value["right"])
        return MicroscopeState(value["picture"], pairs, value["row"], value["column"])

    def refresh(self, change: Any = None) -> None:
        last = self.controls["picture"].value.side - WINDOW
        for name in ("row", "column"):  # a smaller picture takes the close-up along
            self.controls[name].max = last
        super().refresh(change)

    @staticmethod
    def render(state: MicroscopeState, uid: str = "picture") -> str:
        return f'<div class="{uid}" style="overflow-x:auto">{_draw(state)}</div>'

    @classmethod
    def static(
        cls, picture: str = "camera", pairs: tuple[str, ...] = ("avgpool_nearest", "s2d_d2s")
    ) -> None:
        """Displays the pairs on a sample, the close-up on its strongest edges; needs no kernel."""
        chosen = sample_picture(picture)
        state = MicroscopeState(chosen, pairs, *edge_window(chosen))
        display_static(cls.render(state, new_uid()))
