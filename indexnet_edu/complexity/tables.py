"""The cost columns of Tables 5, 7, 8 and 10: counted on real index blocks, beside the paper's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import torch
from torch import nn

from ..errors import UsageError
from ..records.paper import paper_table, variant_of
from ..resampling import create_resampler
from .counter import GIGA, Cost, count
from .resamplers import family_cost

__all__ = ["COUNTED_TABLES", "as_printed", "format_rows", "table_rows"]

_SIZE = 224  # pixels a side of the input, in all four tables


@dataclass(frozen=True)
class _Baseline:
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
        return "counted" if self.network else "notes"

    def cost(self, in_channels: int) -> Cost:
        with torch.device("meta"):
            if self.network:
                return count(self.network(), torch.empty(1, in_channels, _SIZE, _SIZE))
            macs = round(
                self.gmacs * GIGA
            )  # nothing but plain convolutions: both counts are the same
            total, size = Cost(self.parameters, macs, macs), _SIZE >> len(self.carafe)
            for width in self.carafe:
                module = create_resampler("conv_carafe").upsampling(width)
                total += count(module, torch.empty(1, width, size, size))
                size *= 2
            return total


def _denoiser(variant: str) -> _Baseline:
    """A row of Table 7 as the task builds it."""

    def network() -> nn.Module:
        # Imported when counted: tasks know how to count, so counting does not begin with tasks.
        from ..tasks.denoising import DENOISING

        name = variant_of({"method": variant})
        return DENOISING.build_model(DENOISING.variant(name), DENOISING.profile("gpu"))

    return _Baseline(variant, network=network)


@dataclass(frozen=True)
class _Table:
    title: str
    in_channels: int
    channels: tuple[int, ...]  # of the features at each downsampling
    baselines: tuple[_Baseline, ...]  # the first one is what the index networks are put into
    depthwise_gmacs: float | None = (
        None  # a second base, where the first cannot take depthwise maps
    )


_TABLES = {
    5: _Table(
        title="image matting",
        in_channels=4,
        channels=(32, 24, 32, 64, 160),
        baselines=(
            _Baseline("B11", 3_753_259, 4.0808),
            _Baseline("B3 (DeepMatting, VGG16)", 130_545_345, 32.339),
            _Baseline("B11-1.4", 7_254_215, 7.67),  # could not be reproduced
            _Baseline("B11-carafe", 3_753_259, 4.0808, carafe=(160, 64, 32, 24, 32)),
            _Baseline("HMI (holistic max index)", 3_753_259, 4.0808),
        ),
    ),
    7: _Table(
        title="image denoising",
        in_channels=1,
        channels=(64, 128, 256),
        baselines=(
            _denoiser("DnCNN-SegNet"),
            _denoiser("DnCNN"),
            _denoiser("DnCNN-max-carafe"),
            _denoiser("DnCNN-avg-carafe"),
            _denoiser("DnCNN-conv-carafe"),
        ),
    ),
    8: _Table(
        title="semantic segmentation",
        in_channels=3,
        channels=(64, 128, 256, 512, 512),
        baselines=(
            _Baseline("SegNet", 24_964_645, 24.7632),
            _Baseline("SegNet-carafe", 24_964_645, 24.7632, carafe=(512, 512, 256, 128, 64)),
        ),
    ),
    10: _Table(
        title="depth estimation",
        in_channels=3,
        channels=(32, 128, 256, 512, 1024),
        baselines=(
            _Baseline("FastDepth-P-NNConv5", 3_960_930, 1.0129),
            _Baseline("FastDepth-NNConv5", 3_960_930, 0.6861),
            _Baseline("FastDepth-carafe", 3_960_930, 0.6861, carafe=(512, 256, 128, 64, 32)),
            _Baseline("FastDepth-P-carafe", 3_960_930, 1.0129, carafe=(512, 256, 128, 64, 32)),
        ),
        # Table 10 contradicts itself for depthwise index maps (docs/paper.md): they fit only a
        # decoder that upsamples before it narrows, and that one costs this.
        depthwise_gmacs=1.3526,
    ),
}

#: The tables that :func:`table_rows` knows.
COUNTED_TABLES = tuple(_TABLES)


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


def table_rows(number: int) -> list[dict[str, Any]]:
    """Parameters and cost of every row of Table 5, 7, 8 or 10 at 224×224, ours beside the paper's.

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
        ``gflops``); ``baseline_source``. Depthwise rows of Table 10 carry ``depthwise_base`` too:
        the same costs over a decoder that can take depthwise maps.

    Raises:
        UsageError: a table without costs.
    """
    if number not in _TABLES:
        known = ", ".join(map(str, COUNTED_TABLES))
        raise UsageError(f"Table {number} has no costs to count; choose from {known}")
    table = _TABLES[number]
    baselines = {b.variant: (b.cost(table.in_channels), b.source) for b in table.baselines}
    base, base_source = baselines[table.baselines[0].variant]
    rows = []
    for printed in paper_table(number):
        if printed["gflops"] is None:
            continue  # DeepMatting with refinement: the paper gives no cost
        if "family" not in printed:
            rows.append(_row(number, printed, base, *baselines[printed["method"]]))
            continue
        added = family_cost(table.channels, _SIZE, printed["family"], printed["mode"]).cost
        row = _row(number, printed, base, base + added, base_source)
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


def format_rows(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of :func:`table_rows` as aligned text, a block a table."""
    blocks: list[list[str]] = []
    for row in rows:
        table = _TABLES[row["table"]]
        title = f"Table {row['table']}, {table.title}: {table.in_channels}×{_SIZE}×{_SIZE}"
        if not blocks or blocks[-1][0] != title:
            blocks.append([title, _line("", "parameters", "printed", "GFLOPs", "printed", "GMACs")])
        paper, agrees = row["paper"], row["agrees"]
        if "family" in row:
            name = f"{row['family']:<23}{row['mode']}"
            params, printed = f"+{row['extra_params']:,}", paper["extra_params_text"]
        else:
            name, params, printed = row["variant"], f"{row['parameters']:,}", paper["params_text"]
        blocks[-1].append(
            _line(
                name,
                params,
                printed + ("" if agrees["params"] else "≠"),
                f"{row['paper_gflops']:.4f}",
                f"{paper['gflops']:.2f}" + ("" if agrees["gflops"] else "≠"),
                f"{row['macs'] / GIGA:.4f}",
            )
        )
    note = (
        "+: added to the network around it.  GFLOPs: the paper's count.  GMACs: the true one.  "
        "G is 2³⁰.\nprinted: what the paper prints, ≠ where we count something else."
    )
    bases = {row["depthwise_base"]["base_gflops"] for row in rows if "depthwise_base" in row}
    for base in bases:
        note += (
            f"\nTable 10's o2o and m2o maps fit only another decoder, of {base} GFLOPs "
            "without them (docs/paper.md)."
        )
    return "\n\n".join(["\n".join(block) for block in blocks] + [note])


def _line(name: str, *cells: str) -> str:
    # A mark hangs to the right of its number, so that the digits stay aligned.
    widths = (13, 10, 10, 8, 10)
    aligned = [
        cell.rjust(width + 1) if cell.endswith("≠") else f"{cell.rjust(width)} "
        for cell, width in zip(cells, widths, strict=True)
    ]
    return f"{name:<40}{''.join(aligned)}".rstrip()
