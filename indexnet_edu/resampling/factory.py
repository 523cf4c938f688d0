"""Resamplers by name: ``create_resampler("indexnet", family="m2o")``.

A :class:`Resampler` is a description, not a module: frozen, hashable, picklable. It is what a
recipe stores, a sweep varies and a model is built from.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from ..indexing import FAMILIES, MODES
from .blind import (
    AveragePooling,
    BilinearUpsampling,
    Deconvolution,
    DepthToSpace,
    NearestUpsampling,
    SpaceToDepth,
    StridedConvolution,
)
from .carafe import Carafe
from .indexed import IndexedPooling, IndexedUpsample2d
from .maxpool import HolisticMaxPooling, MaxPooling, MaxUnpooling
from .protocol import Downsampling, Upsampling

__all__ = [
    "Pair",
    "Resampler",
    "create_resampler",
    "list_resamplers",
    "named_resampler",
    "register_resampler",
]


class Pair(NamedTuple):
    """A downsampling, the upsampling that goes with it, and their names for people (Table 2)."""

    down: type[Downsampling]
    up: type[Upsampling]
    title: str
    guided: bool


_PAIRS: dict[str, Pair] = {
    "avgpool_nearest": Pair(AveragePooling, NearestUpsampling, "average pool – nearest", False),
    "conv_bilinear": Pair(StridedConvolution, BilinearUpsampling, "conv/2 – bilinear", False),
    "conv_deconv": Pair(StridedConvolution, Deconvolution, "conv/2 – deconv/2", False),
    "s2d_d2s": Pair(SpaceToDepth, DepthToSpace, "space-to-depth – depth-to-space", False),
    "conv_carafe": Pair(StridedConvolution, Carafe, "conv/2 – CARAFE", False),
    "avgpool_carafe": Pair(AveragePooling, Carafe, "average pool – CARAFE", False),
    "maxpool_carafe": Pair(MaxPooling, Carafe, "max pool – CARAFE", False),
    "maxpool_bilinear": Pair(MaxPooling, BilinearUpsampling, "max pool – bilinear", False),
    "maxpool_maxunpool": Pair(MaxPooling, MaxUnpooling, "max pool – max unpool", True),
    "hmi": Pair(HolisticMaxPooling, IndexedUpsample2d, "holistic max index", True),
    "indexnet": Pair(IndexedPooling, IndexedUpsample2d, "indexed pool – indexed upsample", True),
    "indexnet_bilinear": Pair(IndexedPooling, BilinearUpsampling, "indexed pool – bilinear", False),
}


def _options(part: type) -> dict[str, Any]:
    """The keyword-only arguments of a module's constructor, with their defaults."""
    parameters = inspect.signature(part).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


@dataclass(frozen=True)
class Resampler:
    """A named pair with its options; make one with :func:`create_resampler`."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def pair(self) -> Pair:
        return _PAIRS[self.name]

    def _for(self, part: type) -> dict[str, Any]:
        accepted = _options(part)
        return {key: value for key, value in self.options if key in accepted}

    def downsampling(self, channels: Sequence[int]) -> Downsampling:
        """One module for the whole encoder, given the width of the features at each stage."""
        return self.pair.down(channels, **self._for(self.pair.down))

    def upsampling(self, channels: int, guide_channels: int | None = None) -> Upsampling:
        """One module a use, given the width of the features and ``down.guide_channels[stage]``."""
        return self.pair.up(channels, guide_channels, **self._for(self.pair.up))

    def __str__(self) -> str:
        options = ", ".join(f"{key}={value}" for key, value in self.options)
        return f"{self.name}({options})" if options else self.name


def create_resampler(name: str, **options: Any) -> Resampler:
    """Describes a pair by name and options.

    >>> create_resampler("indexnet", family="o2o_modelwise", mode="linear").downsampling([32, 64])

    Raises:
        ValueError: an unknown name or option (the valid ones are listed), or a value that the pair
            refuses.
    """
    if name not in _PAIRS:
        raise ValueError(f"unknown resampler {name!r}; choose from {', '.join(_PAIRS)}")
    pair = _PAIRS[name]
    known = _options(pair.down) | _options(pair.up)
    unknown = [key for key in options if key not in known]
    if unknown:
        has = f"its options are {', '.join(known)}" if known else "it has none"
        raise ValueError(f"{name} has no option {', '.join(map(repr, unknown))}; {has}")
    resampler = Resampler(name, tuple(sorted(options.items())))
    with torch.device("meta"):  # values are checked by the modules; building costs nothing here
        down = resampler.downsampling([4])
        resampler.upsampling(4, down.guide_channels[0])
    return resampler


def named_resampler(name: str) -> Resampler:
    """A pair by one word, as the command line takes it.

    Args:
        name: a name of :func:`list_resamplers`, its options left at their defaults, or
            ``FAMILY-MODE`` for an IndexNet, for example ``"m2o-linear"``.

    Raises:
        ValueError: neither; the valid ones are listed.
    """
    family, _, mode = name.partition("-")
    if family in FAMILIES and mode in MODES:
        return create_resampler("indexnet", family=family, mode=mode)
    if name in _PAIRS:
        return create_resampler(name)
    raise ValueError(
        f"unknown resampler {name!r}; choose from {', '.join(_PAIRS)}, or FAMILY-MODE of the "
        f"families {', '.join(FAMILIES)} and the modes {', '.join(MODES)}"
    )


def list_resamplers() -> dict[str, Pair]:
    """All registered pairs by name."""
    return dict(_PAIRS)


def register_resampler(
    name: str, down: type[Downsampling], up: type[Upsampling], title: str, guided: bool
) -> None:
    """Adds a pair of your own; its options are the constructors' keyword-only arguments."""
    if name in _PAIRS:
        raise ValueError(f"there is a resampler named {name!r} already")
    _PAIRS[name] = Pair(down, up, title, guided)
