"""A training as it is asked for: names checked, settings resolved, nothing started."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .recipe import Recipe, override
from .task import Task, TaskData

__all__ = ["Plan", "does_not_fit"]


def does_not_fit(recipe: Recipe) -> str:
    """What to say when a step runs out of the device's memory."""
    return (
        f"a step of {recipe.batch_size} examples does not fit into the device's memory: use a "
        "smaller batch_size, or precision bfloat16"
    )


@dataclass(frozen=True)
class Plan:
    """One training: a row of a task under a recipe, and the folder that keeps it."""

    task: Task
    variant: str
    profile: str
    recipe: Recipe
    folder: Path

    @classmethod
    def of(
        cls,
        task: Task,
        variant: str,
        profile: str,
        out: str | Path | None = None,
        seed: int | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Plan:
        """The arguments of :func:`~indexnet_edu.engine.train`.

        Raises:
            UsageError: an unknown name or a value that is not of its type.
        """
        task.variant(variant)
        changes = dict(overrides or {}) | ({} if seed is None else {"seed": seed})
        recipe = override(task.profile(profile), changes)
        folder = Path(out or f"runs/{task.name}/{variant}-{profile}-seed{recipe.seed}")
        return cls(task, variant, profile, recipe, folder)

    @classmethod
    def stored(cls, task: Task, folder: Path, config: Mapping[str, Any]) -> Plan:
        """The plan that a run folder's configuration holds."""
        # JSON has lists where the recipe has tuples.
        stored = {k: tuple(v) if isinstance(v, list) else v for k, v in config["recipe"].items()}
        recipe = override(task.profile(config["profile"]), stored)
        return cls(task, config["variant"], config["profile"], recipe, folder)

    def build(self, device: torch.device) -> nn.Module:
        """The network with its initial weights, which come from the seed."""
        torch.manual_seed(self.recipe.seed)
        model = self.task.build_model(self.task.variant(self.variant), self.recipe).to(device)
        if self.recipe.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's
        return model

    def config(self, data: TaskData) -> dict[str, Any]:
        """What ``config.json`` holds."""
        resampler = self.task.variant(self.variant)
        return {
            "task": self.task.name,
            "variant": self.variant,
            "profile": self.profile,
            "resampler": resampler and {"name": resampler.name, "options": dict(resampler.options)},
            "recipe": dataclasses.asdict(self.recipe),
            "data": {"name": data.name, "checksum": data.checksum},
        }
