"""Where chance comes from, so that a resumed run draws what an undisturbed one would have drawn.

Nothing random depends on the past: the order of an epoch comes from (seed, epoch), the noise of a
step from (seed, step). What modules draw themselves (dropout) comes from PyTorch's global
generators, whose state is part of a checkpoint.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

__all__ = ["epoch_order", "mixed_seed", "random_state", "set_random_state"]


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers; PyTorch's CPU generator looks at its lowest 32 bits only."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@lru_cache(maxsize=2)  # asked for at every step, of this epoch or the next
def epoch_order(seed: int, epoch: int, examples: int) -> Tensor:
    """The order of an epoch: a permutation that depends on seed and epoch alone. Not to be
    written into."""
    generator = torch.Generator().manual_seed(mixed_seed(seed, epoch))
    return torch.randperm(examples, generator=generator)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of this process's global generators."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Puts the generators back where :func:`random_state` found them."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
