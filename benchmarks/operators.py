"""Time and memory of the operators, forward and back: block, indexed pooling, indexed upsampling.

    python -m benchmarks.operators [--quick] [--threads N] [--out FOLDER]

All families and modes against the paper's straightforward formulation
(``tests/indexing/paper_operators.py``) and the clear code, max pooling with max unpooling, and
CARAFE against its unfolded form. Where there is a C++ compiler the compiled ones too. Then whole
training steps of the tasks' networks, the fast path against the clear code.
"""

from __future__ import annotations

import dataclasses
import shutil
import statistics
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.roofline import limits, work_of
from benchmarks.timing import Call, Options, held, interleaved, options, save, table
from benchmarks.training import step
from indexnet_edu.indexing import FAMILIES, MODES
from indexnet_edu.resampling import IndexedPool2d, IndexedUpsample2d, create_resampler
from indexnet_edu.resampling.carafe import Carafe
from indexnet_edu.resampling.indexed import IMPLEMENTATIONS
from indexnet_edu.tasks import TASKS
from tests.indexing.paper_operators import PaperOperators
from tests.resampling.unfolded_carafe import unfolded_carafe

upsample = IndexedUpsample2d()


def max_pooling(x: Tensor) -> Tensor:
    y, positions = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y, positions, [2, 2])


class RoundTrip(nn.Module):
    """x → the same size, through an index network of the package."""

    def __init__(self, channels: int, family: str, mode: str, implementation: str) -> None:
        super().__init__()
        self.pool = IndexedPool2d(channels, family, mode, implementation=implementation)

    def forward(self, x: Tensor) -> Tensor:
        return upsample(*self.pool(x))


def trained(function: Any, x: Tensor, g: Tensor) -> Call:
    """Forward and back; a module's gradients are dropped, as an optimiser would before a step."""

    def call() -> None:
        function(x).backward(g)
        x.grad = None
        for parameter in getattr(function, "parameters", list)():
            parameter.grad = None

    return call


