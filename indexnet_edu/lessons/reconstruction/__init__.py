"""What notebook 05 calls."""

from ...viz.palette import add_styles

add_styles({
    "indexed_o2o_modelwise": "o2o_modelwise",
    "indexed_holistic": "holistic",
    "indexed_m2o": "m2o",
    "indexed_bilinear": "indexnet_bilinear",
})  # fmt: skip
