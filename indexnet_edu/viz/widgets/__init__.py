"""Widgets, one file each: a pure ``render(state) -> str`` with native controls around it.

Each is shown by being a cell's last expression, and has a twin for pages without a kernel:
``NormalisationLab()`` and ``NormalisationLab.static()``.
"""

from .base import LessonWidget
from .family_calculator import CalculatorState, FamilyCalculator
from .index_function_explorer import ExplorerState, IndexFunctionExplorer
from .index_map_explorer import IndexMapExplorer, MapState, trained_weights
from .normalisation_lab import LabState, NormalisationLab
from .pictures import Picture, own_picture, sample_picture
from .trimap_painter import PaintState, TrimapPainter
from .upsampler_microscope import MicroscopeState, UpsamplerMicroscope

__all__ = [
    "CalculatorState",
    "ExplorerState",
    "FamilyCalculator",
    "IndexFunctionExplorer",
    "IndexMapExplorer",
    "LabState",
    "LessonWidget",
    "MapState",
    "MicroscopeState",
    "NormalisationLab",
    "PaintState",
    "Picture",
    "TrimapPainter",
    "UpsamplerMicroscope",
    "own_picture",
    "sample_picture",
    "trained_weights",
]
