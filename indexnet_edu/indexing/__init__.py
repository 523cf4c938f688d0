"""Part I, the theory: index functions, index blocks, indexed pooling and upsampling.

Tensors in, tensors out; nothing here knows a model, a data set or a training.
"""

from .functions import (
    Index,
    apply_index,
    average_index,
    average_index_map,
    bilinear_index,
    deconv_index,
    index_matrix,
    max_index,
    max_index_map,
    nearest_index,
    pixel_shuffle_index,
    pooling_index,
    upsampling_index,
)
from .networks import (
    FAMILIES,
    MODES,
    create_index_block,
)
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
    "Index",
    "apply_index",
    "average_index",
    "average_index_map",
    "bilinear_index",
    "deconv_index",
    "index_matrix",
    "max_index",
    "max_index_map",
    "nearest_index",
    "pixel_shuffle_index",
    "pooling_index",
    "upsampling_index",
    "FAMILIES",
    "MODES",
    "create_index_block",
    "NORMALISATIONS",
    "IndexGuide",
    "columns_to_map",
    "indexed_pool2d",
    "indexed_upsample2d",
    "map_to_columns",
    "normalise_index",
]
