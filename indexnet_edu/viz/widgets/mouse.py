"""Follows the mouse over a picture, for the one widget that is painted with.

The picture itself stays HTML that Python renders. This listens to the page, shows the stroke while
it is drawn, and sends its points when the button is let go. The script is in this file, and nothing
is fetched for it.
"""

from __future__ import annotations

import anywidget
import traitlets

__all__ = ["Mouse"]

_SCRIPT = """
function render({ model, el }) {
  el.style.display = "none";
  const stop = new AbortController();
  let stroke = null;
  const svgOf = event => event.target.closest?.(`.${model.get("target")} svg`);
  const place = event => {
    const at = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(stroke.svg.getScreenCTM().inverse());
    return [at.x, at.y];
  };
  const extend = event => {
    stroke.points.push(place(event));
    // A point alone is a line of no length, which round ends make a disc.
    const drawn = stroke.points.concat(stroke.points.slice(-1));
    stroke.line.setAttribute("points", drawn.map(p => p.join(",")).join(" "));
  };
  const on = (name, act) =>
    document.addEventListener(name, act, { signal: stop.signal, passive: false });
  on("pointerdown", event => {
    const svg = svgOf(event);
    if (!svg || event.button) return;
    event.preventDefault();
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const looks = { fill: "none", stroke: model.get("colour"), "stroke-opacity": "0.6",
      "stroke-width": model.get("width"), "stroke-linecap": "round", "stroke-linejoin": "round" };
    for (const [name, value] of Object.entries(looks)) line.setAttribute(name, value);
    svg.append(line);
    stroke = { svg, line, points: [] };
    extend(event);
  });
  on("pointermove", event => {
    if (!stroke) return;
    event.preventDefault();
    extend(event);
  });
  const end = () => {
    if (!stroke) return;
    // The time makes every stroke a new value, also one over the same pixels.
    model.set("stroke", { at: performance.now(), points: stroke.points });
    model.save_changes();
    stroke = null;
  };
  on("pointerup", end);
  on("pointercancel", end);
  return () => stop.abort();
}
export default { render };
"""


class Mouse(anywidget.AnyWidget):
    """Strokes over a picture; takes no room on the page.

    Attributes:
        target: the class of the element whose SVG is drawn on.
        colour, width: of the line that is seen until the button is let go.
        stroke: ``{"points": [[x, y], …]}`` in the SVG's own units, the last one drawn.
    """

    _esm = _SCRIPT
    target = traitlets.Unicode().tag(sync=True)
    colour = traitlets.Unicode("#888888").tag(sync=True)
    width = traitlets.Float(9.0).tag(sync=True)
    stroke = traitlets.Dict().tag(sync=True)
