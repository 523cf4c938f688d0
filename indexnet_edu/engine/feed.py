"""The batches of a training, in order; where they are read from a disk, the next ones are made
while a step runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import torch
from torch import Tensor

from ..errors import UserError
from .batch import ALL, Batch, Split
from .randomness import epoch_order, mixed_seed
from .recipe import Recipe

__all__ = ["examples", "feed"]


def examples(split: Split, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
    """A batch of a split.

    Raises:
        UserError: a file of the data cannot be read.
    """
    try:
        return split.batch(indices, seed, share)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        raise UserError(
            f"an example cannot be read ({named}{error.strerror or error}): mend the data; a "
            "training goes on with --resume"
        ) from error


def feed(
    train: Split,
    recipe: Recipe,
    steps: range,
    device: torch.device,
    rank: int = 0,
    processes: int = 1,
) -> Generator[tuple[Batch, bool], None, None]:
    """This process's share of the batch of each step, on the device.

    A batch depends on the seed and on the number of its step alone, so that a resumed training
    needs no state of this.

    Args:
        steps: their numbers, from 0.
        rank: of this process among ``processes``.

    Yields:
        The batch, and whether it counts: a process for which no example is left runs along with
        the first one.

    Raises:
        UserError: a file of the data cannot be read.
    """
    length = recipe.steps_per_epoch(len(train))

    def make(step: int) -> tuple[Batch, bool]:
        epoch, position = divmod(step, length)
        first = position * recipe.batch_size
        indices = epoch_order(recipe.seed, epoch, len(train))[first : first + recipe.batch_size]
        counts = rank < len(indices)
        share = slice(rank, None, processes) if counts else slice(0, 1)
        batch = examples(train, indices, mixed_seed(recipe.seed, step), share).to(device)
        if recipe.channels_last and batch.x.ndim == 4:
            batch = batch.with_memory(torch.channels_last)
        return batch, counts

    if recipe.workers == 0:
        yield from map(make, steps)
        return
    # Threads: decoding and arithmetic let go of Python's lock, and nothing has to be copied.
    with ThreadPoolExecutor(recipe.workers, "feed") as pool:
        ahead = iter(steps)
        waiting = deque(pool.submit(make, step) for step in islice(ahead, 2 * recipe.workers))
        try:
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(pool.submit(make, step) for step in islice(ahead, 1))
                yield batch
        finally:
            for future in waiting:
                future.cancel()
