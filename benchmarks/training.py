"""One training step of every network of the course: forward, loss, back, Adam.

    python -m benchmarks.training [--quick] [--threads N] [--out FOLDER]

Rows come from the registered tasks: a task that is added is measured. Profile ``cpu``; where its
batch does not fit the patience of a trial, ``--quick`` takes a tenth of it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from benchmarks.timing import Call, interleaved, options, save, table
from indexnet_edu.engine import Task
from indexnet_edu.tasks import TASKS


def step(task: Task, variant: str, batch_size: int) -> Call:
    """A step on the first images of the embedded data."""
    recipe = task.profile("cpu")
    smoke = dataclasses.replace(recipe, data="embedded")
    torch.manual_seed(0)
    model = task.build_model(task.variant(variant), recipe).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    train = task.load_data(smoke).train
    batch = train.batch(torch.arange(batch_size), seed=0)
    if recipe.channels_last:  # as the engine does it
        model.to(memory_format=torch.channels_last)
        batch = batch.with_memory(torch.channels_last)

    def call() -> None:
        optimizer.zero_grad(set_to_none=True)
        task.loss(model(batch.x), batch).value.backward()
        optimizer.step()

    return call


def main() -> None:
    given = options(__doc__ or "")
    rows: list[dict[str, Any]] = []
    for name, task in TASKS.items():
        size = task.profile("cpu").batch_size
        size = max(2, size // 10) if given.quick else size
        calls = {variant: step(task, variant, size) for variant in task.variants}
        for variant, seconds in interleaved(calls, max(3, given.rounds // 2)).items():
            rows.append({"task": name, "network": variant, "batch": size, "ms": 1e3 * seconds})
    save("training", {"rows": rows}, table(rows), given)


if __name__ == "__main__":
    main()
