"""Fashion-MNIST reconstruction: Fig. 8 (images), their errors, and Table 3 as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ..palette import ERROR_COLOURMAP, style
from .canvas import DPI, chart_axes, house_style, new_figure, text_size, wrap
from .panels import ColourBar, Panel, panel_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["error_maps", "psnr_bars", "reconstruction_grid"]


def _batches(images: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Each batch as ``(n, H, W)``."""
    if not images:
        raise ValueError("give the input first, then at least one reconstruction")
    shapes = {tuple(batch.shape) for batch in images.values()}
    first = next(iter(images.values()))
    if len(shapes) != 1 or first.ndim != 4 or first.shape[1] != 1:
        raise ValueError(f"all images must be (n, 1, H, W) and of one shape, got {sorted(shapes)}")
    return {name: batch.detach().cpu().double().numpy()[:, 0] for name, batch in images.items()}


def _columns(columns: Sequence[str] | None, count: int) -> Sequence[str]:
    if columns is not None and len(columns) != count:
        raise ValueError(f"{count} images have {len(columns)} names")
    return columns or [f"image {i + 1}" for i in range(count)]


@house_style
def reconstruction_grid(
    images: Mapping[str, Tensor],
    columns: Sequence[str] | None = None,
    *,
    notes: Mapping[str, str] | None = None,
    factor: int | None = None,
) -> Figure:
    """Fig. 8: the input in the first row, a variant in each other, magnified by a whole factor.

    Args:
        images: name → ``(n, 1, H, W)`` in [0, 1]; the first is the input, the others by their
            names in the task (:data:`~indexnet_edu.viz.palette.STYLES` knows their titles).
        columns: what each of the n images shows.
        notes: name → a few words below the row's name ("37.8 dB").
        factor: magnification; as large as the page allows if None.

    Raises:
        ValueError: batches of different shapes, or as many names as do not fit.
    """
    batches = _batches(images)
    names = _columns(columns, next(iter(images.values())).shape[0])
    rows = [[Panel(image) for image in batch] for batch in batches.values()]
    extra = notes or {}
    titles = [style(name).title + (f"\n{extra[name]}" if name in extra else "") for name in batches]
    return panel_table(rows, titles, names, factor=factor)


@house_style
def error_maps(
    images: Mapping[str, Tensor],
    columns: Sequence[str] | None = None,
    *,
    limit: float | None = None,
    factor: int | None = None,
) -> Figure:
    """Absolute errors of the same images against the first batch, all on one range.

    Args:
        images: as for :func:`reconstruction_grid`, the input first.
        limit: upper end of the range; the largest error if None.
    """
    batches = _batches(images)
    names = _columns(columns, next(iter(images.values())).shape[0])
    target, *others = batches.values()
    if not others:
        raise ValueError("an error needs the input and at least one reconstruction")
    errors = [np.abs(other - target) for other in others]
    top = limit or max(float(error.max()) for error in errors) or 1.0
    rows = [[Panel(image) for image in target]]
    rows += [[Panel(e, ERROR_COLOURMAP, (0.0, top)) for e in error] for error in errors]
    bar = ColourBar(ERROR_COLOURMAP, (0.0, top), "absolute error (intensity, 0 to 1)")
    titles = [style(name).title for name in batches]
    return panel_table(rows, titles, names, factor=factor, colour_bar=bar)


def _columns_beside(axes: Axes, y: float, mine: str, printed: str) -> None:
    for x, content in ((14, mine), (112, printed)):
        axes.annotate(
            content,
            (1, y),
            xycoords=axes.get_yaxis_transform(),
            xytext=(x * 72 / DPI, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )


@house_style
def psnr_bars(
    ours: Mapping[str, float],
    paper: Mapping[str, float | None],
    *,
    spread: Mapping[str, float] | None = None,
    rows: str = "downsampling – upsampling",
    note: str = "",
) -> Figure:
    """A table as bars: our PSNR, the paper's beside it, both in figures at the right.

    Args:
        ours: variant → PSNR in dB (mean over seeds where there are several).
        paper: variant → PSNR in dB as printed; None or absent where the paper has no such row.
        spread: variant → standard deviation over seeds, in dB.
        rows: what the rows are.
        note: what was measured: data, network, n ("60,000 images, 1 seed").
    """
    names = list(ours)
    if not names:
        raise ValueError("no figures to draw")
    deviations = spread or {}
    titles = [style(name).title for name in names]
    labels = max(text_size(each)[0] for each in titles)
    foot = wrap(note, 100)
    below = 52 + (text_size(foot)[1] if note else 0)
    figure = new_figure(880, 40 + 32 * len(names) + below)
    axes = chart_axes(figure, labels + 60, 220, 34, below)
    where = np.arange(len(names))
    for y, name in zip(where, names, strict=True):
        look = style(name)
        axes.barh(y, ours[name], 0.62, color=look.colour, edgecolor="#444444", linewidth=0.6)
        if name in deviations:
            axes.errorbar(ours[name], y, xerr=deviations[name], color="#444444", capsize=3)
        if paper.get(name) is not None:
            axes.plot([float(paper[name] or 0)], [y], "D", mfc="white", mec="black", mew=1.4, ms=7)
        mine = f"{ours[name]:.2f}" + (f" ± {deviations[name]:.2f}" if name in deviations else "")
        printed = "–" if paper.get(name) is None else f"{paper[name]:.2f}"
        _columns_beside(axes, float(y), mine, printed)
    _columns_beside(axes, -0.9, "■ ours (dB)", "◇ paper (dB)")
    axes.set(
        yticks=where,
        yticklabels=titles,
        xlabel="PSNR (dB, higher is better)" + (f"\n{foot}" if note else ""),
        ylabel=rows,
        ylim=(len(names) - 0.4, -0.6),
        xlim=(0, 1.08 * max([*ours.values(), *(p for p in paper.values() if p)])),
    )
    axes.grid(axis="x")
    return figure
