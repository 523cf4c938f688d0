"""The loss by hand, at the truth, on known pixels, and in shares."""

import pytest
import torch
from torch import Tensor

from indexnet_edu.tasks.matting.loss import matting_loss


@pytest.fixture
def case() -> dict[str, Tensor]:
    torch.manual_seed(0)
    alpha = torch.rand(3, 1, 6, 5)
    foreground, background = torch.rand(2, 3, 3, 6, 5)
    return {
        "alpha": alpha,
        "unknown": torch.rand(3, 1, 6, 5) < 0.4,
        "image": alpha * foreground + (1 - alpha) * background,
        "foreground": foreground,
        "background": background,
    }


def test_by_hand() -> None:
    one = torch.ones(1, 1, 1, 2)
    total, count = matting_loss(
        pred=one * 0.75,
        alpha=one * 0.25,
        unknown=torch.tensor([[[[True, False]]]]),
        image=torch.full((1, 3, 1, 2), 0.25),
        foreground=torch.ones(1, 3, 1, 2),
        background=torch.zeros(1, 3, 1, 2),
    )
    assert count == 1 and float(total) == pytest.approx(0.5 * 0.5 + 0.5 * 3 * 0.5)


def test_the_truth_costs_two_millionths_a_pixel(case: dict[str, Tensor]) -> None:
    total, count = matting_loss(case["alpha"], **case)
    assert float(total / count) == pytest.approx(2e-6, rel=0.05)
    assert int(count) == int(case["unknown"].sum())


def test_known_pixels_neither_cost_nor_push(case: dict[str, Tensor]) -> None:
    pred = torch.rand(3, 1, 6, 5, requires_grad=True)
    first = matting_loss(pred, **case)
    first[0].backward()
    assert pred.grad is not None and pred.grad.isfinite().all()
    assert not pred.grad[~case["unknown"]].any() and pred.grad[case["unknown"]].all()
    known = ~case["unknown"]
    other = torch.where(known, torch.rand_like(pred), pred)
    image = torch.where(known, torch.rand_like(case["image"]), case["image"])
    torch.testing.assert_close(matting_loss(other, **case | {"image": image}), first)


def test_it_pulls_towards_the_truth(case: dict[str, Tensor]) -> None:
    losses = [float(matting_loss(case["alpha"] + d, **case)[0]) for d in (0.0, 0.1, -0.3, 0.5)]
    assert losses == sorted(losses)


def test_shares_of_a_batch_add_up(case: dict[str, Tensor]) -> None:
    pred = torch.rand(3, 1, 6, 5)
    whole = matting_loss(pred, **case)
    shares = [
        matting_loss(pred[part], **{name: value[part] for name, value in case.items()})
        for part in (slice(0, 1), slice(1, 3))
    ]
    for share, one in zip(zip(*shares, strict=True), whole, strict=True):
        torch.testing.assert_close(sum(share), one)


def test_nothing_unknown_is_nothing(case: dict[str, Tensor]) -> None:
    none = torch.zeros_like(case["unknown"])
    assert matting_loss(torch.rand(3, 1, 6, 5), **case | {"unknown": none}) == (0, 0)


def test_half_precision_predictions_have_finite_gradients(case: dict[str, Tensor]) -> None:
    pred = case["alpha"].bfloat16().requires_grad_()
    total, _ = matting_loss(pred, **case)
    total.backward()
    assert total.dtype == torch.float32 and pred.grad is not None and pred.grad.isfinite().all()
