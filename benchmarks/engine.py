"""What the engine costs beside a bare loop, and how long a resume takes.

    python -m benchmarks.engine [--threads 2] [--steps 40] [--rounds 7]

Both loops train the same network on the same batches, in turns within one process, so that what
else the machine does falls on both. The engine's loop includes its points of the curve, and its
checkpoints are told apart.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch.nn import functional as F

from indexnet_edu.engine import train
from indexnet_edu.engine.device import accelerator, use_threads
from indexnet_edu.engine.fit import fit
from indexnet_edu.engine.plan import Plan
from indexnet_edu.engine.randomness import epoch_order
from indexnet_edu.engine.run import create_run
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION as TASK

VARIANTS = ("avgpool_nearest", "indexed_holistic")


def bare(plan: Plan, data, steps: int) -> float:
    """Seconds a step of the loop that one would write without an engine."""
    model, recipe = plan.build(torch.device("cpu")).train(), plan.recipe
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    order = epoch_order(recipe.seed, 0, len(data.train))
    began = time.perf_counter()
    for step in range(steps):
        images = data.train.images[order[step * recipe.batch_size : (step + 1) * recipe.batch_size]]
        images = images.contiguous(memory_format=torch.channels_last)
        loss = F.l1_loss(model(images), images)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return (time.perf_counter() - began) / steps


def engines(plan: Plan, data, checkpoint_every: int) -> float:
    """Seconds a step of the engine's loop, into a folder of its own."""
    recipe = dataclasses.replace(plan.recipe, checkpoint_every=checkpoint_every)
    plan = dataclasses.replace(plan, recipe=recipe)
    with tempfile.TemporaryDirectory() as folder:
        run = create_run(Path(folder) / "run", plan.config(data), "CPU")
        model = plan.build(torch.device("cpu"))
        seconds = fit(model, plan, data, run, accelerator(), progress=False)
        return seconds / run.curve[-1]["step"]


def resume_time(variant: str) -> tuple[float, float]:
    """Seconds to enter a finished fit's last checkpoint, and to start from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        how = {"overrides": {"train_images": 100, "test_images": 10}, "progress": False}
        times = []
        for number in range(2):
            began = time.perf_counter()
            if number:  # as if it had been killed between its last checkpoint and the metrics
                (Path(folder) / "run/metrics.json").unlink()
            train(TASK, variant, "smoke", Path(folder) / "run", resume=True, **how)
            times.append(time.perf_counter() - began)
        return times[1], times[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    changes = {"epochs": 1, "train_images": 100 * arguments.steps, "data": "embedded"}
    never = arguments.steps + 1
    for variant in VARIANTS:
        plan = Plan.of(TASK, variant, "cpu", overrides=changes)
        data = TASK.load_data(plan.recipe)
        bare(plan, data, 3)  # warms up
        rows = [
            (bare(plan, data, arguments.steps), engines(plan, data, never), engines(plan, data, 20))
            for _ in range(arguments.rounds)
        ]
        loop, engine, with_checkpoints = (median(column) for column in zip(*rows, strict=True))
        ratio = median(b / a for a, b, _ in rows) - 1
        saved = median(c / a for a, _, c in rows) - 1
        print(
            f"{variant}: bare {loop * 1e3:.1f} ms a step, "
            f"engine {engine * 1e3:.1f} ({ratio:+.1%}), with a checkpoint every 20 steps "
            f"{with_checkpoints * 1e3:.1f} ({saved:+.1%}); "
            f"medians of {arguments.rounds} rounds of {arguments.steps} steps"
        )
        resumed, fresh = resume_time(variant)
        print(f"{variant}: last checkpoint to end {resumed:.2f} s, new run of a step {fresh:.2f} s")


if __name__ == "__main__":
    main()
