"""How long each widget takes to draw a state: p50 and p95 over many states, against the goal.

    python benchmarks/widget_render.py [--repeats N]

One thread, as on a busy laptop in class. Each state is drawn once with nothing kept from earlier
states ("first"), as when a learner moves a control to a new place; and again ("again"), when the
result of a network may be kept.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from indexnet_edu.indexing import FAMILIES, MODES, NORMALISATIONS
from indexnet_edu.viz.widgets import (
    CalculatorState,
    ExplorerState,
    FamilyCalculator,
    IndexFunctionExplorer,
    IndexMapExplorer,
    LabState,
    MapState,
    MicroscopeState,
    NormalisationLab,
    UpsamplerMicroscope,
    family_calculator,
    index_map_explorer,
    one_level,
    sample_picture,
    upsampler_microscope,
)
from indexnet_edu.viz.widgets.index_function_explorer import FACTORS, OPERATORS

Render = Callable[[Any], str]
_SAMPLES = ("camera", "astronaut", "coins", "ankle boot")


def _explorer() -> Iterator[ExplorerState]:
    for operator, k in itertools.product(OPERATORS, FACTORS):
        for row, column in itertools.product(range(2 * k), repeat=2):
            yield ExplorerState(operator, k, row, column)


def _lab() -> Iterator[LabState]:
    for name, t, logit in itertools.product(NORMALISATIONS, (0.1, 1.0, 5.0), (-6.0, 0.0, 6.0)):
        yield LabState((logit, 0.0, -1.0, 0.5), normalisation=name, temperature=t)


def _maps() -> Iterator[MapState]:
    for name, family, mode in itertools.product(_SAMPLES, FAMILIES, MODES):
        yield MapState(sample_picture(name), family, mode, stage=1, channel=1)
    for name, family in itertools.product(_SAMPLES, FAMILIES):
        yield MapState(sample_picture(name), family, stage=1, side="decoder", weights="trained")


def _microscope() -> Iterator[MicroscopeState]:
    pairs = itertools.pairwise((*one_level.PAIRS, one_level.PAIRS[0]))
    for name, pair in itertools.product(_SAMPLES, pairs):
        yield MicroscopeState(sample_picture(name), pair, 8, 8)


def _calculator() -> Iterator[CalculatorState]:
    for _, channels, size in family_calculator.PRESETS.values():
        for family, mode in itertools.product((*FAMILIES, family_calculator.ALL), MODES):
            yield CalculatorState(channels, size, family, mode)


def _forget() -> None:
    index_map_explorer._stage.cache_clear()
    upsampler_microscope.pair_output.cache_clear()
    family_calculator._cost.cache_clear()


#: name → render, states, goal for the first drawing and for later ones, in milliseconds.
WIDGETS: dict[str, tuple[Render, Callable[[], Iterator[Any]], int, int]] = {
    "index function explorer": (IndexFunctionExplorer.render, _explorer, 20, 20),
    "normalisation lab": (NormalisationLab.render, _lab, 20, 20),
    "index map explorer": (IndexMapExplorer.render, _maps, 100, 20),
    "upsampler microscope": (UpsamplerMicroscope.render, _microscope, 100, 20),
    "family calculator": (FamilyCalculator.render, _calculator, 100, 20),
}


def _milliseconds(render: Render, state: Any) -> float:
    start = time.perf_counter()
    render(state)
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2, help="how often each state is drawn anew")
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    print(f"{'milliseconds':<26}{'states':>7}{'first':>8}{'p95':>7}{'goal':>6}", end="")
    print(f"{'again':>8}{'p95':>7}{'goal':>6}")
    for name, (render, states, goal_first, goal_again) in WIDGETS.items():
        todo = list(states())
        render(todo[0])  # imports
        first, again = [], []
        for state in todo * repeats:
            _forget()
            first.append(_milliseconds(render, state))
            again.append(_milliseconds(render, state))
        line = f"{name:<26}{len(todo):>7}"
        for times, goal in ((first, goal_first), (again, goal_again)):
            middle, late = np.percentile(times, [50, 95])
            line += f"{middle:>8.1f}{late:>7.1f}{goal:>6}"
        print(line)


if __name__ == "__main__":
    main()
