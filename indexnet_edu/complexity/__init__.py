"""What networks cost: parameters, true MACs and the paper's GFLOPs, from real modules; and the time
and memory that a machine really takes."""

from .counter import GIGA, Cost, count
from .measured import Measured, measure
from .resamplers import ResamplerCost, StageCost, family_cost, resampler_cost
from .tables import Baseline, CostTable, Schedule, as_printed, format_tables, table_rows

__all__ = [
    "GIGA",
    "Baseline",
    "Cost",
    "CostTable",
    "Measured",
    "ResamplerCost",
    "Schedule",
    "StageCost",
    "as_printed",
    "count",
    "family_cost",
    "format_tables",
    "measure",
    "resampler_cost",
    "table_rows",
]
