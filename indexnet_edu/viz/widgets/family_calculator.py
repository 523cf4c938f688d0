"""What an index network costs: parameters, multiply-accumulates, memory (Sec. 4; Tables 5, 7,
8, 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from typing import Any

import ipywidgets

from ...complexity import GIGA, ResamplerCost, family_cost
from ...indexing import FAMILIES, MODES
from ...records.paper import paper_table
from ..palette import title
from .base import (
    LessonWidget,
    choice,
    display_static,
    family_titles,
    mode_title,
    new_uid,
    paragraph,
    slider,
    toggle,
)

__all__ = ["PRESETS", "CalculatorState", "FamilyCalculator", "paper_row"]

#: name → table of the paper (None: it counts no costs), channels of the stages, input size.
PRESETS: dict[str, tuple[int | None, tuple[int, ...], int]] = {
    "matting, Table 5": (5, (32, 24, 32, 64, 160), 224),
    "denoising, Table 7": (7, (64, 128, 256), 224),
    "SegNet, Table 8": (8, (64, 128, 256, 512, 512), 224),
    "FastDepth, Table 10": (10, (32, 128, 256, 512, 1024), 224),
    "Fashion-MNIST": (None, (32, 64, 128), 32),
}
#: The network without an index network whose GFLOPs the paper prints.
_BASELINES = {5: "B11", 7: "DnCNN-SegNet", 8: "SegNet", 10: "FastDepth-P-NNConv5"}
#: In place of a family: all of them, in one table.
ALL = "all"
SIZES = (32, 64, 96, 128, 160, 192, 224, 256, 320)
_STAGES = 5


@dataclass(frozen=True)
class CalculatorState:
    """An index network over an encoder: channels at each stage, the first at size × size.

    ``family`` may be ``ALL``, which compares them.
    """

    channels: tuple[int, ...] = (32, 24, 32, 64, 160)
    size: int = 224
    family: str = "m2o"
    mode: str = "nonlinear_context"


_cost = lru_cache(maxsize=256)(family_cost)


def cost_of(state: CalculatorState) -> ResamplerCost:
    """The package's own count, kept.

    Raises:
        ValueError: no stages, a stage without channels, or more halvings than the size allows.
    """
    if not state.channels or min(state.channels) < 1:
        raise ValueError("every stage needs at least 1 channel: fill the stages from the first on")
    if state.size >> len(state.channels) < 1:
        raise ValueError(f"{state.size} pixels cannot be halved {len(state.channels)} times")
    return _cost(state.channels, state.size, state.family, state.mode)


def paper_row(state: CalculatorState) -> tuple[int, dict[str, Any], float] | None:
    """The paper's own row for a state: number of the table, the row, the baseline's GFLOPs."""
    for table, channels, size in PRESETS.values():
        if table and (channels, size) == (state.channels, state.size):
            rows = paper_table(table)
            base = next(row for row in rows if row.get("method") == _BASELINES[table])
            wanted = (state.family, state.mode)
            row = next(row for row in rows if (row.get("family"), row.get("mode")) == wanted)
            return table, row, base["gflops"]
    return None


def _macs(value: float) -> str:
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{value / factor:,.2f} {unit}"
    return f"{value:.0f}"


def _memory(value: float) -> str:
    for unit, factor in (("MiB", 2**20), ("KiB", 2**10)):
        if value >= factor:
            return f"{value / factor:,.2f} {unit}"
    return f"{value:.0f} B"


_CELL = "white-space:nowrap;padding:3px 10px;text-align:right;border-bottom:1px solid currentColor"


def _table(caption: str, head: list[str], rows: list[list[str]], bold_last: bool = False) -> str:
    """A table with a caption and headers on both sides; the first column names the rows."""

    left = f"{_CELL};text-align:left"

    def line(cells: list[str], strong: bool) -> str:
        name, *values = map(escape, cells)
        weight = ";font-weight:bold" if strong else ""
        return (
            f'<tr><th scope="row" style="{left}{weight}">{name}</th>'
            + "".join(f'<td style="{_CELL}{weight}">{value}</td>' for value in values)
            + "</tr>"
        )

    top = "".join(
        f'<th scope="col" style="{_CELL if n else left};white-space:normal;vertical-align:bottom">'
        f"{escape(name)}</th>"
        for n, name in enumerate(head)
    )
    body = "".join(line(row, bold_last and row is rows[-1]) for row in rows)
    return (
        '<table style="border-collapse:collapse;line-height:1.4;font-variant-numeric:tabular-nums;'
        f'color:var(--jp-ui-font-color1,currentColor)"><caption style="text-align:left">'
        f"{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


_HEAD = ["added parameters", "true MACs", "MACs as the paper counts", "index maps (float32)"]


def _cells(parameters: int, macs: int, paper_macs: int, memory: int) -> list[str]:
    return [f"{parameters:,}", _macs(macs), _macs(paper_macs), _memory(memory)]


def _draw(state: CalculatorState) -> str:
    return _draw_families(state) if state.family == ALL else _draw_stages(state)


def _draw_stages(state: CalculatorState) -> str:
    cost = cost_of(state)
    rows = [
        [
            f"{k + 1}: {s.channels} channels at {s.size}×{s.size}",
            *_cells(s.cost.parameters, s.cost.macs, s.cost.paper_macs, s.guide_bytes),
        ]
        for k, s in enumerate(cost.stages)
    ]
    total = cost.cost
    rows.append(
        ["all stages", *_cells(total.parameters, total.macs, total.paper_macs, cost.guide_bytes)]
    )
    network = f"{title(state.family)}, {mode_title(state.mode)}"
    caption = f"{network}; one image of {state.size}×{state.size}"
    table = _table(caption, ["stage", *_HEAD], rows, bold_last=True)
    return f"{table}{paragraph(_beside_paper(state, cost))}"


_UNIT = (
    "Its unit is 2<sup>30</sup> MACs of convolutions (G in the table is 10<sup>9</sup>), and a "
    "block that all channels share it counts once, not once a channel."
)
_NO_ROW = "The paper prints no row for these stages."


def _beside_paper(state: CalculatorState, cost: ResamplerCost) -> str:
    found = paper_row(state)
    if found is None:
        return _NO_ROW
    number, row, base = found
    ours = cost.cost.paper_macs / GIGA
    printed = row["gflops"] - base
    return (
        f"Table {number} prints <strong>{escape(row['extra_params_text'])}</strong> parameters "
        f"(ours +{cost.cost.parameters:,}) and <strong>{row['gflops']:.2f}</strong> GFLOPs for the "
        f"whole network, {printed:.2f} above its baseline's {base:.2f} (ours +{ours:.3f}). {_UNIT}"
    )


def _draw_families(state: CalculatorState) -> str:
    rows, printed = [], _NO_ROW
    for family in FAMILIES:
        each = replace(state, family=family)
        cost, found = cost_of(each), paper_row(each)
        paper = ["–", "–"]
        if found:
            number, row, base = found
            paper = [row["extra_params_text"], f"{row['gflops'] - base:+.2f}"]
            printed = (
                f"Table {number} prints GFLOPs of the whole network; its baseline's {base:.2f} is "
                f"taken off here. {_UNIT}"
            )
        total = cost.cost
        cells = _cells(total.parameters, total.macs, total.paper_macs, cost.guide_bytes)
        rows.append([title(family), *cells, f"+{total.paper_macs / GIGA:.2f}", *paper])
    stages = ", ".join(map(str, state.channels))
    size = f"{state.size}×{state.size}"
    caption = f"{mode_title(state.mode)}; stages of {stages} channels from {size}"
    head = ["family", *_HEAD, "in the paper's GFLOPs", "paper: parameters", "paper: GFLOPs"]
    return f"{_table(caption, head, rows)}{paragraph(printed)}"


class FamilyCalculator(LessonWidget[CalculatorState]):
    """Choose the stages of an encoder and an index network for them; read what it costs."""

    title = "Family calculator"

    def __init__(self, preset: str = "matting, Table 5") -> None:
        _, channels, size = PRESETS[preset]
        self._held = True
        self.preset = slider("stages of", list(PRESETS), preset)
        self.stages = [
            ipywidgets.BoundedIntText(
                value=channels[k] if k < len(channels) else 0,
                min=0,
                max=2048,
                description=f"channels, stage {k + 1} (0: none)",
                style={"description_width": "200px"},
                layout={"width": "300px"},
            )
            for k in range(_STAGES)
        ]
        controls = {
            "size": slider("input size (pixels)", SIZES, size),
            "family": toggle("family", choice({**family_titles(), ALL: "all five"}), "m2o"),
            "mode": toggle("mode", choice({m: mode_title(m) for m in MODES}), MODES[-1]),
        }
        controls |= {f"stage_{k}": stage for k, stage in enumerate(self.stages)}
        self.preset.observe(self._load, names="value")
        self._held = False
        super().__init__(controls, [self.preset])

    def _load(self, change: Any) -> None:
        _, channels, size = PRESETS[self.preset.value]
        self._held = True  # one picture for all the numbers that change together
        try:
            for k, stage in enumerate(self.stages):
                stage.value = channels[k] if k < len(channels) else 0
            self.controls["size"].value = size
        finally:
            self._held = False
        self.refresh()

    def refresh(self, change: Any = None) -> None:
        if not self._held:
            super().refresh(change)

    def state(self) -> CalculatorState:
        channels = [stage.value for stage in self.stages]
        while channels and channels[-1] == 0:
            channels.pop()
        return CalculatorState(
            tuple(channels),
            self.controls["size"].value,
            self.controls["family"].value,
            self.controls["mode"].value,
        )

    @staticmethod
    def render(state: CalculatorState, uid: str = "picture") -> str:
        return f'<div class="{uid}">{_draw(state)}</div>'

    @classmethod
    def static(cls, preset: str = "matting, Table 5", mode: str = "nonlinear_context") -> None:
        """Displays all five families for the stages of a preset, beside the paper's rows."""
        _, channels, size = PRESETS[preset]
        display_static(cls.render(CalculatorState(channels, size, ALL, mode), new_uid()))
