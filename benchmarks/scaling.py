"""How the time of an index network grows with H·W, C and N, and the exponents fitted to it.

    python -m benchmarks.scaling [--quick] [--threads N] [--out FOLDER]

An exponent of 1 is what the formulas say, except for M2O in C: its convolutions grow as C².
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.operators import RoundTrip, trained
from benchmarks.timing import interleaved, options, save, slope, table

NETWORKS = (
    ("holistic", "linear"),
    ("o2o_shared_stagewise", "linear"),
    ("o2o_unshared_stagewise", "nonlinear_context"),
    ("m2o", "linear"),
)


def main() -> None:
    given = options(__doc__ or "")
    n, c, side = (1, 16, 32) if given.quick else (2, 32, 64)
    factors = (1, 2, 4) if given.quick else (1, 2, 4, 8)
    axes: dict[str, list[tuple[int, int, int, int]]] = {
        "H·W": [(n, c, side * f, side) for f in factors],
        "C": [(n, c * f, side, side) for f in factors],
        "N": [(n * f, c, side, side) for f in factors],
    }
    rows: list[dict[str, Any]] = []
    for family, mode in NETWORKS:
        for axis, shapes in axes.items():
            calls = {}
            for shape in shapes:
                x = torch.randn(shape, requires_grad=True)
                network = RoundTrip(shape[1], family, mode, "fast")
                calls[str(shape)] = trained(network, x, torch.randn(shape))
            seconds = list(interleaved(calls, given.rounds).values())
            row: dict[str, Any] = {"family": family, "mode": mode, "axis": axis}
            row |= {f"×{f} ms": 1e3 * s for f, s in zip(factors, seconds, strict=True)}
            rows.append(row | {"exponent": slope(factors, seconds)})
    save("scaling", {"rows": rows}, table(rows), given)
    plot(rows, factors, given.out / "scaling.png")


def plot(rows: list[dict[str, Any]], factors: tuple[int, ...], file: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(11, 4), sharey=True, layout="constrained")
    for panel, axis in zip(panels, ("H·W", "C", "N"), strict=True):
        for row in (r for r in rows if r["axis"] == axis):
            label = f"{row['family']}, {row['mode']}: {row['exponent']:.2f}"
            panel.loglog(factors, [row[f"×{f} ms"] for f in factors], "o-", label=label)
        panel.set_xlabel(f"{axis}, times the smallest")
        panel.legend(fontsize=7)
    panels[0].set_ylabel("forward and back / ms")
    figure.savefig(file, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
