"""Sweeps: a folder of runs, trained by any number of workers on one machine or a cluster.

The folder is all there is: ``sweep.json`` the plan · ``<variant>-seed<k>/`` a run, the cell of that
name · ``failed/`` why a cell failed · ``logs/`` what it printed · ``jobs/`` the workers' own files.
No process keeps a queue, so none can lose it.
"""

from .cells import Sweep, count_states, open_sweep, seconds_left
from .plan import Cell, SweepPlan, make_plan
from .submit import LocalWorkers, sbatch_script, submit_to_slurm

__all__ = [
    "Cell",
    "LocalWorkers",
    "SweepPlan",
    "Sweep",
    "count_states",
    "make_plan",
    "open_sweep",
    "seconds_left",
    "sbatch_script",
    "submit_to_slurm",
]
