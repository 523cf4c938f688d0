"""What all widgets share: controls beside a picture, and a twin that needs no kernel.

A widget is a pure function ``render(state, uid) -> str`` with native controls around it. The
controls stay outside the picture: replacing the picture's HTML would drop the focus. Nothing here
waits for a browser, so a notebook runs through without one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar, Generic, TypeVar

import ipywidgets

from ...indexing import FAMILIES
from ..palette import title

__all__ = ["LessonWidget", "choice", "error_line", "menu", "number", "slider", "toggle"]

S = TypeVar("S")

_LABEL = "150px"
_WIDE = {"description_width": _LABEL}
_LAYOUT = {"width": "480px", "max_width": "100%"}


def slider(label: str, options: Sequence[Any], value: Any) -> ipywidgets.SelectionSlider:
    """A choice from an ordered list; options are values or (text, value) pairs."""
    return ipywidgets.SelectionSlider(
        options=list(options), value=value, description=label, style=_WIDE, layout=_LAYOUT
    )


def number(label: str, low: int, high: int, value: int) -> ipywidgets.IntSlider:
    """A whole number on a slider."""
    return ipywidgets.IntSlider(
        min=low, max=high, value=value, description=label, style=_WIDE, layout=_LAYOUT
    )


def toggle(label: str, options: Sequence[Any], value: Any) -> ipywidgets.ToggleButtons:
    """A choice from a few names; options are values or (text, value) pairs.

    All buttons are as wide as the longest name needs, so that they stand in columns where the page
    is too narrow for one row.
    """
    longest = max(len(str(o[0] if isinstance(o, tuple) else o)) for o in options)
    control = ipywidgets.ToggleButtons(
        options=list(options),
        value=value,
        description=label,
        style={"description_width": _LABEL, "button_width": f"{longest + 3}ch"},
        layout={"margin": "3px 0"},
    )
    control.add_class("widget-inline-hbox")  # its label stands as those of the sliders do
    return control


def menu(label: str, options: Sequence[Any], value: Any) -> ipywidgets.Dropdown:
    """A choice from a long list of names; options are values or (text, value) pairs."""
    return ipywidgets.Dropdown(
        options=list(options), value=value, description=label, style=_WIDE, layout=_LAYOUT
    )


def choice(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """name → title as the (text, value) pairs that controls take."""
    return [(title, name) for name, title in names.items()]


def family_titles() -> dict[str, str]:
    """The families of index networks by name, as short as "HIN" and "shared O2O"."""
    return {f: title(f).removeprefix("IndexNet, ").replace(" stagewise", "") for f in FAMILIES}


def mode_title(mode: str) -> str:
    """The mode of an index block for people: "nonlinear + context"."""
    return mode.replace("_", " + ")


def paragraph(html: str) -> str:
    """Words below a picture; JupyterLab would set them with the height of a control's line."""
    return f'<p style="line-height:1.4;margin:4px 0">{html}</p>'


def error_line(message: object) -> str:
    """A mistake, said in one line inside the widget."""
    line = " ".join(str(message).split())
    return (
        '<p role="alert" style="margin:4px 0;padding:4px 8px;border-left:4px solid #D55E00">'
        f"{escape(line)}</p>"
    )


# JupyterLab's shortcuts take letters, and arrows on buttons and menus, from a control that has the
# focus: `a` would insert a cell. Only the focused element itself can tell it not to, and ipywidgets
# sets no attribute on that one. One listener a page serves all widgets.
_KEEP_KEYS = """<script>
if (!document.indexnetKeepsKeys) {
  document.indexnetKeepsKeys = true;
  document.addEventListener("focusin", event => {
    if (event.target.closest(".jupyter-widgets"))
      event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  });
}
</script>"""


class LessonWidget(Generic[S]):
    """Controls and the picture of their state.

    A subclass gives ``title``, ``render`` and ``state``, and passes its controls on. In a
    notebook it is shown by being a cell's last expression.

    Attributes:
        controls: by the name of the field that each sets.
        picture: the ``widgets.HTML`` whose value is the rendered state.
    """

    title: ClassVar[str]

    def __init__(self, controls: Mapping[str, Any], above: Sequence[Any] = ()) -> None:
        self.uid = new_uid()
        self.controls = dict(controls)
        self.picture = ipywidgets.HTML()
        self._last = ""
        for control in self.controls.values():
            control.observe(self.refresh, names="value")
        heading = ipywidgets.HTML(f"<strong>{escape(self.title)}</strong>")
        rows = [heading, *above, *self.controls.values(), self.picture]
        self.box = ipywidgets.VBox(rows)
        self.refresh()

    def state(self) -> S:
        """The state that the controls are in."""
        raise NotImplementedError

    @staticmethod
    def render(state: Any, uid: str = "picture") -> str:
        """HTML of a state. Pure: the same arguments give the same string.

        Args:
            state: the widget's own frozen dataclass.
            uid: prefix of all classes and ids in the picture, one an instance.
        """
        raise NotImplementedError

    def refresh(self, change: Any = None) -> None:
        """Draws the state anew. A mistake is shown below the last picture; the widget lives on."""
        try:
            self._last = self.render(self.state(), self.uid)
            self.picture.value = self._last
        except Exception as error:
            self.picture.value = self._last + error_line(error)

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display(self.box)
        display(HTML(_KEEP_KEYS))


def new_uid() -> str:
    """A prefix for classes and ids that no other picture on the page has."""
    return f"ix{uuid.uuid4().hex[:8]}"


def display_static(html: str, caption: str = "") -> None:
    """Displays a picture that needs no kernel."""
    from IPython.display import HTML, display

    below = f'<figcaption style="font-size:0.9em">{escape(caption)}</figcaption>' if caption else ""
    display(HTML(f'<figure style="margin:0.5em 0;overflow-x:auto">{html}{below}</figure>'))
