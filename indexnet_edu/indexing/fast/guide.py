"""The guide of the fast path: columns, and the two index maps for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..operators import columns_to_map

__all__ = ["ColumnGuide"]


@dataclass(frozen=True, eq=False)
class ColumnGuide:
    """Stands in for an :class:`~indexnet_edu.indexing.IndexGuide` in the paper's normalisation.

    Pooling and upsampling work on columns; maps of the full size are made for a consumer only (a
    skip connection, a figure), and made anew at every call.

    Attributes:
        columns: the decoder's index, ``(N, 4, G, h, w)``.
        temperature: of the encoder's softmax over these columns.
    """

    columns: Tensor
    temperature: float = 1.0

    @property
    def encoder(self) -> Tensor:
        """The encoder's index map, ``(N, G, 2h, 2w)``."""
        return columns_to_map(torch.softmax(self.columns / self.temperature, dim=1))

    @property
    def decoder(self) -> Tensor:
        """The decoder's index map, ``(N, G, 2h, 2w)``."""
        return columns_to_map(self.columns)

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.encoder, self.decoder))
