"""Putting workers to work: as processes here, or as one job array on a SLURM cluster.

submitit runs both with the same worker; it writes the batch script and queues a job again when its
time is up or its machine is wanted.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...errors import UsageError, UserError
from ..task import Task
from .cells import Sweep
from .worker import Worker, require_room_for_sockets

__all__ = ["LocalWorkers", "sbatch_script", "submit_to_slurm"]

#: A worker may be queued again as often as it takes, and on this machine nothing cuts it off.
_AGAIN = 1_000_000
_YEAR = 365 * 24 * 60  # minutes

#: Options that are lists of lines or words; one may be given as it is.
_LISTS = ("setup", "teardown", "srun_args")

#: SLURM's, where the user says nothing else. A worker whose hour is over is queued again.
_SLURM_DEFAULTS: dict[str, Any] = {"time": 60}


def _jobs(sweep: Sweep) -> Path:
    return sweep.folder.absolute() / "jobs"


def _gpus() -> list[str]:
    """The GPUs that this process may use, by the names of ``CUDA_VISIBLE_DEVICES``."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    return [str(number) for number in range(torch.cuda.device_count())]


class LocalWorkers:
    """Workers on this machine; GPUs are dealt out in turn."""

    def __init__(self, task: Task, sweep: Sweep, workers: int, threads: int | None) -> None:
        from submitit import LocalExecutor

        require_room_for_sockets()
        executor = LocalExecutor(_jobs(sweep), max_num_timeout=_AGAIN)
        executor.update_parameters(timeout_min=_YEAR)
        gpus = _gpus()
        # A Ctrl-C goes to every process of the terminal, but stopping is this one's to arrange.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._jobs = [
                executor.submit(
                    Worker(
                        task,
                        sweep.folder.absolute(),
                        threads,
                        number / workers,
                        gpus[number % len(gpus)] if gpus else None,
                    )  # fmt: skip
                )
                for number in range(workers)
            ]
        finally:
            signal.signal(signal.SIGINT, before)

    @property
    def working(self) -> bool:
        return not all(job.done() for job in self._jobs)

    def stop(self) -> None:
        """Has the cells save their state and the workers end; does not wait for it."""
        for job in self._jobs:
            if not job.done():
                os.kill(int(job.job_id), signal.SIGTERM)  # submitit passes it on


def _slurm_parameters(
    sweep: Sweep, workers: int, threads: int | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    from submitit.slurm.slurm import _get_default_parameters

    known = _get_default_parameters()
    if wrong := [name for name in options if name not in known]:
        raise UsageError(
            f"--slurm does not know {', '.join(wrong)}; choose from {', '.join(sorted(known))}"
        )
    if not isinstance(options.get("time", 1), int):
        raise UsageError(f"--slurm time is in minutes, got {options['time']!r}")
    parameters = _SLURM_DEFAULTS | {
        "job_name": f"indexnet-{sweep.folder.absolute().name}",
        "array_parallelism": workers,
    }
    if threads is not None:
        parameters["cpus_per_task"] = threads
    # Preempted jobs go back to the queue, where the cluster leaves that to the job.
    parameters["additional_parameters"] = {"requeue": True}
    for name, value in options.items():
        parameters[name] = [value] if name in _LISTS and isinstance(value, str) else value
    return parameters


def sbatch_script(
    sweep: Sweep, workers: int, threads: int | None, options: Mapping[str, Any]
) -> str:
    """The batch script that :func:`submit_to_slurm` would hand to ``sbatch``.

    Raises:
        UsageError: an option that is none of SLURM's.
    """
    from submitit import SlurmExecutor

    class Anywhere(SlurmExecutor):
        """Writes scripts where there is no SLURM."""

        @classmethod
        def affinity(cls) -> int:
            return 1

    executor = Anywhere(_jobs(sweep))
    executor.update_parameters(**_slurm_parameters(sweep, workers, threads, options))
    if workers > 1:
        executor.parameters["map_count"] = workers
    return executor._make_submission_file_text(executor._submitit_command_str, "")


def submit_to_slurm(
    task: Task, sweep: Sweep, workers: int, threads: int | None, options: Mapping[str, Any]
) -> list[str]:
    """Queues the workers, several as one job array, and returns their job ids.

    Args:
        threads: of a worker, and its CPUs; None leaves both to the cluster.
        options: submitit's names of ``sbatch`` options: ``partition``, ``time`` (minutes),
            ``gpus_per_node``, ``mem``, …

    Raises:
        UsageError: an option that is none of SLURM's.
        UserError: there is no SLURM here, or it refuses the job.
    """
    from submitit import SlurmExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    parameters = _slurm_parameters(sweep, workers, threads, options)
    if SlurmExecutor.affinity() <= 0:
        raise UserError("there is no srun here: start from a SLURM machine, or --executor local")
    executor = SlurmExecutor(_jobs(sweep), max_num_timeout=_AGAIN)
    executor.update_parameters(**parameters)
    try:
        with executor.batch():
            jobs = [
                executor.submit(Worker(task, sweep.folder.absolute(), threads, number / workers))
                for number in range(workers)
            ]
    except (OSError, FailedJobError, FailedSubmissionError) as error:
        raise UserError(f"sbatch refused the job: {' '.join(str(error).split())}") from None
    return [job.job_id for job in jobs]
