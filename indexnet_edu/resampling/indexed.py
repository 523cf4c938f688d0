"""Guided by learned indices: indexed pooling and indexed upsampling as modules (Sec. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ..indexing import (
    IndexGuide,
    create_index_block,
    fast,
    indexed_pool2d,
    indexed_upsample2d,
    normalise_index,
)
from ..indexing.operators import check_normalisation
from .protocol import Downsampling, Guide, Upsampling

__all__ = ["IMPLEMENTATIONS", "IndexedPool2d", "IndexedPooling", "IndexedUpsample2d"]

IMPLEMENTATIONS = ("fast", "clear")


class IndexedPooling(Downsampling):
    """An IndexNet and indexed pooling, for all stages of an encoder.

    Args:
        channels: the width of the features at each stage.
        family, mode, expansion, activation: see :func:`indexnet_edu.indexing.create_index_block`. A
            modelwise block is one module for all stages.
        normalisation, temperature: see :func:`indexnet_edu.indexing.normalise_index`.
        implementation: ``"clear"`` computes exactly what you read in :mod:`indexnet_edu.indexing`,
            layer by layer; ``"fast"`` the same function in fewer passes over memory
            (:mod:`indexnet_edu.indexing.fast`), on a CPU and with the paper's normalisation. It
            differentiates once. Where it does not apply, or is not faster, the clear one is taken.
    """

    def __init__(
        self,
        channels: Sequence[int],
        *,
        family: str = "m2o",
        mode: str = "nonlinear_context",
        expansion: int = 2,
        activation: str = "relu",
        normalisation: str = "sigmoid+softmax",
        temperature: float = 1.0,
        implementation: str = "fast",
    ) -> None:
        super().__init__(channels)
        check_normalisation(normalisation, temperature)
        if implementation not in IMPLEMENTATIONS:
            raise ValueError(
                f"unknown implementation {implementation!r}; "
                f"choose from {', '.join(IMPLEMENTATIONS)}"
            )
        self.implementation = implementation
        self.family, self.mode = family, mode
        self.normalisation, self.temperature = normalisation, temperature
        self.modelwise = family == "o2o_modelwise"
        built_for = self.channels[:1] if self.modelwise else self.channels
        self.blocks = nn.ModuleList(
            create_index_block(c, family, mode, expansion, activation) for c in built_for
        )
        self.guide_channels = [1 if family == "holistic" else c for c in self.channels]

    def index(self, x: Tensor, stage: int = 0) -> IndexGuide:
        """The two index maps ``(N, 1 or C, H, W)`` of features ``(N, C, H, W)`` with even sizes."""
        block = self._block(stage)
        return normalise_index(block(x), self.normalisation, self.temperature)

    def _block(self, stage: int) -> nn.Module:
        return self.blocks[0 if self.modelwise else stage]

    def downsample(self, x: Tensor, stage: int) -> tuple[Tensor, Guide]:
        if self.implementation == "fast" and self.normalisation == "sigmoid+softmax":
            block = self._block(stage)
            if fast.can_pool(block, x):
                return fast.pool_and_guide(block, x, self.temperature)
            if fast.compiled.applies(x):
                return fast.compiled.pool_and_guide(block, x, self.temperature)
        guide = self.index(x, stage)
        return indexed_pool2d(x, guide.encoder), guide

    def skip(self, x: Tensor, guide: Guide) -> Tensor:
        """The masked feature encoder ⊙ x, as in the authors' matting network."""
        if not isinstance(guide, IndexGuide | fast.ColumnGuide):
            raise ValueError("the skip of indexed pooling needs its guide")
        return x * guide.encoder[..., : x.shape[-2], : x.shape[-1]]

    def extra_repr(self) -> str:
        return (
            f"{self.channels}, family={self.family}, mode={self.mode}, "
            f"normalisation={self.normalisation}, temperature={self.temperature}"
        )


class IndexedPool2d(IndexedPooling):
    """Indexed pooling for one place in your own network.

    Used like ``nn.MaxPool2d(2, return_indices=True)``:

    >>> pool, unpool = IndexedPool2d(64), IndexedUpsample2d()
    >>> y, guide = pool(x)  # (N, 64, H, W) → (N, 64, H/2, W/2) and the guide
    >>> x_hat = unpool(y, guide, output_size=x.shape[-2:])

    Args:
        in_channels: C of the features.
        family, mode, options: see :class:`IndexedPooling`.
    """

    def __init__(
        self,
        in_channels: int,
        family: str = "m2o",
        mode: str = "nonlinear_context",
        **options: Any,
    ) -> None:
        super().__init__([in_channels], family=family, mode=mode, **options)


class IndexedUpsample2d(Upsampling):
    """Indexed upsampling by the decoder's index map.

    Args:
        channels, guide_channels: widths of features and guide, checked when given: an index has 1
            channel or as many as the features, else a one-channel feature would be broadcast
            silently.
    """

    def __init__(self, channels: int | None = None, guide_channels: int | None = None) -> None:
        super().__init__(channels or 0)
        if channels is not None and guide_channels not in (1, channels):
            raise ValueError(
                f"indexed upsampling of {channels} channels needs a guide of 1 or {channels} "
                f"channels, got guide_channels={guide_channels}"
            )

    def upsample(self, d: Tensor, guide: Guide) -> Tensor:
        if isinstance(guide, fast.ColumnGuide) and fast.can_upsample(d, guide):
            return fast.upsample(d, guide)
        if not isinstance(guide, IndexGuide | fast.ColumnGuide):
            raise ValueError("indexed upsampling needs the guide that indexed pooling returned")
        if fast.compiled.applies(d):
            return fast.compiled.upsample(d, guide.decoder)
        return indexed_upsample2d(d, guide.decoder)

    def extra_repr(self) -> str:
        return str(self.channels) if self.channels else ""
