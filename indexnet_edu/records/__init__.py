"""The paper's tables, recorded runs, and ours beside theirs."""

from .paper import PAPER_TABLES, paper_note, paper_table
from .record import recorded_runs

__all__ = ["PAPER_TABLES", "paper_note", "paper_table", "recorded_runs"]