def channels_last(x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Input and gradient in the layout of memory in which the engine trains."""
    layout = torch.channels_last
    return (
        x.detach().contiguous(memory_format=layout).requires_grad_(),
        g.contiguous(memory_format=layout),
    )


def main() -> None:
    given = options(__doc__ or "")
    n, c, size = (2, 32, 64) if given.quick else (4, 64, 160)
    torch.manual_seed(0)
    x = torch.randn(n, c, size, size, requires_grad=True)
    g = torch.randn(n, c, size, size)
    machine = limits()
    rows = [
        index_network(x, g, family, mode, given, machine) for family in FAMILIES for mode in MODES
    ]
    others = [
        *max_rows(x, g, given, "linear O2O", "o2o_shared_stagewise"),
        *max_rows(x, g, given, "linear HIN", "holistic"),
        *carafe_rows(x, given),
        *many_to_one_rows(x, g, given),
    ]
    steps = step_rows(given)
    mean, mean_last = (
        statistics.geometric_mean(row[ratio] for row in rows)
        for ratio in ("baseline / fast", "baseline / fast, last")
    )
    text = (
        f"N={n}, C={c}, {size}×{size}; copy {machine.bandwidth / 1e9:.1f} GB/s, "
        f"product {machine.peak / 1e9:.0f} Gflop/s\n\n{table(rows)}\n\n"
        f"geometric mean of baseline / fast: {mean:.2f}, channels-last {mean_last:.2f}\n\n"
        f"{table(others)}\n\ntraining steps, profile cpu\n\n{table(steps)}"
    )
    result = {
        "rows": rows,
        "others": others,
        "steps": steps,
        "geometric_mean": mean,
        "geometric_mean_channels_last": mean_last,
        "limits": vars(machine),
    }
    save("operators", result, text, given)
    plot(rows, given)


def index_network(
    x: Tensor, g: Tensor, family: str, mode: str, given: Options, machine: Any
) -> dict[str, Any]:
    n, c, size, _ = x.shape
    fast = RoundTrip(c, family, mode, "fast")
    clear = RoundTrip(c, family, mode, "clear")
    paper = PaperOperators(fast.pool.blocks[0], c)

    class Baseline(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.paper = paper

        def forward(self, x: Tensor) -> Tensor:
            return self.paper(x)[1]

    functions = {"baseline": Baseline(), "clear": clear, "fast": fast, "max": max_pooling}
    calls = {k: trained(f, x, g) for k, f in functions.items()}
    last = channels_last(x, g)
    calls |= {f"{k}, last": trained(functions[k], *last) for k in ("baseline", "clear", "fast")}
    seconds = interleaved(calls, given.rounds)
    memory = {k: held(lambda f=f: f(x)) / 2**20 for k, f in functions.items()}
    work = work_of(fast.pool, n, c, size, 1 if family == "holistic" else c)
    row = {
        "family": family,
        "mode": mode,
        "baseline ms": 1e3 * seconds["baseline"],
        "clear ms": 1e3 * seconds["clear"],
        "fast ms": 1e3 * seconds["fast"],
        "baseline / fast": seconds["baseline"] / seconds["fast"],
        "baseline ms, last": 1e3 * seconds["baseline, last"],
        "fast ms, last": 1e3 * seconds["fast, last"],
        "baseline / fast, last": seconds["baseline, last"] / seconds["fast, last"],
        "clear / fast": seconds["clear"] / seconds["fast"],
        "clear / fast, last": seconds["clear, last"] / seconds["fast, last"],
        "fast / max pooling": seconds["fast"] / seconds["max"],
        "baseline MiB": memory["baseline"],
        "fast MiB": memory["fast"],
        "memory": memory["fast"] / memory["baseline"],
        "flop / byte": work.intensity,
        "share of limit": work.seconds(machine) / seconds["fast"],
    }
    print(table([row]).splitlines()[1], flush=True)
    return row


def max_rows(x: Tensor, g: Tensor, given: Options, name: str, family: str) -> list[dict[str, Any]]:
    """Max pooling and a linear network, as they are and compiled, in turns; in both layouts of
    memory, since a compiler makes more of one than of the other."""
    rows = []
    for last, pair in (("", (x, g)), (", channels-last", channels_last(x, g))):
        fast = RoundTrip(x.shape[1], family, "linear", "fast")
        functions: dict[str, Any] = {"max pooling": max_pooling, name: fast}
        if shutil.which("g++") and not given.quick:
            torch.compiler.reset()  # else both layouts share one graph for any strides
            functions["max pooling, compiled"] = torch.compile(max_pooling)
            functions[f"{name}, compiled"] = torch.compile(fast)
        calls = {k: trained(f, *pair) for k, f in functions.items()}
        seconds = interleaved(calls, given.rounds)
        rows += [{"operator": k + last, "ms": 1e3 * s, "MiB": None} for k, s in seconds.items()]
    return rows


def carafe_rows(x: Tensor, given: Options) -> list[dict[str, Any]]:
    """Upsampling to the size of the others; its two convolutions alone are the part that stays."""
    c = x.shape[1]
    d = F.avg_pool2d(x.detach(), 2)[: 1 if given.quick else 2].requires_grad_()
    g = torch.randn(len(d), c, *x.shape[2:])
    carafe = Carafe(c)

    class Unfolded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.carafe = carafe

        def forward(self, d: Tensor) -> Tensor:
            return unfolded_carafe(self.carafe, d)

    def convolutions(d: Tensor) -> Tensor:
        return carafe.encode(carafe.compress(d))

    like = torch.randn_like(convolutions(d))
    functions = {"CARAFE": carafe, "CARAFE, unfolded": Unfolded()}
    calls = {k: trained(f, d, g) for k, f in functions.items()}
    calls["CARAFE's convolutions"] = trained(convolutions, d, like)
    seconds = interleaved(calls, max(3, given.rounds // 3))
    memory = {k: held(lambda f=f: f(d)) / 2**20 for k, f in functions.items()}
    return [{"operator": k, "ms": 1e3 * s, "MiB": memory.get(k)} for k, s in seconds.items()]


def many_to_one_rows(x: Tensor, g: Tensor, given: Options) -> list[dict[str, Any]]:
    """M2O beside its convolutions alone, in both layouts of memory, and in bfloat16."""
    rows = []
    for mode in MODES:
        fast = RoundTrip(x.shape[1], "m2o", mode, "fast")
        layers = [m for m in fast.pool.blocks[0].layers if isinstance(m, nn.Conv2d)]
        only = nn.Sequential(*layers)
        like = torch.randn_like(only(x))

        class Autocast(nn.Module):
            def __init__(self, module: nn.Module) -> None:
                super().__init__()
                self.module = module

            def forward(self, x: Tensor) -> Tensor:
                with torch.autocast("cpu", torch.bfloat16):
                    return self.module(x).float()

        calls = {}
        for last, (xs, gs) in (("", (x, g)), (", channels-last", channels_last(x, g))):
            layout = torch.channels_last if last else torch.contiguous_format
            of_logits = like.contiguous(memory_format=layout)
            calls[f"M2O {mode}{last}"] = trained(fast, xs, gs)
            calls[f"M2O {mode}, convolutions only{last}"] = trained(only, xs, of_logits)
        calls[f"M2O {mode}, bfloat16"] = trained(Autocast(fast), x, g)
        seconds = interleaved(calls, max(3, given.rounds // 3))
        rows += [{"operator": k, "ms": 1e3 * s, "MiB": None} for k, s in seconds.items()]
    return rows


def step_rows(given: Options) -> list[dict[str, Any]]:
    """A training step of every task's network as the course trains it, clear and fast in turns."""
    rows = []
    for name, task in TASKS.items():
        size = task.profile("cpu").batch_size
        size = max(2, size // 10) if given.quick else size
        for family in FAMILIES:
            for mode in MODES:
                pairs = {
                    k: create_resampler("indexnet", family=family, mode=mode, implementation=k)
                    for k in IMPLEMENTATIONS
                }
                variant = dataclasses.replace(task, variants=pairs)
                calls = {k: step(variant, k, size) for k in pairs}
                seconds = interleaved(calls, given.rounds)
                row = {"task": name, "family": family, "mode": mode}
                row |= {f"{k} ms": 1e3 * s for k, s in seconds.items()}
                rows.append(row | {"clear / fast": seconds["clear"] / seconds["fast"]})
    return rows


def plot(rows: list[dict[str, Any]], given: Options) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
    places = range(len(rows))
    for shift, kind in enumerate(("baseline ms", "clear ms", "fast ms")):
        axes.barh(
            [p + 0.27 * (shift - 1) for p in places], [r[kind] for r in rows], 0.25, label=kind[:-3]
        )
    axes.set_yticks(places, [f"{r['family']}, {r['mode']}" for r in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("forward and back / ms")
    axes.legend()
    figure.savefig(given.out / "operators.png", dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
