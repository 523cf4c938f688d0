"""Every upsampling is an index function (Sec. 3): which inputs make an output, with what
weights?"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import torch
from torch import Tensor

from ...indexing import functions
from ..palette import colour
from ..svg import format_numbers, rect, svg_root, text, text_width
from .base import LessonWidget, display_static, new_uid, number, toggle

__all__ = ["OPERATORS", "ExplorerState", "IndexFunctionExplorer", "example"]

#: name → title, with the equation of Sec. 3.
OPERATORS = {
    "max_unpool": "max unpool (Eq. 1)",
    "nearest": "nearest (Eq. 2)",
    "bilinear": "bilinear (Eq. 3)",
    "deconv": "deconv (Eq. 3)",
    "pixel_shuffle": "pixel shuffle (Eq. 4)",
}
FACTORS = (2, 3, 4)

_CELL = 54.0
_INPUT_HEIGHT = 54.0
_OUTPUT_HEIGHT = 40.0
_SMALL_CELL = 34.0
_GAP = 20.0
_TOP = 50.0


@dataclass(frozen=True)
class ExplorerState:
    """An operator, its factor k, and an element of the 2k×2k output."""

    operator: str = "bilinear"
    k: int = 2
    row: int = 1
    column: int = 1


class Example(NamedTuple):
    """An operator on small numbers: ``d`` (1, C, 2, 2), its index, the output, and the encoder's
    features where the index comes from them."""

    d: Tensor
    taps: functions.Index
    output: Tensor
    encoder: Tensor | None = None
    kernel: Tensor | None = None


def example(operator: str, k: int) -> Example:
    """The example the explorer shows; the output is 2k×2k.

    Raises:
        ValueError: an unknown operator.
    """
    d = torch.tensor([[[[4.0, 1.0], [2.0, 6.0]]]])
    generator = torch.Generator().manual_seed(10 * k)
    encoder = kernel = None
    if operator == "max_unpool":
        encoder = torch.randperm(4 * k * k, generator=generator).reshape(1, 1, 2 * k, 2 * k).float()
        index = functions.max_index(encoder, k)
    elif operator == "nearest":
        index = functions.nearest_index(d.shape, scale_factor=k)
    elif operator == "bilinear":
        index = functions.bilinear_index(d.shape, scale_factor=k)
    elif operator == "deconv":
        # k = 2 is the paper's Deconv/2: a 4×4 kernel, stride 2, padding 1.
        size = 2 * k - k % 2
        kernel = torch.randn(1, 1, size, size, generator=generator).mul(4).round() / 10
        kernel = kernel.where(kernel != 0, 0.1)  # learned weights are not exactly 0
        index = functions.deconv_index(kernel, d.shape, stride=k, padding=(size - k) // 2)
    elif operator == "pixel_shuffle":
        d = torch.randperm(4 * k * k, generator=generator).reshape(1, k * k, 2, 2).float()
        index = functions.pixel_shuffle_index(d.shape, k)
    else:
        raise ValueError(f"unknown operator {operator!r}; choose from {', '.join(OPERATORS)}")
    return Example(d, index, functions.apply_index(d, index), encoder, kernel)


def taps(ex: Example) -> list[list[tuple[int, float]]]:
    """For each output element, row by row: (position in the input, weight) where the weight is
    not 0."""
    matrix = functions.index_matrix(ex.taps, ex.d.shape)
    return [[(p, row[p].item()) for p in row.nonzero().flatten().tolist()] for row in matrix]


def _number(value: float, decimals: int = 2) -> str:
    shown = f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
    return ("0" if shown in ("-0", "") else shown).replace("-", "−")


def _equation(element: list[tuple[int, float]], d: Tensor, r: int, c: int, value: float) -> str:
    flat = d.flatten()
    terms = [f"{_number(w, 4)} · {_number(flat[p].item())}" for p, w in element]
    total = " + ".join(terms) if terms else "no input"
    return f"y[{r}, {c}] = {total} = {_number(value, 4)}"


def _cell(x: float, y: float, width: float, height: float) -> str:
    return rect(x, y, width, height, 'fill="none" stroke="currentColor" stroke-opacity="0.5"')


def _input_places(ex: Example, k: int) -> list[tuple[float, float]]:
    """Corner of each input element; the channels of pixel shuffle stand in a k×k arrangement."""
    channels = ex.d.shape[1]
    side = k if channels > 1 else 1
    places = []
    for channel in range(channels):
        x = (channel % side) * (2 * _CELL + 14)
        y = _TOP + (channel // side) * (2 * _INPUT_HEIGHT + 26)
        places += [(x + c * _CELL, y + r * _INPUT_HEIGHT) for r in range(2) for c in range(2)]
    return places


def _style(uid: str, count: int, start: int, radios: bool) -> str:
    """Shows the explanation of the output that is pointed at, else of the chosen one."""
    shown = [f".{uid}:has(.{uid}-c{n}:hover) .{uid}-e{n}" for n in range(count)]
    idle = f".{uid}:not(:has(.{uid}-c:hover))"
    if radios:
        shown += [f"{idle}:has(.{uid}-r{n}:checked) .{uid}-e{n}" for n in range(count)]
    else:
        shown.append(f"{idle} .{uid}-e{start}")
    return (
        f"<style>.{uid} .{uid}-e{{display:none}}{','.join(shown)}{{display:inline}}"
        f".{uid} .{uid}-c{{cursor:pointer;fill:transparent}}"
        f".{uid} input{{position:absolute;opacity:0;width:1px;height:1px;margin:0}}"
        f".{uid}:has(input:focus-visible) svg{{outline:2px solid currentColor}}</style>"
    )


def _draw_input(ex: Example, places: list[tuple[float, float]]) -> tuple[str, str]:
    """Cells, and their numbers apart: these lie above whatever lights a cell up."""
    cells, numbers = [text(0, 12, f"input d, {ex.d.shape[1]}×2×2", anchor="start")], []
    for p, ((x, y), value) in enumerate(zip(places, ex.d.flatten().tolist(), strict=True)):
        cells.append(_cell(x, y, _CELL, _INPUT_HEIGHT))
        numbers.append(text(x + _CELL / 2, y + _INPUT_HEIGHT / 2 - 9, _number(value)))
        if ex.d.shape[1] > 1 and p % 4 == 0:
            numbers.append(text(x + _CELL, y - 9, f"channel {p // 4}", 11))
    return "".join(cells), "".join(numbers)


def _draw_encoder(encoder: Tensor, k: int, left: float) -> str:
    size = 2 * k
    parts = [
        text(left, 12, "encoder x: its", anchor="start"),
        text(left, 30, "maxima are the guide", anchor="start"),
    ]
    peaks = functions.max_index_map(encoder, k).flatten().tolist()
    for n, value in enumerate(encoder.flatten().tolist()):
        x, y = left + (n % size) * _SMALL_CELL, _TOP + (n // size) * _SMALL_CELL
        if peaks[n]:
            tint = f'fill="{colour("guide")}" fill-opacity="0.4"'
            parts.append(rect(x, y, _SMALL_CELL, _SMALL_CELL, tint))
        parts.append(_cell(x, y, _SMALL_CELL, _SMALL_CELL))
        parts.append(text(x + _SMALL_CELL / 2, y + _SMALL_CELL / 2, _number(value)))
    whole = size * _SMALL_CELL
    for edge in range(0, size + 1, k):
        at = edge * _SMALL_CELL
        parts.append(
            f'<path d="M{left:.0f} {_TOP + at:.0f}h{whole:.0f}M{left + at:.0f} {_TOP:.0f}'
            f'v{whole:.0f}" stroke="currentColor" stroke-width="2" fill="none"/>'
        )
    return "".join(parts)


def _draw_arrow(left: float, k: int) -> str:
    middle = _TOP + _INPUT_HEIGHT
    return (
        f'<path d="M{left:.0f} {middle:.0f}h40" stroke="currentColor" stroke-width="2"/>'
        f'<path d="M{left + 38:.0f} {middle - 6:.0f}l11 6l-11 6z"/>'
        + text(left + 24, middle - 16, f"×{k}", 13)
    )


def _output_place(n: int, size: int, left: float) -> tuple[float, float]:
    return left + (n % size) * _CELL, _TOP + (n // size) * _OUTPUT_HEIGHT


def _draw_output(ex: Example, left: float) -> tuple[str, str]:
    size = ex.output.shape[-1]
    cells, numbers = [text(left, 12, f"output y, 1×{size}×{size}", anchor="start")], []
    rows = format_numbers(ex.output[0, 0].double().numpy())
    for n, value in enumerate([value for row in rows for value in row]):
        x, y = _output_place(n, size, left)
        cells.append(_cell(x, y, _CELL, _OUTPUT_HEIGHT))
        numbers.append(text(x + _CELL / 2, y + _OUTPUT_HEIGHT / 2, value))
    return "".join(cells), "".join(numbers)


def _explanation(
    element: list[tuple[int, float]], places: list[tuple[float, float]], output: tuple[float, float]
) -> str:
    """The inputs of one output element, lit up, and a frame around it; below the numbers."""
    peak = max((abs(w) for _, w in element), default=1.0)
    parts = []
    for p, w in element:
        x, y = places[p]
        tint = f'fill="{colour("encoder")}" fill-opacity="{0.15 + 0.35 * abs(w) / peak:.2f}"'
        dash = ' stroke-dasharray="4 3"' if w < 0 else ""
        frame = f' stroke="{colour("encoder")}" stroke-width="3"{dash}'
        parts.append(rect(x + 2, y + 2, _CELL - 4, _INPUT_HEIGHT - 4, tint + frame))
        parts.append(text(x + _CELL / 2, y + _INPUT_HEIGHT / 2 + 13, f"×{_number(w, 4)}", 11))
    mark = f'fill="none" stroke="{colour("decoder")}" stroke-width="4"'
    parts.append(rect(*output, _CELL, _OUTPUT_HEIGHT, mark))
    return "".join(parts)


def _radio_group(uid: str, names: list[str], start: int) -> str:
    """One hidden button an output element: arrow keys without a kernel or a script."""
    buttons = "".join(
        f'<input type="radio" name="{uid}" class="{uid}-r{n}" aria-label="{escape(name)}" '
        # JupyterLab would take the arrow keys for itself.
        f'data-lm-suppress-shortcuts="true"{" checked" if n == start else ""}>'
        for n, name in enumerate(names)
    )
    return (
        '<div role="radiogroup" aria-label="output element" '
        f'style="position:absolute;top:0;left:0">{buttons}</div>'
    )


def _draw(state: ExplorerState, uid: str, radios: bool) -> str:
    ex = example(state.operator, state.k)
    size = 2 * state.k
    if not (0 <= state.row < size and 0 <= state.column < size):
        where = f"row {state.row}, column {state.column}"
        raise ValueError(f"the output is {size}×{size}: it has no {where}")
    start = state.row * size + state.column
    elements, places = taps(ex), _input_places(ex, state.k)
    values = ex.output.flatten().tolist()
    equations = [
        _equation(element, ex.d, *divmod(n, size), values[n]) for n, element in enumerate(elements)
    ]

    # From left to right: input, the encoder's features where they are the guide, arrow, output.
    input_cells, input_numbers = _draw_input(ex, places)
    left = max(max(x for x, _ in places) + _CELL, text_width("input d, 1×2×2")) + _GAP
    bottom = max(y for _, y in places) + _INPUT_HEIGHT
    encoder = ""
    if ex.encoder is not None:
        encoder = _draw_encoder(ex.encoder, state.k, left)
        left += max(size * _SMALL_CELL, text_width("maxima are the guide")) + _GAP
        bottom = max(bottom, _TOP + size * _SMALL_CELL)
    arrow = _draw_arrow(left, state.k)
    left += 50 + _GAP
    output_cells, output_numbers = _draw_output(ex, left)
    bottom = max(bottom, _TOP + size * _OUTPUT_HEIGHT)
    width = max(left + size * _CELL, *(text_width(line) for line in equations)) + 6

    explanations, targets = [], []
    for n, element in enumerate(elements):
        x, y = _output_place(n, size, left)
        drawn = _explanation(element, places, (x, y))
        drawn += text(0, bottom + 26, equations[n], anchor="start")
        explanations.append(f'<g class="{uid}-e {uid}-e{n}">{drawn}</g>')
        targets.append(rect(x, y, _CELL, _OUTPUT_HEIGHT, f'class="{uid}-c {uid}-c{n}"'))

    layers = [input_cells, encoder, arrow, output_cells, *explanations]
    layers += [input_numbers, output_numbers, *targets]
    label = f"{OPERATORS[state.operator]}, factor {state.k}. {equations[start]}"
    content = f'<g transform="translate(4 0)">{"".join(layers)}</g>'
    svg = svg_root(content, width + 8, bottom + 44, label)
    group = _radio_group(uid, equations, start) if radios else ""
    css = _style(uid, len(elements), start, radios)
    return f'<div class="{uid}" style="position:relative">{css}{group}{svg}</div>'


class IndexFunctionExplorer(LessonWidget[ExplorerState]):
    """Walk over the output: the inputs that make an element light up, with their weights.

    The mouse answers too, by style sheets alone, and so does the twin of a page without a kernel.
    """

    title = "Index function explorer"

    def __init__(self, operator: str = "bilinear", k: int = 2) -> None:
        last = 2 * k - 1
        options = [(title, name) for name, title in OPERATORS.items()]
        super().__init__(
            {
                "operator": toggle("operator", options, operator),
                "k": toggle("factor k", FACTORS, k),
                "row": number("output row", 0, last, min(1, last)),
                "column": number("output column", 0, last, min(1, last)),
            }
        )

    def state(self) -> ExplorerState:
        return ExplorerState(**{name: control.value for name, control in self.controls.items()})

    def refresh(self, change: object = None) -> None:
        for name in ("row", "column"):  # a smaller k takes the position along
            self.controls[name].max = 2 * self.controls["k"].value - 1
        super().refresh(change)

    @staticmethod
    def render(state: ExplorerState, uid: str = "picture") -> str:
        return _draw(state, uid, radios=False)

    @staticmethod
    def render_static(state: ExplorerState, uid: str = "picture") -> str:
        """The same picture with a hidden radio group over the output: arrow keys without a
        kernel."""
        return _draw(state, uid, radios=True)

    @classmethod
    def static(cls, operator: str = "bilinear", k: int = 2, row: int = 1, column: int = 1) -> None:
        """Displays the twin that needs no kernel: point at the output, or press Tab and arrow
        keys."""
        state = ExplorerState(operator, k, row, column)
        caption = (
            f"{OPERATORS[operator]}, k = {k}. Point at an element of the output, or reach it with "
            "Tab and walk with the arrow keys: the inputs that make it light up with their weights."
        )
        display_static(cls.render_static(state, new_uid()), caption)
