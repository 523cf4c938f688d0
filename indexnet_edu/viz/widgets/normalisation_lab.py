"""Four logits, four ways to make an index of them (Sec. 4, Table 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from ...indexing import NORMALISATIONS, indexed_pool2d, indexed_upsample2d, normalise_index
from ..palette import colour
from ..svg import Grid, grid_row, rect, svg_root, text
from .base import LessonWidget, display_static, new_uid, paragraph, slider, toggle

__all__ = ["POSITIONS", "LabState", "NormalisationLab", "Outcome", "encoder_bounds", "outcome"]

POSITIONS = ("top left", "top right", "bottom left", "bottom right")
TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_LOGITS = tuple(value / 2 for value in range(-12, 13))
_FEATURES = tuple(value / 2 for value in range(-4, 13))


@dataclass(frozen=True)
class LabState:
    """One 2×2 region; positions in the order of ``POSITIONS``."""

    logits: tuple[float, float, float, float] = (2.0, 0.0, -1.0, 0.5)
    features: tuple[float, float, float, float] = (4.0, 1.0, 0.5, 2.0)
    normalisation: str = "sigmoid+softmax"
    temperature: float = 1.0


class Outcome(NamedTuple):
    """What the package makes of a state: both indices, four values each; their entropy in bits; the
    pooled value, and the region that upsampling makes of it."""

    encoder: list[float]
    decoder: list[float]
    entropy: float
    pooled: float
    upsampled: list[float]


def outcome(state: LabState) -> Outcome:
    """Computes a state with the package's own functions, in double precision."""
    columns = torch.tensor(state.logits, dtype=torch.float64).reshape(1, 4, 1, 1, 1)
    guide = normalise_index(columns, state.normalisation, state.temperature)
    x = torch.tensor(state.features, dtype=torch.float64).reshape(1, 1, 2, 2)
    pooled = indexed_pool2d(x, guide.encoder)
    encoder = guide.encoder.flatten()
    shares = encoder / encoder.sum()
    entropy = -(shares * shares.clamp_min(1e-300).log2()).sum().item()
    return Outcome(
        encoder.tolist(),
        guide.decoder.flatten().tolist(),
        entropy,
        pooled.item(),
        indexed_upsample2d(pooled, guide.decoder).flatten().tolist(),
    )


def encoder_bounds(normalisation: str, temperature: float) -> tuple[float, float]:
    """The open interval that no encoder index of a normalisation can leave, whatever the logits.

    For the paper's choice, a softmax over values in (0, 1), it is 1/(1+3e^(1/T)) to
    e^(1/T)/(e^(1/T)+3): about 0.109 to 0.475 at T = 1. The paper does not say so.
    """
    if normalisation == "sigmoid+softmax":
        e = math.exp(1 / temperature)
        return 1 / (1 + 3 * e), e / (e + 3)
    if normalisation == "softmax+sigmoid":
        return 0.5, 1 / (1 + math.exp(-1))
    if normalisation in NORMALISATIONS:
        return 0.0, 1.0
    raise ValueError(f"unknown normalisation {normalisation!r}")


def _square(values: tuple[float, ...] | list[float]) -> list[list[float]]:
    return [list(values[:2]), list(values[2:])]


def _bars(state: LabState, result: Outcome) -> str:
    """Both indices as bars over 0 to 1, with the bounds of the encoder's."""
    left, top, width, height = 190.0, 24.0, 440.0, 22.0
    bottom = top + 4 * (2 * height + 14)
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = left + tick * width
        parts.append(
            f'<path d="M{x:.1f} {top - 6:.0f}V{bottom:.0f}" stroke="currentColor" '
            'stroke-opacity="0.25"/>' + text(x, bottom + 12, f"{tick:g}", 12)
        )
    parts.append(text(left + width / 2, bottom + 32, "index (0 to 1)", 13))
    for p, position in enumerate(POSITIONS):
        y = top + p * (2 * height + 14)
        parts.append(text(left - 78, y + height, position, 13, "end"))
        for side, (role, values) in enumerate(
            (("encoder", result.encoder), ("decoder", result.decoder))
        ):
            y_bar = y + side * height
            fill = f'fill="{colour(role)}" stroke="currentColor" stroke-opacity="0.4"'
            parts.append(text(left - 8, y_bar + height / 2, role, 12, "end"))
            parts.append(rect(left, y_bar + 2, values[p] * width, height - 4, fill))
            number = f"{values[p]:.3f}"
            parts.append(text(left + width + 56, y_bar + height / 2, number, 12, "end"))
    low, high = encoder_bounds(state.normalisation, state.temperature)
    for bound, anchor, shift in ((low, "end", -4), (high, "start", 4)):
        x = left + bound * width
        parts.append(
            f'<path d="M{x:.1f} {top - 10:.0f}V{bottom:.0f}" stroke="{colour("encoder")}" '
            'stroke-width="2.5" stroke-dasharray="5 3"/>'
        )
        if 0 < bound < 1:
            parts.append(text(x + shift, top - 12, f"{bound:.3f}", 12, anchor))
    label = "; ".join(
        f"{name}: encoder {e:.3f}, decoder {d:.3f}"
        for name, e, d in zip(POSITIONS, result.encoder, result.decoder, strict=True)
    )
    return svg_root("".join(parts), left + width + 64, bottom + 44, f"Index by position. {label}")


