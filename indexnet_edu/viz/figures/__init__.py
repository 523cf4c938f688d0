"""matplotlib figures, one file a subject: data in, ``Figure`` out, nothing shown or kept."""

from .curves import training_curves
from .gallery import gallery
from .index_maps import ENCODER_BOUNDS, index_maps
from .operators import operator_comparison, psnr
from .reconstruction import error_maps, psnr_bars, reconstruction_grid

__all__ = [
    "ENCODER_BOUNDS",
    "error_maps",
    "gallery",
    "index_maps",
    "operator_comparison",
    "psnr",
    "psnr_bars",
    "reconstruction_grid",
    "training_curves",
]
