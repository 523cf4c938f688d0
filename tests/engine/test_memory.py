"""What does not fit into the memory is one line, before or after it has been tried."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from indexnet_edu.engine import Batch, Mean, Task, estimate, train
from indexnet_edu.engine.memory import TRAINED, memory_of, require_memory, within_memory
from indexnet_edu.errors import UserError

CPU = torch.device("cpu")


@pytest.mark.parametrize("allocate", [torch.empty, np.empty])
def test_what_a_cpu_cannot_allocate(allocate, toy: Task, tmp_path: Path) -> None:
    """PyTorch raises a RuntimeError there, which is no OutOfMemoryError."""

    def loss(output: torch.Tensor, batch: Batch) -> Mean:
        return Mean.over(allocate(10**15))

    broken = dataclasses.replace(toy, loss=loss)
    with pytest.raises(UserError, match="10 examples does not fit.*smaller batch_size"):
        train(broken, "plain", "smoke", tmp_path, progress=False)
    with pytest.raises(UserError, match="10 examples does not fit.*smaller batch_size"):
        estimate(broken, "plain", "smoke", tmp_path)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), within_memory("it", "none"):
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    with pytest.raises(TypeError, match="argument"):
        require_memory(lambda: nn.Linear(2), CPU, 1)  # type: ignore[call-arg]


def test_weights_are_counted_as_often_as_they_are_held() -> None:
    free = memory_of(CPU)[1]
    side = int((free / 4 / 2) ** 0.5)  # half of what is free
    torch.manual_seed(0)
    require_memory(lambda: nn.Linear(side, side), CPU, 1)
    with pytest.raises(UserError, match="does not fit.*smaller one"):
        require_memory(lambda: nn.Linear(side, side), CPU, TRAINED)
    assert torch.initial_seed() == 0 and torch.rand(1) == torch.rand(
        1, generator=torch.Generator().manual_seed(0)
    )
