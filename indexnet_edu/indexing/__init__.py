"""Part I, the theory: index functions, index blocks, indexed pooling and upsampling.

Tensors in, tensors out.
"""

from .networks import FAMILIES, MODES, create_index_block
from .operators import (
    NORMALISATIONS,
    IndexGuide,
    columns_to_map,
    indexed_pool2d,
    indexed_upsample2d,
    map_to_columns,
    normalise_index,
)

__all__ = [
    "FAMILIES",
    "MODES",
    "NORMALISATIONS",
    "IndexGuide",
    "columns_to_map",
    "create_index_block",
    "indexed_pool2d",
    "indexed_upsample2d",
    "map_to_columns",
    "normalise_index",
]
