"""CARAFE against its definition, output pixel by output pixel."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from indexnet_edu.resampling import carafe as carafe_module
from indexnet_edu.resampling.carafe import Carafe
from tests.resampling.unfolded_carafe import unfolded_carafe


def reassemble(carafe: Carafe, d: Tensor) -> Tensor:
    """Each output pixel: its source's k×k neighbourhood, zero outside, weighted by its kernel."""
    k, reach = carafe.kernel_size, carafe.kernel_size // 2
    n, channels, height, width = d.shape
    logits = F.pixel_shuffle(carafe.encode(carafe.compress(d)), 2)  # (N, k², 2H, 2W)
    y = d.new_zeros(n, channels, 2 * height, 2 * width)
    for b in range(n):
        for i in range(2 * height):
            for j in range(2 * width):
                kernel = logits[b, :, i, j].exp() / logits[b, :, i, j].exp().sum()
                for tap in range(k * k):
                    row, column = i // 2 + tap // k - reach, j // 2 + tap % k - reach
                    if 0 <= row < height and 0 <= column < width:
                        y[b, :, i, j] += kernel[tap] * d[b, :, row, column]
    return y


@settings(max_examples=6, deadline=None)
@given(
    n=st.integers(1, 2),
    c=st.integers(1, 3),
    h=st.integers(1, 4),
    w=st.integers(1, 4),
    k=st.sampled_from([1, 3, 5]),
    seed=st.integers(0, 2**31 - 1),
)
def test_equals_the_loop(n, c, h, w, k, seed):
    torch.manual_seed(seed)
    carafe = Carafe(c, kernel_size=k, compressed_channels=4).double()
    d = torch.randn(n, c, h, w, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(carafe(d), reassemble(carafe, d), rtol=0, atol=1e-12)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("block", [1, 700, 10**6])
def test_blocks_equal_the_unfolding(block, layout, monkeypatch):
    """Values and gradients, whatever is cut: rows, images, nothing."""
    monkeypatch.setattr(carafe_module, "BLOCK", block)
    torch.manual_seed(0)
    carafe = Carafe(3, compressed_channels=4).double()
    unfolded = copy.deepcopy(carafe)
    x = torch.randn(3, 3, 5, 4, dtype=torch.float64)
    ours = x.clone(memory_format=layout).requires_grad_()
    theirs = x.clone().requires_grad_()
    y, wanted = carafe(ours), unfolded_carafe(unfolded, theirs)
    g = torch.randn_like(wanted)
    y.backward(g)
    wanted.backward(g)
    torch.testing.assert_close(y, wanted, rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)
    for mine, other in zip(carafe.parameters(), unfolded.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=0, atol=1e-10)


def test_kernels_sum_to_one():
    """Seen from outside: a constant stays constant, except where taps fall outside the map."""
    torch.manual_seed(0)
    carafe = Carafe(3).double()
    y = carafe(torch.full((1, 3, 8, 8), 2.0, dtype=torch.float64))
    inside = y[..., 4:12, 4:12]
    torch.testing.assert_close(inside, torch.full_like(inside, 2.0), rtol=0, atol=1e-12)
    assert (y[..., 0, 0] < 2).all()


def test_a_kernel_on_the_centre_is_nearest_interpolation():
    carafe = Carafe(3).double()
    nn.init.zeros_(carafe.encode.weight)
    with torch.no_grad():
        carafe.encode.bias.copy_(100.0 * (torch.arange(100) // 4 == 12))  # tap 12 of 25
    d = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(carafe(d), F.interpolate(d, scale_factor=2))


def test_gradcheck():
    torch.manual_seed(0)
    carafe = Carafe(2, kernel_size=3, compressed_channels=2).double()
    d = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(carafe, (d,))


@pytest.mark.parametrize("channels", [1, 32, 160])
def test_parameters_are_the_papers(channels):
    carafe = Carafe(channels)
    assert sum(p.numel() for p in carafe.parameters()) == 64 * channels + 64 + 57_700


def test_the_kernel_must_have_a_centre():
    for kernel_size in (0, 4):
        with pytest.raises(ValueError, match="must be odd"):
            Carafe(4, kernel_size=kernel_size)
