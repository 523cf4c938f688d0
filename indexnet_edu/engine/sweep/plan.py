"""What a sweep trains: cells, each a variant and a seed, by one profile and settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError
from ...indexing import FAMILIES, MODES
from ..recipe import override
from ..task import Task

__all__ = ["Cell", "SweepPlan", "make_plan"]


@dataclass(frozen=True)
class Cell:
    """One training of a sweep."""

    variant: str
    seed: int

    @property
    def name(self) -> str:
        """Its run folder's."""
        return f"{self.variant}-seed{self.seed}"


@dataclass(frozen=True)
class SweepPlan:
    """All cells of a sweep, and what they share."""

    task: str
    profile: str
    overrides: dict[str, str]
    data: dict[str, str]
    cells: tuple[Cell, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self) | {"cells": [vars(cell) for cell in self.cells]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> SweepPlan:
        return cls(**{**stored, "cells": tuple(Cell(**cell) for cell in stored["cells"])})

    def extended(self, other: SweepPlan) -> SweepPlan:
        """This plan with the cells of another that it lacks.

        Raises:
            UsageError: the plans differ in more than cells.
        """
        differ = [
            f"{name} {getattr(self, name)} → {getattr(other, name)}"
            for name in ("task", "profile", "overrides", "data")
            if getattr(self, name) != getattr(other, name)
        ]
        if differ:
            raise UsageError(
                f"there is a sweep of other settings ({'; '.join(differ)}): use another --out"
            )
        return dataclasses.replace(self, cells=tuple(dict.fromkeys([*self.cells, *other.cells])))


def make_plan(
    task: Task,
    *,
    variants: Sequence[str] = (),
    families: Sequence[str] = (),
    modes: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    profile: str = "cpu",
    overrides: Mapping[str, str] | None = None,
) -> SweepPlan:
    """A plan with every name checked and its data at hand, so that nothing fails an hour later.

    Args:
        variants: rows, resamplers or FAMILY-MODE; without any, ``families`` × ``modes``.
        families, modes: of IndexNets; all where none is named.

    Raises:
        UsageError: wrong names or values, all of them in one line.
        UserError: the data are missing.
    """
    overrides = dict(overrides or {})
    faults: list[str] = []

    def check(action: Callable[[], object]) -> None:
        try:
            action()
        except UsageError as error:
            faults.append(str(error))

    def known(kind: str, names: Iterable[str], choices: Iterable[str]) -> None:
        if wrong := [name for name in names if name not in choices]:
            faults.append(f"unknown {kind} {', '.join(wrong)}; choose from {', '.join(choices)}")

    known("families", families, FAMILIES)
    known("modes", modes, MODES)
    if variants and (families or modes):
        faults.append("--variants names the pairs, so --families and --modes say nothing more")
    if wrong := [name for name in variants if not _is_variant(task, name)]:
        also = f"and {', '.join(map(repr, wrong[1:]))} neither; " if wrong[1:] else ""
        check(lambda: task.variant(wrong[0]))
        faults[-1] = also + faults[-1]
    if "seed" in overrides:
        faults.append("seeds come with --seeds, not with --set")
    chosen = variants or [f"{f}-{m}" for f in families or FAMILIES for m in modes or MODES]
    networks = {task.variant(name).network for name in chosen if _is_variant(task, name)}
    bases = []
    for network in networks or list(task.networks)[:1]:
        profiles = task.networks[network].profiles
        known("profile", [profile], profiles)
        bases.append(profiles.get(profile) or next(iter(profiles.values())))
    for base in bases:
        for name, value in overrides.items():
            check(lambda change={name: value}, base=base: override(base, change))  # type: ignore[misc]
        for seed in seeds:
            check(lambda seed=seed, base=base: override(base, {"seed": seed}))  # type: ignore[misc]
    if faults:
        raise UsageError("; ".join(dict.fromkeys(faults)))

    cells = dict.fromkeys(Cell(variant, seed) for variant in chosen for seed in seeds)
    data = task.load_data(override(bases[0], overrides))
    described = {"name": data.name, "checksum": data.checksum}
    return SweepPlan(task.name, profile, overrides, described, tuple(cells))


def _is_variant(task: Task, name: str) -> bool:
    try:
        task.variant(name)
    except UsageError:
        return False
    return True
