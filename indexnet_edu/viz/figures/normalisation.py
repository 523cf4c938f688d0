"""What an encoder index can be after a softmax over sigmoids (Table 6's last row)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...indexing import normalise_index
from ..palette import colour
from .canvas import chart_axes, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["encoder_index_range"]

#: What the other three logits of the region are → their value.
_OTHERS = {"all closed (−12)": -12.0, "all 0": 0.0, "all open (+12)": 12.0}


def _index(first: np.ndarray, others: float, temperature: float) -> np.ndarray:
    """The package's encoder index of the first position, over its own logit."""
    logits = torch.full((len(first), 4, 1, 1, 1), others, dtype=torch.float64)
    logits[:, 0, 0, 0, 0] = torch.from_numpy(first)
    return normalise_index(logits, temperature=temperature).encoder[:, 0, 0, 0].numpy()


@house_style
def encoder_index_range(temperature: float = 1.0) -> Figure:
    """Left: the index of one position over its logit. Right: the range over the temperature.

    Args:
        temperature: of the left panel, and marked in the right one.
    """
    e = math.exp(1 / temperature)
    low, high = 1 / (1 + 3 * e), e / (e + 3)
    figure = new_figure(940, 340)
    curves = chart_axes(figure, 60, 510, 34, 48, "index over its logit")
    ranges = chart_axes(figure, 540, 20, 34, 48, "range over the temperature")
    logit = np.linspace(-12, 12, 241)
    for (name, others), dash in zip(_OTHERS.items(), ("-", "--", ":"), strict=True):
        values = _index(logit, others, temperature)
        curves.plot(logit, values, dash, color=colour("encoder"), lw=2, label=name)
    for bound, above in ((low, False), (high, True)):
        curves.axhline(bound, color="#444444", lw=1)
        place = (-11.6, bound + 0.012) if above else (-11.6, bound - 0.012)
        curves.text(*place, f"{bound:.3f}", va="bottom" if above else "top")
    curves.set(
        xlabel="logit of the position",
        ylabel="its encoder index",
        ylim=(0, 1),
        title=f"temperature {temperature:g}, the paper's softmax over sigmoids",
    )
    curves.legend(title="the other three logits", loc="upper left")
    t = np.geomspace(0.05, 5, 200)
    top = 1 / (1 + 3 * np.exp(-1 / t))
    ranges.fill_between(
        t, np.exp(-1 / t) / (np.exp(-1 / t) + 3), top, color=colour("encoder"), alpha=0.25
    )
    ranges.plot(t, top, color=colour("encoder"), lw=2)
    ranges.plot(t, np.exp(-1 / t) / (np.exp(-1 / t) + 3), color=colour("encoder"), lw=2)
    ranges.axhline(0.25, color="#444444", lw=1, ls=":")
    ranges.text(0.052, 0.262, "average pooling: 1/4")
    ranges.vlines(temperature, low, high, color="#444444", lw=2)
    ranges.text(temperature * 1.06, high + 0.02, f"{low:.3f} to {high:.3f}")
    ranges.set(
        xscale="log",
        xlim=(0.05, 5),
        ylim=(0, 1),
        xlabel="temperature of the softmax (logarithmic)",
        title="what an encoder index can be",
    )
    ticks = (0.05, 0.1, 0.2, 0.5, 1, 2, 5)
    ranges.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ranges.minorticks_off()
    return figure
