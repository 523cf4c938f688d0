"""The cost columns of a table: counted on real networks and index blocks, beside the paper's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import torch
from torch import nn

from ..records.paper import paper_table
from ..resampling import create_resampler
from .counter import GIGA, Cost, count
from .resamplers import family_cost

__all__ = ["Baseline", "CostTable", "Schedule", "as_printed", "format_tables", "table_rows"]

_SIZE = 224  # pixels per side of the input, in all four tables


@dataclass(frozen=True)
class Baseline:
    """A network without an index network in it.

    Where a task has the ``network``, it is counted. Where it has not yet, its parameters and MACs
    (in units of 2³⁰, to the decimals given) are what was noted when it was built once, see
    docs/paper.md, and CARAFE modules are built and added: ``carafe`` holds their widths, deepest
    first.
    """

    variant: str  # as in data/paper/tables.json
    parameters: int = 0
    gmacs: float = 0.0
    carafe: tuple[int, ...] = ()
    network: Callable[[], nn.Module] | None = None

    @property
    def source(self) -> str:
        """Where its figures come from."""
        return "counted" if self.network else "notes"

    def cost(self, in_channels: int) -> Cost:
        """Of one image of 224×224 pixels."""
        with torch.device("meta"):
            if self.network:
                return count(self.network(), torch.empty(1, in_channels, _SIZE, _SIZE))
            # Nothing but plain convolutions: both counts are the same.
            macs = round(self.gmacs * GIGA)
            total, size = Cost(self.parameters, macs, macs), _SIZE >> len(self.carafe)
            for width in self.carafe:
                module = create_resampler("conv_carafe").upsampling(width)
                total += count(module, torch.empty(1, width, size, size))
                size *= 2
            return total


@dataclass(frozen=True)
class Schedule:
    """What the paper shows a network of a table: examples per epoch, epochs, pixels per side, and
    the trainings of one row."""

    examples: int
    epochs: int
    side: int
    trainings: int = 1


@dataclass(frozen=True)
class CostTable:
    """A table of the paper that prints costs.

    Attributes:
        number, title: of the table.
        in_channels: of the input.
        channels: of the features at each downsampling.
        baselines: the first one is what the index networks are put into.
        schedule: of a training.
        depthwise_gmacs: a second base, where the first cannot take depthwise maps.
    """

    number: int
    title: str
    in_channels: int
    channels: tuple[int, ...]
    baselines: tuple[Baseline, ...]
    schedule: Schedule
    depthwise_gmacs: float | None = None


def as_printed(value: int | float, like: str) -> str:
    """Writes our figure as the paper writes its own: with sign, decimals and unit of ``like``.

    >>> as_printed(4992, like="+4.99K"), as_printed(16, like="+16"), as_printed(1.0131, like="1.02")
    ('+4.99K', '+16', '1.01')
    """
    number = like.removeprefix("+").rstrip("KM")
    unit = {"K": 1_000, "M": 1_000_000}.get(like[-1], 1)
    decimals = len(number.partition(".")[2])
    rounded = (Decimal(value) / unit).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return like.replace(number, str(rounded))


def table_rows(table: CostTable) -> list[dict[str, Any]]:
    """Parameters and cost of every row of a table at 224×224, ours beside the paper's.

    Index blocks are built and run over the stages of the encoder at their true resolutions; the
    network around them is the table's baseline, "counted" from a model or taken from our "notes"
    (then ``macs`` of the whole network is exact to ±0.05 M only; what an index network adds is
    always exact).

    Returns:
        One dictionary a row, in the paper's order: ``table``; ``variant`` (baselines) or ``family``
        and ``mode``; ``parameters`` of the whole network and ``extra_params`` over the baseline;
        ``paper_gflops`` by the paper's convention and ``macs`` (true, one image), both of the whole
        network; ``paper``, what is printed (``extra_params_text`` or ``params_text``, ``gflops``);
        ``agrees``, whether ours written as the paper writes it is the same (``params``,
        ``gflops``); ``baseline_source``. Depthwise rows of a table with a second base carry
        ``depthwise_base`` too: the same costs over a decoder that can take depthwise maps.
    """
    baselines = {b.variant: (b.cost(table.in_channels), b.source) for b in table.baselines}
    base, base_source = baselines[table.baselines[0].variant]
    rows = []
    for printed in paper_table(table.number):
        if printed["gflops"] is None:
            continue  # DeepMatting with refinement: the paper gives no cost
        if "family" not in printed:
            rows.append(_row(table.number, printed, base, *baselines[printed["method"]]))
            continue
        added = family_cost(table.channels, _SIZE, printed["family"], printed["mode"]).cost
        row = _row(table.number, printed, base, base + added, base_source)
        if table.depthwise_gmacs and printed["family"] != "holistic":
            macs = round(table.depthwise_gmacs * GIGA)
            cost = Cost(0, macs, macs) + added
            row["depthwise_base"] = {
                "base_gflops": table.depthwise_gmacs,
                "paper_gflops": cost.paper_gflops,
                "macs": cost.macs,
            }
        rows.append(row)
    return rows


def _row(
    number: int, printed: dict[str, Any], base: Cost, cost: Cost, source: str
) -> dict[str, Any]:
    extra_params = cost.parameters - base.parameters
    if "family" in printed:
        names = {"family": printed["family"], "mode": printed["mode"]}
        params, params_key, text = extra_params, "extra_params_text", printed["extra_params_text"]
    else:
        names = {"variant": printed["method"]}
        params, params_key, text = cost.parameters, "params_text", f"{printed['params'] / 1e6:.2f}M"
    gflops = f"{printed['gflops']:.2f}"
    return {
        "table": number,
        **names,
        "parameters": cost.parameters,
        "extra_params": extra_params,
        "paper_gflops": cost.paper_gflops,
        "macs": cost.macs,
        "paper": {params_key: text, "gflops": printed["gflops"]},
        "agrees": {
            "params": as_printed(params, like=text) == text,
            "gflops": as_printed(cost.paper_gflops, like=gflops) == gflops,
        },
        "baseline_source": source,
    }


def format_tables(*tables: CostTable) -> str:
    """The rows of :func:`table_rows` for each table as aligned text, with one note on all."""
    note = (
        "+: added to the network around it.  GFLOPs: the paper's count.  GMACs: the true one.  "
        "G is 2³⁰.\nprinted: what the paper prints, ≠ where we count something else."
    )
    for table in tables:
        if table.depthwise_gmacs:
            note += (
                f"\nTable {table.number}'s o2o and m2o maps fit only another decoder, of "
                f"{table.depthwise_gmacs} GFLOPs without them (docs/paper.md)."
            )
    return "\n\n".join([*map(_format, tables), note])


def _format(table: CostTable) -> str:
    lines = [
        f"Table {table.number}, {table.title}: {table.in_channels}×{_SIZE}×{_SIZE}",
        _line("", "parameters", "printed", "GFLOPs", "printed", "GMACs"),
    ]
    for row in table_rows(table):
        paper, agrees = row["paper"], row["agrees"]
        if "family" in row:
            name = f"{row['family']:<23}{row['mode']}"
            params, printed = f"+{row['extra_params']:,}", paper["extra_params_text"]
        else:
            name, params, printed = row["variant"], f"{row['parameters']:,}", paper["params_text"]
        lines.append(
            _line(
                name,
                params,
                printed + ("" if agrees["params"] else "≠"),
                f"{row['paper_gflops']:.4f}",
                f"{paper['gflops']:.2f}" + ("" if agrees["gflops"] else "≠"),
                f"{row['macs'] / GIGA:.4f}",
            )
        )
    return "\n".join(lines)


def _line(name: str, *cells: str) -> str:
    # A mark hangs to the right of its number, so that the digits stay aligned.
    widths = (13, 10, 10, 8, 10)
    aligned = [
        cell.rjust(width + 1) if cell.endswith("≠") else f"{cell.rjust(width)} "
        for cell, width in zip(cells, widths, strict=True)
    ]
    return f"{name:<40}{''.join(aligned)}".rstrip()
