"""A training as it is asked for: names checked, settings resolved, nothing started."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .batch import TaskData
from .memory import require_memory
from .recipe import Recipe, override
from .task import Network, Pretrained, Task, Variant

__all__ = ["Plan"]


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
        network = task.variant(variant).network
        changes = dict(overrides or {}) | ({} if seed is None else {"seed": seed})
        recipe = override(task.profile(profile, network), changes)
        recipe = dataclasses.replace(recipe, data=task.source(recipe))
        folder = Path(out or f"runs/{task.name}/{variant}-{profile}-seed{recipe.seed}")
        return cls(task, variant, profile, recipe, folder)

    @classmethod
    def stored(cls, task: Task, folder: Path, config: Mapping[str, Any]) -> Plan:
        """The plan that a run folder's configuration holds."""
        config = task.completed(config)
        # JSON has lists where the recipe has tuples.
        stored = {k: tuple(v) if isinstance(v, list) else v for k, v in config["recipe"].items()}
        recipe = override(task.profile(config["profile"], config["network"]), stored)
        return cls(task, config["variant"], config["profile"], recipe, folder)

    @property
    def row(self) -> Variant:
        """The variant by its name."""
        return self.task.variant(self.variant)

    @property
    def network(self) -> Network:
        """The variant's."""
        return self.task.networks[self.row.network]

    @cached_property
    def pretrained(self) -> Pretrained | None:
        """What the network begins with, if not with weights of its own."""
        return self.network.pretrained(self.recipe) if self.network.pretrained else None

    def groups(self, model: nn.Module) -> Sequence[tuple[Iterable[nn.Parameter], float]]:
        """The network's parameters, with the factors of their learning rates."""
        if self.network.groups is None:
            return [(model.parameters(), 1.0)]
        groups = self.network.groups(model, self.recipe)
        known = {id(parameter) for parameters, _ in groups for parameter in parameters}
        if left_out := [n for n, p in model.named_parameters() if id(p) not in known]:
            raise ValueError(f"no group has {', '.join(left_out[:3])}: they would never learn")
        return groups

    def build(self, device: torch.device, copies: int = 1) -> nn.Module:
        """The network with its initial weights, which come from the seed.

        Args:
            copies: how often its weights will be held, :data:`~.memory.TRAINED` in a training.

        Raises:
            UserError: it does not fit into the device's memory.
        """
        require_memory(lambda: self.task.build_model(self.row, self.recipe), device, copies)
        torch.manual_seed(self.recipe.seed)
        model = self.task.build_model(self.row, self.recipe).to(device)
        if self.recipe.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's
        return model

    def config(self, data: TaskData) -> dict[str, Any]:
        """What ``config.json`` holds."""
        config = {
            "task": self.task.name,
            "variant": self.variant,
            "profile": self.profile,
            **self.row.as_dict(),
            "recipe": dataclasses.asdict(self.recipe),
            "data": {"name": data.name, "checksum": data.checksum},
        }
        if self.pretrained:
            begun = {"name": self.pretrained.name, "checksum": self.pretrained.checksum}
            config["pretrained"] = begun
        return config
