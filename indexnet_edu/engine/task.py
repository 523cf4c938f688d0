"""What the engine trains: a task is data, networks, loss, metrics and tables under one name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from ..datasets import get, get_dataset
from ..errors import UsageError
from ..resampling import Resampler, named_resampler
from .batch import Batch, Mean, Metrics, TaskData
from .recipe import Recipe
from .table import Table

__all__ = ["Network", "Predict", "Pretrained", "Source", "Task", "Variant"]


@dataclass(frozen=True)
class Pretrained:
    """Weights from elsewhere that a network begins with.

    Attributes:
        name: for people, with the source.
        checksum: of the file; it stands in ``config.json``.
        load: puts them into a network that has just been built.
    """

    name: str
    checksum: str
    load: Callable[[nn.Module], None]


@dataclass(frozen=True)
class Network:
    """One architecture of a task.

    Attributes:
        build: the network for a resampler and a recipe, and by keyword the facts of the data and
            the options of the variant. It draws its initial weights and does nothing else, so that
            it can be built on the meta device too.
        profiles: recipes by name, always ``smoke``, ``cpu`` and ``gpu``.
        pretrained: what a recipe's network begins with, None for weights of its own. Asked once, at
            step 0.
        groups: parameters with the factor of their learning rate, for a network and a recipe; None
            for all alike.
    """

    build: Callable[..., nn.Module]
    profiles: Mapping[str, Any]
    pretrained: Callable[[Any], Pretrained | None] | None = None
    groups: Callable[[nn.Module, Any], Sequence[tuple[list[nn.Parameter], float]]] | None = None


@dataclass(frozen=True)
class Variant:
    """A row: a network with a pair (None without resampling) and options of its own."""

    network: str
    resampler: Resampler | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def guided(self) -> bool:
        """Whether a guide crosses from the encoder to the decoder."""
        return self.resampler is not None and self.resampler.pair.guided

    def as_dict(self) -> dict[str, Any]:
        """For ``config.json``: the three parts; options only where there are some."""
        pair = self.resampler
        described: dict[str, Any] = {
            "network": self.network,
            "resampler": pair and {"name": pair.name, "options": dict(pair.options)},
        }
        return described | ({"options": dict(self.options)} if self.options else {})


@dataclass(frozen=True)
class Source:
    """A data set that a task can be trained on.

    Attributes:
        load: the data of a recipe.
        dataset: its name in the catalogue; None for what travels with the course.
        at_hand: whether it is there, for a set that no catalogue can verify.
        facts: what a network, its metrics and its figures must know of it, for example the number
            of classes.
    """

    load: Callable[[Any], TaskData]
    dataset: str | None = None
    at_hand: Callable[[], bool] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def is_there(self) -> bool:
        """Whether there is anything of it, be it damaged."""
        if self.at_hand is not None:
            return self.at_hand()
        return self.dataset is None or get_dataset(self.dataset).status() != "absent"


@dataclass(frozen=True)
class Predict:
    """What a trained network makes of images of one's own.

    Attributes:
        run: the result of a network in evaluation mode and of the inputs, by their names.
        outputs: how a file's name ends → what writes it, given a path and the result.
        inputs: name → what reads a file's bytes and says what it changed. The first one, ``image``,
            is given in order, the others by ``--NAME``.
    """

    run: Callable[..., Any]
    outputs: Mapping[str, Callable[[Path, Any], None]]
    inputs: Mapping[str, Callable[[bytes], tuple[np.ndarray, str]]]


def _forward(model: nn.Module, batch: Batch) -> Tensor:
    return model(batch.x)


@dataclass(frozen=True)
class Task:
    """One experiment of the paper.

    Attributes:
        name: what the command line calls it.
        title: what people call it.
        networks: by name; the first one is meant where none is named.
        variants: the tables' rows by name.
        sources: data by name, the preferred one first, the embedded one (``embedded``) last.
        tables: of the paper.
        loss: of a network's output and a batch.
        metrics: makes an empty gatherer, given the data's facts by keyword.
        headline: the metric that a one-line summary shows, of the first test set where there are
            several.
        infer: what is measured in a test: resizes, crops or copies where the network alone would
            not do.
        baselines: what methods that learn nothing give on the test images of data and recipe: name
            → metrics, named as a run names them; None where there are none.
        predict: for images of one's own; None where that makes no sense.
    """

    name: str
    title: str
    networks: Mapping[str, Network]
    variants: Mapping[str, Variant]
    sources: Mapping[str, Source]
    tables: tuple[Table, ...]
    loss: Callable[[Any, Batch], Mean]
    metrics: Callable[..., Metrics]
    headline: str
    infer: Callable[[nn.Module, Batch], Any] = _forward
    baselines: Callable[[TaskData, Any], dict[str, dict[str, float]]] | None = None
    predict: Predict | None = None

    def variant(self, name: str) -> Variant:
        """A row by name, or any pair as :func:`named_resampler` takes it, with ``NETWORK.`` before
        it for another network than the first.

        Raises:
            UsageError: neither; it lists the valid names.
        """
        if name in self.variants:
            return self.variants[name]
        network, dot, pair = name.partition(".")
        if not dot:
            network, pair = next(iter(self.networks)), name
        try:
            if network in self.networks:
                return Variant(network, named_resampler(pair))
        except ValueError:
            pass
        others = list(self.networks)[1:]
        also = f" with {' or '.join(f'{other}.' for other in others)} before it," if others else ""
        raise UsageError(
            f"{self.name} has no variant {name!r}; choose one of its rows "
            f"({', '.join(self.variants)}), a name that `indexnet-edu resamplers` lists,{also} or "
            "FAMILY-MODE, for example m2o-linear"
        )

    def profile(self, name: str, network: str | None = None) -> Any:
        """A network's recipe by name, the first network's by default; UsageError lists the
        names."""
        profiles = self.networks[network or next(iter(self.networks))].profiles
        if name not in profiles:
            choices = ", ".join(profiles)
            raise UsageError(f"there is no profile {name!r}; choose from {choices}")
        return profiles[name]

    def source(self, recipe: Recipe) -> str:
        """The name of the data set that a recipe means: its own word, or the first real one
        (``real``), or the first one at hand (``auto``).

        Raises:
            UsageError: no such data set.
        """
        if recipe.data == "auto":
            return next(name for name, source in self.sources.items() if source.is_there())
        name = next(iter(self.sources)) if recipe.data == "real" else recipe.data
        if name not in self.sources:
            choices = ", ".join(dict.fromkeys(["auto", "real", *self.sources]))
            raise UsageError(f"data must be one of {choices}, got {recipe.data!r}")
        return name

    def _facts(self, recipe: Recipe) -> Mapping[str, Any]:
        return self.sources[self.source(recipe)].facts

    def load_data(self, recipe: Recipe) -> TaskData:
        """The data of a recipe.

        Raises:
            UserError: they are missing and cannot be fetched, or damaged.
        """
        source = self.sources[self.source(recipe)]
        if source.dataset and not source.is_there():
            get(source.dataset)  # or it says how to get it
        return source.load(recipe)

    def build_model(self, variant: Variant, recipe: Recipe) -> nn.Module:
        """A row's network, with initial weights from PyTorch's generator."""
        options = {**self._facts(recipe), **variant.options}
        return self.networks[variant.network].build(variant.resampler, recipe, **options)

    def new_metrics(self, recipe: Recipe) -> Metrics:
        """An empty gatherer for the data of a recipe."""
        return self.metrics(**self._facts(recipe))

    def main_figure(self, metrics: Mapping[str, float]) -> float:
        """The headline of a run's metrics; ValueError where they have none."""
        for key, value in metrics.items():
            if key == self.headline or key.endswith(f"_{self.headline}"):
                return value
        raise ValueError(f"{self.name} has no {self.headline} among {', '.join(metrics)}")

    def defaults(self, network: str) -> dict[str, Any]:
        """The settings of a network's recipe where nothing is said, as JSON holds them: what was
        done before there was a choice."""
        kind = type(next(iter(self.networks[network].profiles.values())))
        return json.loads(json.dumps(dataclasses.asdict(kind())))

    def completed(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration on disk with what came after it: networks by name, and settings."""
        network = config.get("network", next(iter(self.networks)))
        if network not in self.networks:
            return dict(config)
        return {
            **config,
            "network": network,
            "recipe": self.defaults(network) | dict(config["recipe"]),
        }

    def table(self, number: int) -> Table:
        """One of its tables."""
        return next(table for table in self.tables if table.number == number)
