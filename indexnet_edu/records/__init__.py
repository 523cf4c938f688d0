"""The paper's tables, recorded runs, and ours beside theirs."""

from .paper import PAPER_TABLES, paper_note, paper_table

__all__ = ["PAPER_TABLES", "paper_note", "paper_table"]
