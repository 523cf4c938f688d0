"""Blocks that imitate a rule: rules, measures, what a linear block can and cannot do."""

import pytest
import torch
from torch.nn import functional as F

from indexnet_edu.indexing import columns_to_map, create_index_block, indexed_pool2d, max_index_map
from indexnet_edu.lessons.imitation import RULES, agreement, imitate, variance_explained, winners


def linear_block(sharpness: float) -> torch.nn.Module:
    block = create_index_block(1, "o2o_shared_stagewise", "linear")
    block.layers[0].weight.data = sharpness * torch.eye(4).reshape(4, 1, 2, 2)
    return block


def test_the_maximum_is_max_pooling():
    x = torch.randn(2, 3, 8, 8)
    index = columns_to_map(winners(x, "maximum"))
    assert torch.equal(index, max_index_map(x))
    assert torch.equal(indexed_pool2d(x, index), F.max_pool2d(x, 2))


@pytest.mark.parametrize("rule", RULES)
def test_one_winner_a_region(rule):
    assert torch.equal(winners(torch.randn(2, 3, 8, 6), rule).sum(1), torch.ones(2, 3, 4, 3))


def test_a_linear_block_ranks_maxima_and_half_of_the_magnitudes():
    x = torch.randn(4, 1, 32, 32)
    symmetric = torch.cat([x, -x])
    assert agreement(linear_block(1), symmetric, "maximum").item() == 1
    assert agreement(linear_block(1), symmetric, "largest magnitude").item() == 0.5
    anything = create_index_block(1, "o2o_shared_stagewise", "linear")
    assert agreement(anything, symmetric, "largest magnitude").item() <= 0.5


def test_variance_explained():
    quarter = torch.tensor([(1 / 4 * 3 / 4) ** 0.5, 0.0])  # RMSE of ¼ everywhere, and of the index
    assert torch.allclose(variance_explained(quarter), torch.tensor([0.0, 1.0]))


def test_trainings_are_reproducible_and_leave_the_world_alone():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    first, again = (imitate("maximum", "nonlinear", steps=3, trainings=2, seed=4) for _ in range(2))
    assert torch.equal(first.agreement, again.agreement) and first.curve == again.curve
    other = imitate("maximum", "nonlinear", steps=3, trainings=2, seed=5)
    assert first.curve != other.curve
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_what_the_notebook_says_of_linear_blocks():
    """Few steps, so loose bounds: a linear block learns to rank, and not the values."""
    ranked = imitate("maximum", "linear", steps=100, trainings=4)
    assert ranked.agreement.min() > 0.8
    own = imitate("maximum", "linear", "sigmoid+softmax", steps=100, trainings=4)
    assert own.error.min() > 2 * ranked.error.max()
    bare = imitate("maximum", "linear", None, steps=100, trainings=4)
    assert variance_explained(bare.error).max() < 0.3
    magnitude = imitate("largest magnitude", "linear", steps=100, trainings=4)
    assert magnitude.agreement.max() < 0.52
