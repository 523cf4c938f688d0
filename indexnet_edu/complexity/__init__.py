"""What networks cost: parameters, true MACs and the paper's GFLOPs, from real modules."""

from .counter import GIGA, Cost, count
from .resamplers import ResamplerCost, StageCost, family_cost, resampler_cost
from .tables import COUNTED_TABLES, as_printed, format_rows, table_rows

__all__ = [
    "COUNTED_TABLES",
    "GIGA",
    "Cost",
    "ResamplerCost",
    "StageCost",
    "as_printed",
    "count",
    "family_cost",
    "format_rows",
    "resampler_cost",
    "table_rows",
]
