"""Measured time and memory of a forward pass."""

import time

import pytest
import torch
from torch import Tensor, nn

from indexnet_edu.complexity import measure


class Chain(nn.Module):
    """A map of 4 MB, then so many more that take its place or join it."""

    def __init__(self, keep: bool, length: int) -> None:
        super().__init__()
        self.keep, self.length = keep, length

    def forward(self, x: Tensor) -> Tensor:
        kept = [x + 1]
        for _ in range(self.length):
            kept = [*(kept if self.keep else []), kept[-1] * 2]
        return kept[-1]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_memory_is_what_is_alive_at_once(length: int) -> None:
    x = torch.zeros(2**20)  # 4 MiB
    scalars = 64  # the 1 and the 2 are tensors, too
    for keep, maps in ((True, length + 1), (False, 2)):  # the old one is there until it is replaced
        peak = measure(Chain(keep, length), x, 1).peak_bytes
        assert 0 <= peak - maps * x.nbytes <= scalars
    assert measure(nn.Identity(), x, 1).peak_bytes == 0


def test_time_is_a_pass_and_no_gradient_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    class Sleeper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.calls = nn.Linear(2, 2), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            time.sleep(0.5 if self.calls == 1 else 0.02)
            y = self.layer(x)
            assert not y.requires_grad
            return y

    model = Sleeper()
    assert 0.02 <= measure(model, torch.zeros(1, 2), repeats=3).seconds < 0.5
    assert model.calls == 4
    assert capfd.readouterr() == ("", "")
