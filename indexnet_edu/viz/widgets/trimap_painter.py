"""A trimap painted over a photograph, with the mouse or with the keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import numpy.typing as npt

from ..palette import OKABE_ITO
from ..pixels import svg_image
from ..svg import svg_root, text
from .base import LessonWidget, display_static, new_uid, number, paragraph, toggle

__all__ = ["PaintState", "TrimapPainter", "painted_along", "sample_state"]

Array = npt.NDArray[Any]

#: What a brush paints → grey level of a trimap.
BRUSHES = {"background": 0, "unknown": 128, "foreground": 255}
VIEWS = ("both", "trimap", "photograph")
_TOP = 26
_ROOM = 448  # page pixels: small pictures are magnified up to this
_LARGEST_REACH = 40
_LABEL, _CONTROLS = "135px", "465px"
_UNKNOWN = np.array([0xE6, 0x9F, 0x00], np.float32)  # orange, Okabe and Ito


@dataclass(frozen=True)
class PaintState:
    """What is painted and where the brush is.

    Attributes:
        size: (height, width).
        image: ``height · width · 3`` bytes.
        painted: ``height · width`` bytes of 0, 128 and 255.
        row, column: of the brush.
        brush: what it paints, of ``BRUSHES``.
        radius: pixels.
        inwards, outwards: how far the unknown region reaches beyond what is painted.
        view: of ``VIEWS``.
        keys: ``"move"``, or ``"paint"`` if moving the brush by key paints.
        name: of the photograph.
    """

    size: tuple[int, int]
    image: bytes
    painted: bytes
    row: int = 0
    column: int = 0
    brush: str = "unknown"
    radius: int = 6
    inwards: int = 6
    outwards: int = 10
    view: str = "both"
    keys: str = "move"
    name: str = "photograph"

    @property
    def pixels(self) -> Array:
        return np.frombuffer(self.image, np.uint8).reshape(*self.size, 3)

    @property
    def trimap(self) -> Array:
        """What is painted, widened: ``(H, W)`` of 0, 128 and 255."""
        return _widened(self.painted, self.size, self.inwards, self.outwards)


@lru_cache(maxsize=8)
def _widened(painted: bytes, size: tuple[int, int], inwards: int, outwards: int) -> Array:
    # Nothing in the tasks needs the widgets, so this makes no circle.
    from ...tasks.matting.trimap import widened

    return widened(np.frombuffer(painted, np.uint8).reshape(size), inwards, outwards)


def painted_along(state: PaintState, points: Sequence[tuple[float, float]]) -> bytes:
    """The state's painting after a stroke of its brush.

    Args:
        points: (column, row) of pixels, joined by straight lines; one alone is a disc. Whatever
            lies outside the picture is cut off.
    """
    from PIL import Image, ImageDraw

    height, width = state.size
    picture = Image.frombytes("L", (width, height), state.painted)
    pen, level, r = ImageDraw.Draw(picture), BRUSHES[state.brush], state.radius
    places = [(float(x), float(y)) for x, y in points]
    for x, y in places:
        pen.ellipse((x - r, y - r, x + r, y + r), fill=level)
    if len(places) > 1:
        pen.line(places, fill=level, width=2 * r + 1)
    return picture.tobytes()


def _factor(size: tuple[int, int]) -> int:
    return max(1, _ROOM // max(size))


def _overlay(state: PaintState) -> Array:
    image, trimap = state.pixels, state.trimap
    if state.view == "photograph":
        return image
    if state.view == "trimap":
        return np.repeat(trimap[..., None], 3, axis=2)
    shown = image.astype(np.float32)
    shown[trimap == 0] = 0.3 * shown[trimap == 0]
    unknown = trimap == 128
    shown[unknown] = 0.45 * shown[unknown] + 0.55 * _UNKNOWN
    return shown.astype(np.uint8)


def _draw(state: PaintState) -> str:
    height, width = state.size
    f = _factor(state.size)
    x, y = (state.column + 0.5) * f, _TOP + (state.row + 0.5) * f
    r = (state.radius + 0.5) * f
    wide = max(width * f, 260)
    # Two lines over each other are seen on bright and on dark pixels.
    brush = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="none" stroke="{ink}" '
        f'stroke-width="{thick}"/><path d="M{x - 5:.1f} {y:.1f}h10M{x:.1f} {y - 5:.1f}v10" '
        f'stroke="{ink}" stroke-width="{thick}"/>'
        for ink, thick in (("#222222", 3), ("#FFFFFF", 1.4))
    )
    shares = {name: float((state.trimap == level).mean()) for name, level in BRUSHES.items()}
    counted = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    where = f"brush at row {state.row}, column {state.column}"
    label = f"{state.name}, {width}×{height}, with its trimap: {counted}; {where}"
    parts = [
        text(0, 12, f"{where}, paints {state.brush}", anchor="start"),
        svg_image(_overlay(state), 0, _TOP, f),
        brush,
    ]
    svg = svg_root("".join(parts), wide, _TOP + height * f + 2, label, shrinks=False)
    legend = {
        "both": "Background is darkened, unknown is orange, foreground as photographed.",
        "trimap": "Black is background, grey unknown, white foreground.",
        "photograph": "The trimap is there, and hidden.",
    }[state.view]
    return svg + paragraph(f"{escape(counted)}. {legend}")


@cache
def sample_state() -> PaintState:
    """A cat with a rough outline, 113 × 75 pixels."""
    import skimage.data
    from PIL import Image, ImageDraw

    size = (75, 113)
    small = Image.fromarray(skimage.data.chelsea()).resize(size[::-1])
    mask = Image.new("L", size[::-1])
    outline = ((11, 0), (7, 27), (0, 33), (0, 75), (74, 75), (90, 40), (90, 18), (99, 0))
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return PaintState(
        size, np.asarray(small).tobytes(), mask.tobytes(), 20, 90,
        radius=2, inwards=2, outwards=3, name="cat",
    )  # fmt: skip


class TrimapPainter(LessonWidget[PaintState]):
    """Paint over a photograph: surely background, unknown, surely foreground.

    With the mouse, draw. With the keyboard, choose what the keys do, and move the brush by its two
    sliders. Two more sliders make a trimap of a rough mask.

    Args:
        photograph: ``(H, W, 3)`` uint8; a small sample if None.
        start: ``(H, W)`` of 0, 128 and 255, what is painted at the beginning.
        name: of the photograph.

    Attributes:
        trimap: ``(H, W)`` of 0, 128 and 255, as it is now.
    """

    title = "Trimap painter"

    def __init__(
        self, photograph: Array | None = None, start: Array | None = None, name: str = "photograph"
    ) -> None:
        from .mouse import Mouse

        sample = sample_state()
        if photograph is None:
            self._base = sample
        else:
            h, w = photograph.shape[:2]
            mask = np.zeros((h, w), np.uint8) if start is None else start.astype(np.uint8)
            if photograph.dtype != np.uint8 or mask.shape != (h, w):
                raise ValueError("the photograph is (H, W, 3) uint8 and what it starts with (H, W)")
            self._base = PaintState(
                (h, w), np.ascontiguousarray(photograph).tobytes(),
                np.ascontiguousarray(mask).tobytes(), name=name,
            )  # fmt: skip
        self._first = self._painted = self._base.painted
        self._undo: list[bytes] = []
        height, width = self._base.size
        reach = min(_LARGEST_REACH, max(height, width) // 4)
        controls = {
            "brush": toggle("paints", list(BRUSHES), "unknown"),
            "radius": number("brush radius", 1, reach, self._base.radius),
            "row": number("brush row", 0, height - 1, height // 2),
            "column": number("brush column", 0, width - 1, width // 2),
            "keys": toggle("moving by key", ["move", "paint"], "move"),
            "inwards": number("unknown inwards", 0, reach, self._base.inwards),
            "outwards": number("unknown outwards", 0, reach, self._base.outwards),
            "view": toggle("shows", list(VIEWS), "both"),
        }
        for control in controls.values():  # narrow enough to stand beside the picture
            control.style.description_width = _LABEL
            control.layout.width = _CONTROLS
            if isinstance(control, ipywidgets.ToggleButtons):
                control.style.button_width = "100px"
        self.mouse = Mouse()
        self.mouse.observe(self._drawn, names="stroke")
        buttons = []
        for words, act in (("undo", self.undo), ("start again", self.start_again)):
            button = ipywidgets.Button(description=words, layout={"width": "130px"})
            button.on_click(lambda _, act=act: act())
            buttons.append(button)
        super().__init__(controls)
        self.mouse.target = self.uid
        *rows, picture = self.box.children
        beside = ipywidgets.VBox(
            [*rows, ipywidgets.HBox(buttons), self.mouse], layout={"margin": "0 16px 0 0"}
        )
        # Without a width of its own its one line of words would push it below the controls.
        picture.layout.flex = f"1 1 {max(_factor(self._base.size) * width, 260)}px"
        self.box = ipywidgets.Box([beside, picture], layout={"flex_flow": "row wrap"})

    @property
    def trimap(self) -> Array:
        return self.state().trimap

    def state(self) -> PaintState:
        values = {name: control.value for name, control in self.controls.items()}
        return replace(self._base, painted=self._painted, **values)

    def refresh(self, change: Any = None) -> None:
        moved = getattr(change, "owner", None)
        places = (self.controls["row"], self.controls["column"], self.controls["keys"])
        if self.controls["keys"].value == "paint" and any(moved is each for each in places):
            state = self.state()
            self._paint([(state.column, state.row)])
        state = self.state()
        self.mouse.width = (2 * state.radius + 1) * _factor(state.size)
        inks = {"background": "#222222", "unknown": OKABE_ITO["orange"], "foreground": "#FFFFFF"}
        self.mouse.colour = inks[state.brush]
        super().refresh(change)

    def _paint(self, points: Sequence[tuple[float, float]]) -> None:
        after = painted_along(self.state(), points)
        if after != self._painted:
            self._undo = [*self._undo[-49:], self._painted]
            self._painted = after

    def _drawn(self, change: Any) -> None:
        """A stroke of the mouse, in the picture's page pixels."""
        f = _factor(self._base.size)
        try:
            points = [(x / f - 0.5, (y - _TOP) / f - 0.5) for x, y in change["new"]["points"]]
        except (KeyError, TypeError, ValueError):
            return
        if points:
            self._paint(points)
            self.refresh()

    def undo(self) -> None:
        """Takes the last stroke back."""
        if self._undo:
            self._painted = self._undo.pop()
            self.refresh()

    def start_again(self) -> None:
        """Goes back to what was there at the beginning; :meth:`undo` brings the strokes back."""
        if self._painted != self._first:
            self._undo = [*self._undo[-49:], self._painted]
            self._painted = self._first
            self.refresh()

    @staticmethod
    def render(state: PaintState, uid: str = "picture") -> str:
        return (
            f'<div class="{uid}" style="overflow-x:auto;touch-action:none;cursor:crosshair">'
            f"{_draw(state)}</div>"
        )

    @classmethod
    def static(cls, state: PaintState | None = None) -> None:
        """Displays the picture of a state; no kernel is needed to see it."""
        display_static(cls.render(state or sample_state(), new_uid()))
