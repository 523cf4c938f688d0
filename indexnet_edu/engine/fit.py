"""The training loop, from the first step to the last.

Read it top to bottom: it is the only loop, for every task. What makes a run exact to resume is that
nothing random depends on the past: the order of an epoch comes from (seed, epoch), the noise of a
step from (seed, step), and what modules draw themselves (dropout) from generators that the
checkpoint holds.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UserError
from . import checkpoint
from .recipe import Recipe
from .run import Run
from .stop import Stopped, StopSignals
from .task import Metrics, Split, Task

__all__ = ["epoch_order", "evaluate", "fit"]


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers; PyTorch's CPU generator looks at its lowest 32 bits only."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def epoch_order(seed: int, epoch: int, examples: int) -> Tensor:
    """The order of an epoch: a permutation that depends on seed and epoch alone."""
    generator = torch.Generator().manual_seed(mixed_seed(seed, epoch))
    return torch.randperm(examples, generator=generator)


def _random_state(device: torch.device) -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def fit(
    model: nn.Module,
    task: Task,
    train: Split,
    recipe: Recipe,
    run: Run,
    device: torch.device,
    progress: bool = True,
) -> float:
    """Trains ``model`` in place, from the run's newest checkpoint if it has one, to its last.

    Returns:
        Seconds of training, over all processes that worked on the run.

    Raises:
        UserError: the loss or the weights are no longer finite (the last good checkpoint stays), or
            the disk is full.
        Stopped: SIGINT or SIGTERM, after the state has been saved.
    """
    from tqdm import tqdm

    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    generator = torch.Generator(device=device)
    steps_per_epoch = -(-len(train) // recipe.batch_size)
    total = recipe.epochs * steps_per_epoch

    step, seconds = 0, 0.0
    resumed, damaged = checkpoint.latest(run.checkpoints)
    for line in damaged:
        tqdm.write(line)
    if resumed:
        model.load_state_dict(resumed.weights)
        optimizer.load_state_dict(resumed.state["optimizer"])
        _set_random_state(resumed.state["random"], device)
        step, seconds = resumed.step, resumed.state["seconds"]
    run.cut_curve(step)
    points: list[dict[str, Any]] = []
    began = time.perf_counter() - seconds

    def save() -> None:
        if not all(p.isfinite().all() for p in model.parameters()):
            raise _not_finite("the weights are", step, run)
        state = {
            "optimizer": optimizer.state_dict(),
            "random": _random_state(device),
            "seconds": time.perf_counter() - began,
        }
        run.append_to_curve(points)
        points.clear()
        checkpoint.save(run.checkpoints, step, model.state_dict(), state)

    model.train()
    order = epoch_order(recipe.seed, step // steps_per_epoch, len(train))
    bar = tqdm(total=total, initial=step, unit="step", disable=None if progress else True)
    with StopSignals() as stop, bar:
        while step < total:
            epoch, position = divmod(step, steps_per_epoch)
            if position == 0:
                order = epoch_order(recipe.seed, epoch, len(train))
            indices = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
            generator.manual_seed(mixed_seed(recipe.seed, step))
            x, target = train.batch(indices, generator)
            if recipe.channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
            lr = recipe.lr_at(step, total)
            for group in optimizer.param_groups:
                group["lr"] = lr

            with torch.autocast(
                device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"
            ):
                prediction = model(x)
            loss = task.loss(prediction.float(), target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if recipe.max_grad_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
            optimizer.step()

            step += 1
            bar.update()
            if step % recipe.log_every == 0 or step == total:
                value = loss.item()  # waits for the device, so not at every step
                if not torch.isfinite(loss):
                    raise _not_finite("the loss is", step, run)
                points.append(
                    {"step": step, "epoch": step / steps_per_epoch, "loss": value, "lr": lr}
                )
                bar.set_postfix(loss=f"{value:.4f}", refresh=False)
            if step % recipe.checkpoint_every == 0 or step == total or stop.exit_code is not None:
                save()
            if stop.exit_code is not None and step < total:
                kept = f"stopped at step {step} of {total}, state kept in {run.folder}"
                raise Stopped(f"{kept}: add --resume to go on", stop.exit_code)
    return time.perf_counter() - began


def _not_finite(what: str, step: int, run: Run) -> UserError:
    kept = sorted(run.checkpoints.glob("step-*"))
    good = f"the last good state is {kept[-1]}" if kept else "no checkpoint had been written yet"
    return UserError(
        f"{what} no longer finite at step {step}: training stopped, {good}; try a lower lr"
    )


@torch.no_grad()
def evaluate(
    model: nn.Module, test: Split, metrics: Metrics, recipe: Recipe, device: torch.device
) -> dict[str, float]:
    """Test metrics of a model in evaluation mode; noise is seeded by batch, so that a figure
    repeats."""
    was_training = model.training
    model.eval()
    generator = torch.Generator(device=device)
    for number, indices in enumerate(torch.arange(len(test)).split(recipe.eval_batch_size)):
        generator.manual_seed(number)
        x, target = test.batch(indices, generator)
        metrics.update(model(x), target)
    model.train(was_training)
    return metrics.compute()
