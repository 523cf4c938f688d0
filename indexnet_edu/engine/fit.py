"""The training loop, from the first step to the last.

Read it top to bottom: it is the only loop, for every task, on one device or on many. With several
processes (``torchrun``) every one of them takes its share of the same batch, so that a step means
the same for any number of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from ..errors import UserError
from . import checkpoint
from .batch import Batch, Mean, Split, TaskData
from .curve import CurveWriter
from .device import require_compiler
from .feed import examples, feed
from .plan import Plan
from .randomness import random_state, set_random_state
from .recipe import Recipe
from .run import Run
from .stop import Stopped, StopSignals
from .task import Task

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Trainer", "evaluate", "fit"]


class Trainer:
    """A network, its optimiser, and one step of both.

    Attributes:
        model: the network itself, whose ``state_dict`` is saved.
    """

    def __init__(self, model: nn.Module, plan: Plan, accelerator: Accelerator) -> None:
        self.model, self.task, self.recipe = model, plan.task, plan.recipe
        self.accelerator = accelerator
        device = accelerator.device
        if accelerator.num_processes > 1 and device.type == "cuda":  # there is none for the CPU
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
            self.model = model
        groups = plan.groups(model)
        self._scales = [scale for _, scale in groups]
        optimizer = _optimizer([parameters for parameters, _ in groups], self.recipe, device)
        self._forward, self.optimizer = accelerator.prepare(model, optimizer)
        if self.recipe.compile != "none":
            require_compiler()
            self._forward = torch.compile(self._forward, mode=self.recipe.compile)

    def training_mode(self, norm_frozen: bool) -> None:
        """All layers learn; batch normalisation, if it is frozen, by its scale and shift only."""
        self.model.train()
        if norm_frozen:
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def step(self, batch: Batch, lr: float, counts: bool = True) -> Tensor:
        """One step of the optimiser; returns the loss, which may still be under way on the device.

        Args:
            batch: this process's share.
            lr: the learning rate, before the factors of parameter groups.
            counts: False for a process that only runs along.
        """
        for group, scale in zip(self.optimizer.param_groups, self._scales, strict=True):
            group["lr"] = lr * scale
        bfloat16 = self.recipe.precision == "bfloat16"
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=bfloat16):
            output = self._forward(batch.x)
        mean = self.task.loss(tree_map_only(Tensor, _full_precision, output), batch)
        loss = self._share(mean, counts)
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if self.recipe.max_grad_norm is not None:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.max_grad_norm)
        self.optimizer.step()
        return loss.detach()

    def _share(self, mean: Mean, counts: bool) -> Tensor:
        """What of the whole batch's mean is this process's, times the number of processes, since
        gradients are averaged over them."""
        if self.accelerator.num_processes == 1:
            return mean.value
        total = mean.total if counts else 0 * mean.total
        count = torch.as_tensor(mean.count if counts else 0, dtype=torch.float64)
        count = self.accelerator.reduce(count.to(total.device), "mean")
        return total / count.clamp(min=1 / self.accelerator.num_processes).to(total.dtype)


def _full_precision(output: Tensor) -> Tensor:
    return output.float() if output.is_floating_point() else output


def _optimizer(
    groups: Sequence[Iterable[nn.Parameter]], recipe: Recipe, device: torch.device
) -> torch.optim.Optimizer:
    fused = device.type == "cuda"  # one kernel for all parameters
    kind: Any = torch.optim.Adam
    options: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay, "fused": fused}
    if recipe.optimizer == "sgd":
        kind, options = torch.optim.SGD, options | {"momentum": recipe.momentum}
    return kind([{"params": list(group)} for group in groups], **options)


def fit(
    model: nn.Module,
    plan: Plan,
    data: TaskData,
    run: Run,
    accelerator: Accelerator,
    progress: bool = True,
    watch: Callable[[dict[str, Any]], None] | None = None,
) -> float:
    """Trains ``model`` in place, from the run's newest checkpoint if it has one, else from the
    pretrained weights if there are any, to its last step.

    Args:
        model: with its initial weights, on the device.
        plan: what is asked for.
        data: on the device.
        run: the folder that keeps the state.
        watch: is shown every point of the curve as it comes.

    Returns:
        Seconds of training, over all processes that worked on the run one after the other.

    Raises:
        UserError: the loss or the weights are no longer finite (the last good checkpoint stays).
        UsageError: ``compile`` is asked for and there is no compiler.
        Stopped: SIGINT or SIGTERM, after the state has been saved.
    """
    from accelerate.utils import gather_object
    from tqdm import tqdm

    main, device = accelerator.is_main_process, accelerator.device
    task, recipe = plan.task, plan.recipe
    resumed, damaged = checkpoint.latest(run.checkpoints)
    if plan.pretrained and not resumed:  # also where no checkpoint is whole
        plan.pretrained.load(model)
    trainer = Trainer(model, plan, accelerator)
    steps_per_epoch = recipe.steps_per_epoch(len(data.train))
    total = recipe.epochs * steps_per_epoch

    step, seconds = 0, 0.0
    if main:
        for line in damaged:
            tqdm.write(line)
    if resumed:
        trainer.model.load_state_dict(resumed.weights)
        trainer.optimizer.load_state_dict(resumed.state["optimizer"])
        # With more processes than before, the new ones draw from where the first one was.
        states = resumed.state["random"]
        set_random_state(states[accelerator.process_index % len(states)], device)
        step, seconds = resumed.step, resumed.state["seconds"]
    accelerator.wait_for_everyone()  # all have read before the first one writes
    began = time.perf_counter() - seconds

    def save() -> None:
        if not all(p.isfinite().all() for p in trainer.model.parameters()):
            raise _not_finite("the weights are", step, run)
        state = {
            "optimizer": trainer.optimizer.state_dict(),
            "random": gather_object([random_state(device)]),
            "seconds": time.perf_counter() - began,
        }
        if main:
            curve.write()
            checkpoint.save(run.checkpoints, step, trainer.model.state_dict(), state)
        accelerator.wait_for_everyone()

    frozen = recipe.norm_is_frozen(step, total)
    trainer.training_mode(frozen)
    rank, processes = accelerator.process_index, accelerator.num_processes
    batches = feed(data.train, recipe, range(step, total), device, rank, processes)
    hidden = None if progress and main else True
    bar = tqdm(total=total, initial=step, unit="step", disable=hidden)
    curve: Any = CurveWriter(run, step) if main else None
    with StopSignals() as stop, bar, curve or nullcontext(), closing(batches):
        for batch, counts in batches:
            lr = recipe.lr_at(step, total)
            if recipe.norm_is_frozen(step, total) != frozen:
                frozen = not frozen
                trainer.training_mode(frozen)
            loss = trainer.step(batch, lr, counts)
            step += 1
            bar.update()

            measured = recipe.evaluate_every is not None and step % recipe.evaluate_every == 0
            logged = step % recipe.log_every == 0 or step == total or measured
            if logged:
                value = float(accelerator.reduce(loss, "mean"))  # waits for the device
                if not math.isfinite(value):
                    raise _not_finite("the loss is", step, run)
                point = {"step": step, "epoch": step / steps_per_epoch, "loss": value, "lr": lr}
                if measured:
                    point |= evaluate(model, task, data.test, recipe, accelerator)
                bar.set_postfix(loss=f"{value:.4f}", refresh=False)
                if main:
                    curve.add(point)
                if watch:
                    watch(point)
            stopping = _agreed(stop.exit_code, accelerator, logged)
            if step % recipe.checkpoint_every == 0 or step == total or stopping:
                save()
            if stopping and step < total:
                kept = f"stopped at step {step} of {total}, state kept in {run.folder}"
                raise Stopped(f"{kept}: add --resume to go on", stopping)
    return time.perf_counter() - began


def _agreed(exit_code: int | None, accelerator: Accelerator, logged: bool) -> int:
    """The exit code with which all processes stop after this step, 0 to go on.

    A signal reaches processes at different steps. They agree when they wait for each other anyway,
    at a point of the curve.
    """
    if accelerator.num_processes == 1:
        return exit_code or 0
    if not logged:
        return 0
    codes = accelerator.gather(torch.tensor([exit_code or 0], device=accelerator.device))
    return int(codes.max())


def _not_finite(what: str, step: int, run: Run) -> UserError:
    kept = sorted(run.checkpoints.glob("step-*"))
    good = f"the last good state is {kept[-1]}" if kept else "no checkpoint had been written yet"
    return UserError(
        f"{what} no longer finite at step {step}: training stopped, {good}; try a lower lr"
    )


@torch.no_grad()
def evaluate(
    model: nn.Module,
    task: Task,
    test: Split | Mapping[str, Split],
    recipe: Recipe,
    accelerator: Accelerator,
) -> dict[str, float]:
    """Test metrics of a model in evaluation mode; those of several test sets begin with its name.

    Noise is seeded by batch, so that a figure repeats. With several processes each measures some
    of the batches; the metrics put their sums together.
    """
    if isinstance(test, Mapping):
        return {
            f"{name}_{key}": value
            for name, split in test.items()
            for key, value in evaluate(model, task, split, recipe, accelerator).items()
        }
    found = task.new_metrics(recipe)
    if accelerator.num_processes > 1:
        # Each has kept statistics of its own share since the last step; what is saved are those of
        # the first one.
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, src=0)
    modes = [(module, module.training) for module in model.modules()]
    batches = list(enumerate(torch.arange(len(test)).split(recipe.eval_batch_size)))
    try:
        model.eval()
        for number, indices in batches[accelerator.process_index :: accelerator.num_processes]:
            batch = examples(test, indices, number).to(accelerator.device)
            found.update(task.infer(model, batch), batch.target, batch.valid)
    finally:
        for module, training in modes:  # of its own, since frozen ones do not learn with the rest
            module.training = training
    return found.compute()
