"""The training loop, from the first step to the last.

Read it top to bottom: it is the only loop, for every task, on one device or on many. With several
processes (``torchrun``) every one of them draws the same batch and computes its share of it, so
that a step means the same for any number of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from . import checkpoint
from .curve import CurveWriter
from .device import require_compiler
from .randomness import epoch_order, mixed_seed, random_state, set_random_state
from .recipe import Recipe
from .run import Run
from .stop import Stopped, StopSignals
from .task import Metrics, Split, Task, TaskData

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["Trainer", "evaluate", "fit"]


class Trainer:
    """A network, its optimiser, and one step of both.

    Attributes:
        model: the network itself, whose ``state_dict`` is saved.
    """

    def __init__(
        self, model: nn.Module, task: Task, recipe: Recipe, accelerator: Accelerator
    ) -> None:
        self.model, self.task, self.recipe, self.accelerator = model, task, recipe, accelerator
        device = accelerator.device
        if accelerator.num_processes > 1 and device.type == "cuda":  # there is none for the CPU
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
            self.model = model
        fused = device.type == "cuda"  # one kernel for all parameters
        optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr, fused=fused)
        self._forward, self.optimizer = accelerator.prepare(model, optimizer)
        if recipe.compile != "none":
            require_compiler()
            self._forward = torch.compile(self._forward, mode=recipe.compile)
        self._noise = torch.Generator(device=device)

    def batch(self, train: Split, indices: Tensor, step: int) -> tuple[Tensor, Tensor, float]:
        """This process's examples of a step, and the weight of their mean loss in that of all."""
        self._noise.manual_seed(mixed_seed(self.recipe.seed, step))
        x, target = train.batch(indices, self._noise)
        if self.recipe.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        if processes == 1:
            return x, target, 1.0
        mine = slice(rank, None, processes) if rank < len(x) else slice(0, 1)  # 0: to run along
        share = len(x[rank::processes]) * processes / len(x)
        return x[mine], target[mine], share

    def training_mode(self, norm_frozen: bool) -> None:
        """All layers learn; batch normalisation, if it is frozen, by its scale and shift only."""
        self.model.train()
        if norm_frozen:
            for module in self.model.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def step(self, x: Tensor, target: Tensor, lr: float, share: float = 1.0) -> Tensor:
        """One step of Adam; returns the loss, which may still be under way on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        bfloat16 = self.recipe.precision == "bfloat16"
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=bfloat16):
            prediction = self._forward(x)
        loss = share * self.task.loss(prediction.float(), target)
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if self.recipe.max_grad_norm is not None:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.max_grad_norm)
        self.optimizer.step()
        return loss.detach()


def fit(
    model: nn.Module,
    task: Task,
    data: TaskData,
    recipe: Recipe,
    run: Run,
    accelerator: Accelerator,
    progress: bool = True,
    watch: Callable[[dict[str, Any]], None] | None = None,
) -> float:
    """Trains ``model`` in place, from the run's newest checkpoint if it has one, to its last step.

    Args:
        data: on the device.
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
    trainer = Trainer(model, task, recipe, accelerator)
    steps_per_epoch = recipe.steps_per_epoch(len(data.train))
    total = recipe.epochs * steps_per_epoch

    step, seconds = 0, 0.0
    resumed, damaged = checkpoint.latest(run.checkpoints)
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
    order = epoch_order(recipe.seed, step // steps_per_epoch, len(data.train))
    hidden = None if progress and main else True
    bar = tqdm(total=total, initial=step, unit="step", disable=hidden)
    curve: Any = CurveWriter(run, step) if main else None
    with StopSignals() as stop, bar, curve or nullcontext():
        while step < total:
            epoch, position = divmod(step, steps_per_epoch)
            if position == 0:
                order = epoch_order(recipe.seed, epoch, len(data.train))
            indices = order[position * recipe.batch_size : (position + 1) * recipe.batch_size]
            x, target, share = trainer.batch(data.train, indices, step)
            lr = recipe.lr_at(step, total)
            if recipe.norm_is_frozen(step, total) != frozen:
                frozen = not frozen
                trainer.training_mode(frozen)
            loss = trainer.step(x, target, lr, share)
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
                    point |= evaluate(model, data.test, task.metrics, recipe, accelerator)
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
    test: Split | Mapping[str, Split],
    metrics: Callable[[], Metrics],
    recipe: Recipe,
    accelerator: Accelerator,
) -> dict[str, float]:
    """Test metrics of a model in evaluation mode; those of several test sets begin with its name.

    Noise is seeded by batch, so that a figure repeats. With several processes each measures every
    so manieth batch; the metrics put their sums together.
    """
    if isinstance(test, Mapping):
        return {
            f"{name}_{key}": value
            for name, split in test.items()
            for key, value in evaluate(model, split, metrics, recipe, accelerator).items()
        }
    found = metrics()
    if accelerator.num_processes > 1:
        # Each has kept statistics of its own share since the last step; what is saved are those of
        # the first one.
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, src=0)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    generator = torch.Generator(device=accelerator.device)
    batches = list(enumerate(torch.arange(len(test)).split(recipe.eval_batch_size)))
    for number, indices in batches[accelerator.process_index :: accelerator.num_processes]:
        generator.manual_seed(number)
        x, target = test.batch(indices, generator)
        found.update(model(x), target)
    for module, training in modes:  # of its own, since frozen ones do not learn with the rest
        module.training = training
    return found.compute()