def _words(state: LabState, result: Outcome) -> str:
    low, high = encoder_bounds(state.normalisation, state.temperature)
    total = sum(result.encoder)
    maximum, mean = max(state.features), sum(state.features) / 4
    return (
        f"Pooled value <strong>{result.pooled:.3f}</strong> (maximum of the region {maximum:g}, "
        f"mean {mean:.3f}). The encoder index sums to {total:.3f}; as shares of that its entropy "
        f"is <strong>{result.entropy:.3f} bits</strong> (0: one position alone, 2: all alike). "
        f"Whatever the logits, an encoder index stays between {low:.3f} and {high:.3f} "
        "(dashed lines)."
    )


def _draw(state: LabState) -> str:
    result = outcome(state)
    row = grid_row(
        [
            Grid(_square(state.logits), "logits", decimals=1),
            "→ normalise",
            Grid(_square(result.encoder), "encoder index", "encoder", decimals=3),
            "⊙",
            Grid(_square(state.features), "features", decimals=1),
            "→ sum",
            Grid([[result.pooled]], "pooled", decimals=3),
        ],
        f"Indexed pooling of one region with {state.normalisation}, temperature "
        f"{state.temperature:g}: pooled value {result.pooled:.3f}",
    )
    back = grid_row(
        [
            Grid([[result.pooled]], "pooled", decimals=3),
            "→ copy",
            Grid([[result.pooled] * 2] * 2, "copied", decimals=3),
            "⊙",
            Grid(_square(result.decoder), "decoder index", "decoder", decimals=3),
            "=",
            Grid(_square(result.upsampled), "upsampled", decimals=3),
        ],
        "Indexed upsampling of the pooled value: "
        + ", ".join(f"{value:.3f}" for value in result.upsampled),
    )
    parts = (row, _bars(state, result), back, paragraph(_words(state, result)))
    return "".join(f"<div>{part}</div>" for part in parts)


class NormalisationLab(LessonWidget[LabState]):
    """Set the logits and features of one region, and see what each row of Table 6 makes of them."""

    title = "Normalisation lab"

    def __init__(self, state: LabState | None = None) -> None:
        start = state or LabState()
        controls = {
            f"logit_{p}": slider(f"logit, {name}", _LOGITS, start.logits[p])
            for p, name in enumerate(POSITIONS)
        }
        controls |= {
            f"feature_{p}": slider(f"feature, {name}", _FEATURES, start.features[p])
            for p, name in enumerate(POSITIONS)
        }
        controls["temperature"] = slider("temperature", TEMPERATURES, start.temperature)
        controls["normalisation"] = toggle(
            "normalisation", list(NORMALISATIONS), start.normalisation
        )
        super().__init__(controls)

    def state(self) -> LabState:
        value = {name: control.value for name, control in self.controls.items()}
        return LabState(
            (value["logit_0"], value["logit_1"], value["logit_2"], value["logit_3"]),
            (value["feature_0"], value["feature_1"], value["feature_2"], value["feature_3"]),
            value["normalisation"],
            value["temperature"],
        )

    @staticmethod
    def render(state: LabState, uid: str = "picture") -> str:
        return f'<div class="{uid}">{_draw(state)}</div>'

    @staticmethod
    def render_static(state: LabState, uid: str = "picture") -> str:
        """One picture a temperature and a visible radio group to choose among them, by CSS
        alone."""
        options, rules, pictures = [], [], []
        for n, temperature in enumerate(TEMPERATURES):
            checked = " checked" if temperature == state.temperature else ""
            options.append(
                f'<label style="margin-right:12px"><input type="radio" name="{uid}" '
                f'class="{uid}-r{n}" data-lm-suppress-shortcuts="true"{checked}> '
                f"{temperature:g}</label>"
            )
            rules.append(f".{uid}:has(.{uid}-r{n}:checked) .{uid}-p{n}")
            drawn = _draw(replace(state, temperature=temperature))
            pictures.append(f'<div class="{uid}-p {uid}-p{n}">{drawn}</div>')
        return (
            f'<div class="{uid}"><style>.{uid} .{uid}-p{{display:none}}{",".join(rules)}'
            f'{{display:block}}</style><div role="radiogroup" aria-label="temperature">'
            f"temperature: {''.join(options)}</div>{''.join(pictures)}</div>"
        )

    @classmethod
    def static(cls, state: LabState | None = None) -> None:
        """Displays the twin that needs no kernel: the state at every temperature."""
        start = state or LabState()
        caption = (
            f"Normalisation {start.normalisation}: choose a temperature. The lower it is, the "
            "nearer a softmax comes to a hard choice."
        )
        display_static(cls.render_static(start, new_uid()), caption)
