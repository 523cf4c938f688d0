"""The pairs as modules: one protocol, one factory, one file per group of operators."""

from .factory import (
    Pair,
    Resampler,
    create_resampler,
    list_resamplers,
    named_resampler,
    register_resampler,
)
from .indexed import IndexedPool2d, IndexedUpsample2d
from .protocol import Downsampling, Guide, Upsampling

__all__ = [
    "Downsampling",
    "Guide",
    "IndexedPool2d",
    "IndexedUpsample2d",
    "Pair",
    "Resampler",
    "Upsampling",
    "create_resampler",
    "list_resamplers",
    "named_resampler",
    "register_resampler",
]
