"""Max pooling and unpooling are PyTorch's; the holistic max index marks one place a region."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from indexnet_edu.resampling import create_resampler

small = st.integers(1, 3)


@settings(max_examples=25, deadline=None)
@given(n=small, c=small, h=small, w=small, seed=st.integers(0, 2**31 - 1))
def test_max_pooling_and_unpooling_are_pytorchs(n, c, h, w, seed):
    torch.manual_seed(seed)
    resampler = create_resampler("maxpool_maxunpool")
    down, up = resampler.downsampling([c]), resampler.upsampling(c, c)
    x, d = torch.randn(n, c, 2 * h, 2 * w) - 3, torch.randn(n, c, h, w)  # all-negative regions too
    y, positions = down(x)
    expected, expected_positions = nn.MaxPool2d(2, return_indices=True)(x)
    assert torch.equal(y, expected) and torch.equal(positions, expected_positions)
    assert torch.equal(up(d, positions), nn.MaxUnpool2d(2)(d, positions))


def test_max_unpooling_at_odd_sizes_puts_values_where_the_maxima_were():
    """Flat positions count in the padded width: they must not be read in the odd one."""
    torch.manual_seed(0)
    resampler = create_resampler("maxpool_maxunpool")
    down, up = resampler.downsampling([2]), resampler.upsampling(2, 2)
    x = torch.rand(1, 2, 6, 6) + torch.eye(6) * 2  # maxima on the diagonal, away from the padding
    x = x[..., :5, :5]
    y, positions = down(x)
    x_hat = up(y, positions, output_size=(5, 5))
    kept = x_hat != 0
    assert torch.equal(x_hat[kept], x[kept])
    assert kept[0, 0].diagonal().any() and x_hat.shape == x.shape


def test_a_guide_from_another_size_is_refused():
    resampler = create_resampler("maxpool_maxunpool")
    down, up = resampler.downsampling([2]), resampler.upsampling(2, 2)
    _, guide = down(torch.randn(1, 2, 8, 8))
    with pytest.raises(ValueError, match=r"guide \(1, 2, 4, 4\) does not fit features"):
        up(torch.randn(1, 2, 3, 3), guide)
    with pytest.raises(ValueError, match="needs the guide that max pooling returned"):
        up(torch.randn(1, 2, 3, 3))


@settings(max_examples=25, deadline=None)
@given(n=small, c=small, h=small, w=small, seed=st.integers(0, 2**31 - 1))
def test_hmi_takes_every_channel_where_their_common_maximum_is(n, c, h, w, seed):
    torch.manual_seed(seed)
    # Few distinct values, so that ties are the rule.
    x = torch.randint(-2, 2, (n, c, 2 * h, 2 * w)).double()
    y, guide = create_resampler("hmi").downsampling([c])(x)
    assert guide.encoder is guide.decoder and guide.encoder.shape == (n, 1, 2 * h, 2 * w)
    assert set(guide.encoder.unique().tolist()) <= {0.0, 1.0}
    for b in range(n):
        for i in range(h):
            for j in range(w):
                region = x[b, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten(1)  # (C, 4)
                place = region.amax(0).tolist().index(region.max().item())  # the first in a tie
                marks = guide.encoder[b, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten()
                assert marks.tolist() == F.one_hot(torch.tensor(place), 4).tolist()
                assert torch.equal(y[b, :, i, j], region[:, place])


def test_hmi_passes_gradients_at_the_marked_places_only():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 4, requires_grad=True)
    y, guide = create_resampler("hmi").downsampling([3])(x)
    y.sum().backward()
    assert torch.equal(x.grad, guide.encoder.expand_as(x))


@settings(max_examples=25, deadline=None)
@given(n=small, c=small, h=small, w=small, seed=st.integers(0, 2**31 - 1))
def test_deterministic_max_unpooling_is_the_same_function(n, c, h, w, seed):
    """PyTorch refuses its own operator in this mode."""
    torch.manual_seed(seed)
    x = torch.randn(n, c, 2 * h, 2 * w, dtype=torch.float64)
    values, positions = F.max_pool2d(x, 2, return_indices=True)
    values.requires_grad_()
    weight = torch.randn_like(x)
    expected = nn.MaxUnpool2d(2)(values, positions)
    (expected_grad,) = torch.autograd.grad((expected * weight).sum(), values)
    torch.use_deterministic_algorithms(True)
    try:
        found = create_resampler("maxpool_maxunpool").upsampling(c, c)(values, positions)
        (found_grad,) = torch.autograd.grad((found * weight).sum(), values)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(found, expected) and torch.equal(found_grad, expected_grad)
