"""The fast way through an index network on a CPU: block by block, in one pass over memory; and,
where a compiler finds such passes itself, the form that it finds them in.

The clear way is :func:`~indexnet_edu.indexing.normalise_index`,
:func:`~indexnet_edu.indexing.indexed_pool2d` and
:func:`~indexnet_edu.indexing.indexed_upsample2d`, and nothing here computes anything else: the
tests hold both against each other. ``dispatch`` says where which is taken. Every family is pooled
and upsampled by ``pooling``; the O2O blocks, which are many small convolutions, are computed by the
``o2o_`` files, the others by their own layers. What was tried and measured is in
``docs/performance.md``.
"""

from . import compiled
from .dispatch import applies, can_pool, can_upsample, pool_and_guide, upsample
from .guide import ColumnGuide

__all__ = [
    "ColumnGuide",
    "applies",
    "can_pool",
    "can_upsample",
    "compiled",
    "pool_and_guide",
    "upsample",
]
