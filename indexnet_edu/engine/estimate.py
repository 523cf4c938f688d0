"""What a training will cost, before it starts: a few real steps, and arithmetic."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from .batch import ALL, Batch
from .checkpoint import KEPT
from .device import accelerator, describe_device, use_threads, wait_for
from .feed import feed
from .fit import Trainer, evaluate
from .memory import TRAINED, in_bytes, memory_of, step_within_memory
from .plan import Plan
from .task import Task

__all__ = ["Estimate", "estimate"]

_WARM_UP, _MEASURED = 2, 5


@dataclass(frozen=True)
class Estimate:
    """The cost of a training on this machine.

    Attributes:
        folder: where the run would be kept.
        device, data: what it would use.
        parameters: of the network.
        steps: of the optimiser, in all.
        seconds_per_step: median of a few measured steps.
        batch_share: part of a step in which the network waits for its batch: chosen, cut, turned,
            made noisy.
        seconds_training, seconds_testing: for all steps, and for the test images once.
        memory, memory_free: bytes at the peak, and bytes that the device has for it. On the CPU
            that is the whole process.
        disk, disk_free: bytes of the run folder at its largest, and bytes free there.
    """

    folder: str
    device: str
    data: str
    parameters: int
    steps: int
    seconds_per_step: float
    batch_share: float
    seconds_training: float
    seconds_testing: float
    memory: int
    memory_free: int
    disk: int
    disk_free: int

    @property
    def obstacle(self) -> str | None:
        """What does not fit and what to do about it, in a line; None if all fits."""
        if self.memory > self.memory_free:
            needed, free = in_bytes(self.memory), in_bytes(self.memory_free)
            return (
                f"{needed} of memory are needed and {free} are free: use a smaller batch_size or "
                "another device"
            )
        if self.disk > self.disk_free:
            needed, free = in_bytes(self.disk), in_bytes(self.disk_free)
            return (
                f"{needed} of disk are needed and {free} are free: free some space or use another "
                "--out"
            )
        return None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self) | {"fits": self.obstacle is None}

    def __str__(self) -> str:
        rows = {
            "data": self.data,
            "device": self.device,
            "parameters": f"{self.parameters:,}",
            "steps": f"{self.steps:,} of {self.seconds_per_step * 1000:.0f} ms, "
            f"{100 * self.batch_share:.1f} % of it to make the batch",
            "time": f"{_duration(self.seconds_training)} of training and "
            f"{_duration(self.seconds_testing)} of testing",
            "memory": f"{in_bytes(self.memory)} of {in_bytes(self.memory_free)}",
            "disk": f"{in_bytes(self.disk)} of {in_bytes(self.disk_free)}, in {self.folder}",
            "fits": "yes" if self.obstacle is None else f"no: {self.obstacle}",
        }
        return "\n".join(f"{name:11} {value}" for name, value in rows.items())


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def estimate(
    task: Task,
    variant: str,
    profile: str = "cpu",
    out: str | Path | None = None,
    *,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    threads: int | None = None,
) -> Estimate:
    """Trains a few steps in memory and reckons the rest; nothing is written.

    Arguments and errors are those of :func:`~indexnet_edu.engine.train`.

    Raises:
        UserError: the network, or a single step, does not fit into the device's memory.
    """
    plan = Plan.of(task, variant, profile, out, seed, overrides)
    recipe, folder = plan.recipe, plan.folder
    use_threads(threads)
    here = accelerator()
    device = here.device
    data = task.load_data(recipe).to(device)
    train, tests = data.train, data.test if isinstance(data.test, Mapping) else {"": data.test}
    times, batches, testing = list[float](), list[float](), 0.0
    with step_within_memory(recipe):
        trainer = Trainer(plan.build(device, TRAINED), plan, here)
        numbers = range(_WARM_UP + _MEASURED)
        fed = feed(train, recipe, numbers, device, here.process_index, here.num_processes)
        while True:
            wait_for(device)
            began = time.perf_counter()
            batch, counts = next(fed, (None, False))
            if batch is None:
                break
            wait_for(device)
            batches.append(time.perf_counter() - began)
            trainer.step(batch, recipe.lr, counts)
            wait_for(device)
            times.append(time.perf_counter() - began)
        for test in tests.values():
            few = _First(test, recipe.eval_batch_size)
            evaluate(trainer.model, task, few, recipe, here)  # imports, first calls
            began = time.perf_counter()
            evaluate(trainer.model, task, few, recipe, here)
            testing += (time.perf_counter() - began) * len(test) / len(few)
    memory, memory_free = memory_of(device)

    steps = recipe.epochs * recipe.steps_per_epoch(len(train))
    each = median(times[_WARM_UP:])
    state = trainer.model.state_dict().values()
    weights = sum(value.numel() * value.element_size() for value in state)
    # A checkpoint holds the weights and Adam's two moments; one more is there while it is written.
    disk = (KEPT + 1) * 3 * weights + weights
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return Estimate(
        folder=str(folder),
        device=describe_device(device, here.num_processes),
        data=data.name,
        parameters=sum(p.numel() for p in trainer.model.parameters()),
        steps=steps,
        seconds_per_step=each,
        batch_share=median(batches[_WARM_UP:]) / each,
        seconds_training=steps * each,
        seconds_testing=testing,
        memory=memory,
        memory_free=memory_free,
        disk=disk,
        disk_free=shutil.disk_usage(existing).free,
    )


@dataclass(frozen=True)
class _First:
    """The first examples of a split."""

    split: Any
    count: int

    def __len__(self) -> int:
        return min(self.count, len(self.split))

    def batch(self, indices: torch.Tensor, seed: int, share: slice = ALL) -> Batch:
        return self.split.batch(indices, seed, share)

    def to(self, device: torch.device) -> _First:
        return self
