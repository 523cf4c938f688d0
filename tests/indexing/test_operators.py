"""Indexed pooling and upsampling against plain loops and against the operators they contain."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from indexnet_edu.indexing import (
    NORMALISATIONS,
    IndexGuide,
    columns_to_map,
    indexed_pool2d,
    indexed_upsample2d,
    map_to_columns,
    normalise_index,
)

LOWEST, HIGHEST = 1 / (1 + 3 * math.e), math.e / (math.e + 3)
seeds = st.integers(0, 2**31 - 1)
small = st.integers(1, 3)
quick = settings(max_examples=25, deadline=None)


def random(*shape: int, seed: int, spread: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(*shape, generator=generator, dtype=torch.float64)


# --- layouts -------------------------------------------------------------------------------------


@quick
@given(n=small, g=small, h=small, w=small, seed=seeds)
def test_columns_to_map_is_channel_major_pixel_shuffle(n, g, h, w, seed):
    columns = random(n, 4, g, h, w, seed=seed)
    stacked = torch.stack(columns.unbind(1), dim=2).reshape(n, 4 * g, h, w)
    assert torch.equal(columns_to_map(columns), F.pixel_shuffle(stacked, 2))
    assert torch.equal(map_to_columns(columns_to_map(columns)), columns)


@quick
@given(n=small, g=small, h=small, w=small, seed=seeds)
def test_map_to_columns_takes_corners_in_order(n, g, h, w, seed):
    index_map = random(n, g, 2 * h, 2 * w, seed=seed)
    columns = map_to_columns(index_map)
    for position, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        assert torch.equal(columns[:, position], index_map[..., row::2, column::2])
    assert torch.equal(columns_to_map(columns), index_map)


@pytest.mark.parametrize("shape", [(1, 3, 1, 2, 2), (1, 4, 2, 2), (4, 1, 2, 2, 2, 1)])
def test_columns_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"columns must be \(N, 4, G, h, w\)"):
        columns_to_map(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 1, 3, 2), (1, 1, 2, 3), (1, 2, 2)])
def test_a_map_of_odd_size_is_refused(shape):
    with pytest.raises(ValueError, match="an index map must be"):
        map_to_columns(torch.zeros(shape))


# --- pooling and upsampling ----------------------------------------------------------------------


def loop_pool(x: Tensor, index: Tensor, k: int) -> Tensor:
    n, channels, height, width = x.shape
    y = torch.zeros(n, channels, height // k, width // k, dtype=x.dtype)
    for b in range(n):
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    weight = index[b, c if index.shape[1] > 1 else 0, i, j]
                    y[b, c, i // k, j // k] += weight * x[b, c, i, j]
    return y


def loop_upsample(d: Tensor, index: Tensor, k: int) -> Tensor:
    n, channels, height, width = d.shape
    y = torch.zeros(n, channels, k * height, k * width, dtype=d.dtype)
    for b in range(n):
        for c in range(channels):
            for i in range(k * height):
                for j in range(k * width):
                    weight = index[b, c if index.shape[1] > 1 else 0, i, j]
                    y[b, c, i, j] = weight * d[b, c, i // k, j // k]
    return y


@quick
@given(n=small, c=small, h=small, w=small, k=st.integers(1, 3), holistic=st.booleans(), seed=seeds)
def test_both_operators_equal_the_loops(n, c, h, w, k, holistic, seed):
    index = random(n, 1 if holistic else c, k * h, k * w, seed=seed)
    x = random(n, c, k * h, k * w, seed=seed + 1)
    d = random(n, c, h, w, seed=seed + 2)
    torch.testing.assert_close(
        indexed_pool2d(x, index, k), loop_pool(x, index, k), rtol=0, atol=1e-12
    )
    assert torch.equal(indexed_upsample2d(d, index, k), loop_upsample(d, index, k))


@quick
@given(n=small, c=small, h=small, w=small, seed=seeds)
def test_the_index_of_the_maxima_gives_max_pooling_and_unpooling(n, c, h, w, seed):
    x, d = random(n, c, 2 * h, 2 * w, seed=seed), random(n, c, h, w, seed=seed + 1)
    maxima, positions = F.max_pool2d(x, 2, return_indices=True)
    one_hot = F.max_unpool2d(torch.ones_like(maxima), positions, [2, 2])
    assert torch.equal(indexed_pool2d(x, one_hot), maxima)
    assert torch.equal(indexed_upsample2d(d, one_hot), F.max_unpool2d(d, positions, [2, 2]))


@quick
@given(n=small, c=small, h=small, w=small, seed=seeds)
def test_equal_indices_give_average_pooling_and_nearest_interpolation(n, c, h, w, seed):
    x, d = random(n, c, 2 * h, 2 * w, seed=seed), random(n, c, h, w, seed=seed + 1)
    ones = torch.ones(n, 1, 2 * h, 2 * w, dtype=torch.float64)
    torch.testing.assert_close(indexed_pool2d(x, ones / 4), F.avg_pool2d(x, 2), rtol=0, atol=1e-12)
    nearest = F.interpolate(d, scale_factor=2, mode="nearest")
    assert torch.equal(indexed_upsample2d(d, ones), nearest)


@pytest.mark.parametrize("groups", [1, 3])
def test_gradients(groups):
    x, d = random(2, 3, 4, 4, seed=0), random(2, 3, 2, 2, seed=1)
    index = random(2, groups, 4, 4, seed=2)
    for tensor in (x, d, index):
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(indexed_pool2d, (x, index))
    assert torch.autograd.gradcheck(indexed_upsample2d, (d, index))


@pytest.mark.parametrize(
    "x, index",
    [
        ((1, 2, 5, 4), (1, 2, 5, 4)),  # odd
        ((2, 4, 4), (2, 4, 4)),  # no batch
    ],
)
def test_pooling_refuses_what_it_cannot_halve(x, index):
    with pytest.raises(ValueError, match="H and W divisible by 2"):
        indexed_pool2d(torch.zeros(x), torch.zeros(index))


@pytest.mark.parametrize(
    "index",
    [
        (1, 3, 4, 4),  # neither 1 nor C wide
        (1, 2, 2, 2),  # the pooled size
        (2, 2, 4, 4),  # another batch
        (2, 4, 4),
    ],
)
def test_an_index_that_does_not_fit_is_refused(index):
    with pytest.raises(ValueError, match=r"encoder index must be \(1, 1 or 2, 4, 4\)"):
        indexed_pool2d(torch.zeros(1, 2, 4, 4), torch.zeros(index))
    with pytest.raises(ValueError, match=r"decoder index must be \(1, 1 or 2, 4, 4\)"):
        indexed_upsample2d(torch.zeros(1, 2, 2, 2), torch.zeros(index))


def test_features_without_a_batch_are_refused():
    with pytest.raises(ValueError, match=r"features must be \(N, C, h, w\)"):
        indexed_upsample2d(torch.zeros(2, 2, 2), torch.zeros(1, 1, 4, 4))


def test_one_channel_is_not_broadcast_to_a_depthwise_index():
    with pytest.raises(ValueError, match="1 or 1"):
        indexed_upsample2d(torch.zeros(1, 1, 2, 2), torch.zeros(1, 8, 4, 4))


# --- normalisations (Table 6) --------------------------------------------------------------------


def sigmoid(values: list[float]) -> list[float]:
    return [1 / (1 + math.exp(-value)) for value in values]


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def same(values: list[float]) -> list[float]:
    return values


#: Table 6, read literally: what the encoder's and the decoder's logits of one region go through.
#: The temperature divides what enters a softmax.
TABLE_6 = {
    "sigmoid": ((sigmoid,), (sigmoid,)),
    "softmax": ((softmax,), (softmax,)),
    "softmax+sigmoid": ((softmax, sigmoid), (softmax,)),
    "sigmoid+softmax": ((sigmoid, softmax), (sigmoid,)),
}


def test_all_rows_of_table_6_are_there():
    assert list(NORMALISATIONS) == list(TABLE_6)


@pytest.mark.parametrize("name", TABLE_6)
@settings(max_examples=10, deadline=None)
@given(n=small, g=small, h=small, w=small, seed=seeds, t=st.sampled_from([0.4, 1.0, 2.5]))
def test_normalisations_equal_their_definition_region_by_region(name, n, g, h, w, seed, t):
    logits = random(n, 4, g, h, w, seed=seed, spread=3)
    guide = normalise_index(logits, name, t)
    assert isinstance(guide, IndexGuide)
    for index_map, steps in zip(guide, TABLE_6[name], strict=True):
        for b in range(n):
            for c in range(g):
                for i in range(h):
                    for j in range(w):
                        expected = logits[b, :, c, i, j].tolist()
                        for step in steps:
                            if step is softmax:
                                expected = [value / t for value in expected]
                            expected = step(expected)
                        region = index_map[b, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                        assert region.flatten().tolist() == pytest.approx(expected, abs=1e-14)


@quick
@given(seed=seeds, spread=st.sampled_from([0.1, 1.0, 10.0, 1e3]))
def test_the_papers_encoder_index_sums_to_one_within_its_bounds(seed, spread):
    encoder, decoder = normalise_index(random(2, 4, 3, 2, 2, seed=seed, spread=spread))
    region_sums = F.avg_pool2d(encoder, 2) * 4
    torch.testing.assert_close(region_sums, torch.ones_like(region_sums), rtol=0, atol=1e-14)
    assert encoder.min() >= LOWEST - 1e-15 and encoder.max() <= HIGHEST + 1e-15
    assert decoder.min() >= 0 and decoder.max() <= 1


def test_the_bounds_are_approached():
    peak = torch.tensor([50.0, -50, -50, -50], dtype=torch.float64).reshape(1, 4, 1, 1, 1)
    assert normalise_index(peak).encoder.max().item() == pytest.approx(HIGHEST, abs=1e-12)
    assert normalise_index(-peak).encoder.min().item() == pytest.approx(LOWEST, abs=1e-12)
    assert (round(LOWEST, 3), round(HIGHEST, 3)) == (0.109, 0.475)


def test_without_its_bounds_a_softmax_alone_is_almost_hard():
    peak = torch.tensor([50.0, -50, -50, -50], dtype=torch.float64).reshape(1, 4, 1, 1, 1)
    assert normalise_index(peak, "softmax").encoder.max().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_temperature_one_is_the_paper(name):
    logits = random(2, 4, 3, 2, 2, seed=0)
    for ours, default in zip(
        normalise_index(logits, name, temperature=1.0), normalise_index(logits, name), strict=True
    ):
        assert torch.equal(ours, default)


@quick
@given(seed=seeds)
def test_a_low_temperature_makes_the_encoder_one_hot_and_leaves_the_decoder(seed):
    logits = random(2, 4, 3, 2, 2, seed=seed)
    best, second = torch.sigmoid(logits).topk(2, dim=1).values.unbind(1)
    assume((best - second).min() > 3e-5)  # nearer ones share what is left: e^-30 at this distance
    cold = normalise_index(logits, temperature=1e-6)
    one_hot = F.one_hot(logits.argmax(1), 4).movedim(-1, 1).double()
    torch.testing.assert_close(map_to_columns(cold.encoder), one_hot, rtol=0, atol=1e-6)
    assert torch.equal(cold.decoder, normalise_index(logits).decoder)


def test_cold_indexed_pooling_is_max_pooling():
    x = random(2, 3, 4, 4, seed=0)
    cold = normalise_index(map_to_columns(x), temperature=1e-6)
    torch.testing.assert_close(indexed_pool2d(x, cold.encoder), F.max_pool2d(x, 2))


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_gradients_through_normalisation(name):
    logits = random(1, 4, 2, 2, 2, seed=0).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: tuple(normalise_index(t, name, 0.7)), (logits,))


def test_unknown_normalisation_lists_the_known():
    with pytest.raises(ValueError) as error:
        normalise_index(torch.zeros(1, 4, 1, 1, 1), "tanh")
    assert "'tanh'" in str(error.value) and all(name in str(error.value) for name in TABLE_6)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        normalise_index(torch.zeros(1, 4, 1, 1, 1), temperature=temperature)
