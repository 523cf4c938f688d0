"""Batches and means: shares are parts, what does not count does not weigh."""

import pytest
import torch

from indexnet_edu.engine import ALL, Batch, Mean


def batch() -> Batch:
    x = torch.arange(20.0).view(5, 4)
    return Batch(x, -x, x > 3, {"weight": 2 * x})


@pytest.mark.parametrize("share", [slice(1, None, 2), slice(0, 1), slice(5, None, 2), ALL])
def test_a_share_is_a_part_of_every_tensor(share: slice) -> None:
    whole, part = batch(), batch()[share]
    assert len(part) == len(whole.x[share])
    for name in ("x", "target", "valid"):
        assert torch.equal(getattr(part, name), getattr(whole, name)[share])
    assert torch.equal(part.more["weight"], whole.more["weight"][share])


def test_without_a_mask_there_is_none_in_a_share() -> None:
    plain = Batch(torch.ones(3, 1), torch.ones(3, 1))[slice(0, 2)]
    assert plain.valid is None and plain.more == {} and len(plain) == 2


def test_a_batch_moves_whole_and_keeps_its_values_in_another_layout() -> None:
    moved = batch().to(torch.device("meta"))
    assert {t.device.type for t in (moved.x, moved.target, moved.valid, moved.more["weight"])} == {
        "meta"
    }
    x = torch.randn(2, 3, 4, 5)
    other = Batch(x, x).with_memory(torch.channels_last)
    assert torch.equal(other.x, x) and other.x.is_contiguous(memory_format=torch.channels_last)


def test_a_mean_knows_what_counts() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, float("inf")]])
    assert Mean.over(values[:1]).value == 1.5
    masked = Mean.over(values, torch.tensor([[True, False], [True, False]]))
    assert (masked.total, masked.count, masked.value) == (4, 2, 2)
    per_row = Mean.over(values, torch.tensor([[True], [False]]))  # broadcast, and counted so
    assert (per_row.total, per_row.count) == (3, 2)
    nothing = Mean.over(values, torch.zeros(2, 2, dtype=torch.bool))
    assert nothing.value == 0 and Mean(torch.tensor(0.0), 0).value == 0


def test_means_of_shares_add_up_by_what_counts() -> None:
    generator = torch.Generator().manual_seed(0)
    values, valid = torch.rand(8, generator=generator), torch.arange(8) < 3
    parts = [Mean.over(values[k::2], valid[k::2]) for k in (0, 1)]
    total, count = sum(p.total for p in parts), sum(p.count for p in parts)
    assert float(total / count) == pytest.approx(float(Mean.over(values, valid).value))
    assert float(sum(p.value for p in parts) / 2) != pytest.approx(float(total / count))
