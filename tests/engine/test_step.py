"""One step of the optimiser, held against what the definitions give."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from indexnet_edu.engine import Batch, Mean, Pretrained, Recipe, Task, train
from indexnet_edu.engine.checkpoint import load_weights
from indexnet_edu.engine.device import accelerator
from indexnet_edu.engine.fit import Trainer, evaluate
from indexnet_edu.engine.plan import Plan
from indexnet_edu.errors import UserError
from tests.engine.test_train import stop_at
from tests.engine.toy import built_by, plain_model

Groups = Sequence[tuple[list[nn.Parameter], float]]


@pytest.fixture
def plain(toy: Task) -> Task:
    """Without dropout, and with a loss whose gradients are easily had."""

    def loss(output: torch.Tensor, batch: Batch) -> Mean:
        return Mean.over((output - batch.target).square())

    return dataclasses.replace(built_by(toy, plain_model), loss=loss)


def trainer_of(task: Task, **overrides: Any) -> tuple[Trainer, nn.Module]:
    plan = Plan.of(task, "plain", "smoke", overrides=overrides)
    model = plan.build(torch.device("cpu"))
    return Trainer(model, plan, accelerator()), model


def batch(number: int = 0) -> Batch:
    x = torch.randn(10, 8, generator=torch.Generator().manual_seed(number))
    return Batch(x, 2 * x)


def gradients(model: nn.Module, at: Batch) -> list[torch.Tensor]:
    loss = (model(at.x) - at.target).square().mean()
    return [g.clone() for g in torch.autograd.grad(loss, list(model.parameters()))]


def values(model: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def test_sgd_has_momentum_and_weight_decay(plain: Task) -> None:
    trainer, model = trainer_of(plain, optimizer="sgd", momentum=0.7, weight_decay=0.1)
    velocity = [torch.zeros_like(p) for p in model.parameters()]
    for number, lr in enumerate((0.05, 0.02, 0.01)):
        before, found = values(model), gradients(model, batch(number))
        trainer.step(batch(number), lr)
        for p, old, g, v in zip(model.parameters(), before, found, velocity, strict=True):
            v.mul_(0.7).add_(g + 0.1 * old)
            torch.testing.assert_close(p.detach(), old - lr * v)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_and_its_weight_decay(plain: Task, decay: float) -> None:
    """Its first step is lr times the sign of the gradient, the penalty's among it."""
    trainer, model = trainer_of(plain, weight_decay=decay)
    before, found = values(model), gradients(model, batch())
    trainer.step(batch(), 0.01)
    for p, old, g in zip(model.parameters(), before, found, strict=True):
        whole = g + decay * old
        clear = whole.abs() > 1e-4
        torch.testing.assert_close((old - p.detach())[clear], 0.01 * whole.sign()[clear])


@pytest.mark.parametrize("limit", [1e-3, 1e3, None])
def test_gradients_are_clipped_to_their_norm_over_all_parameters(
    plain: Task, limit: float | None
) -> None:
    trainer, model = trainer_of(plain, optimizer="sgd", momentum=0.0, max_grad_norm=limit)
    before, found = values(model), gradients(model, batch())
    norm = float(torch.cat([g.flatten() for g in found]).norm())
    trainer.step(batch(), 1.0)
    moved = torch.cat([(p - old).flatten() for p, old in zip(values(model), before, strict=True)])
    assert float(moved.norm()) == pytest.approx(min(norm, limit or norm), rel=1e-4)
    assert 1e-3 < norm < 1e3


def grouped(task: Task, factor: float = 0.1) -> Task:
    """The first layer learns at another rate than the second."""

    def groups(model: nn.Module, recipe: Recipe) -> Groups:
        return [(list(model[0].parameters()), factor), (list(model[2].parameters()), 1.0)]  # type: ignore[index]

    networks = {
        name: dataclasses.replace(each, groups=groups) for name, each in task.networks.items()
    }
    return dataclasses.replace(task, networks=networks)


def test_a_groups_learning_rate_has_its_factor_in_every_step(plain: Task) -> None:
    trainer, model = trainer_of(grouped(plain), optimizer="sgd", momentum=0.0)
    for number, lr in enumerate((0.1, 0.01)):  # the second one after a drop
        before, found = values(model), gradients(model, batch(number))
        trainer.step(batch(number), lr)
        factors = (0.1, 0.1, 1.0, 1.0)
        for p, old, g, factor in zip(model.parameters(), before, found, factors, strict=True):
            torch.testing.assert_close(p.detach(), old - lr * factor * g)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_groups_are_resumed_bit_for_bit(plain: Task, tmp_path: Path, optimizer: str) -> None:
    task = grouped(plain)
    how: dict[str, Any] = {
        "overrides": {"optimizer": optimizer, "weight_decay": 1e-3}, "progress": False,
    }  # fmt: skip
    whole = train(task, "plain", "smoke", tmp_path / "whole", **how)
    with pytest.raises(KeyboardInterrupt):
        train(stop_at(task, 7), "plain", "smoke", tmp_path / "run", **how)
    resumed = train(task, "plain", "smoke", tmp_path / "run", resume=True, **how)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    other = train(grouped(plain, 0.5), "plain", "smoke", tmp_path / "other", **how)
    assert other.weights.read_bytes() != whole.weights.read_bytes()


def test_poly_falls_to_almost_nothing(plain: Task, tmp_path: Path) -> None:
    recipe = Recipe(lr=0.5, schedule="poly")
    assert [recipe.lr_at(step, 100) for step in (0, 50, 99)] == pytest.approx(
        [0.5, 0.5 * 0.5**0.9, 0.5 * 0.01**0.9]
    )
    how: dict[str, Any] = {"overrides": {"schedule": "poly"}, "progress": False}
    run = train(plain, "plain", "smoke", tmp_path, **how)
    assert [point["lr"] for point in run.curve] == pytest.approx(
        [0.01 * (1 - step / 12) ** 0.9 for step in range(12)]
    )


class Beginning:
    """Weights from elsewhere: all 0.01; counts how often they are put in."""

    def __init__(self) -> None:
        self.loaded = 0

    def load(self, model: nn.Module) -> None:
        self.loaded += 1
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(0.01)

    def of(self, task: Task) -> Task:
        begun = Pretrained("somewhere", "f" * 64, self.load)
        networks = {
            name: dataclasses.replace(each, pretrained=lambda recipe: begun)
            for name, each in task.networks.items()
        }
        return dataclasses.replace(task, networks=networks)


def test_pretrained_weights_are_loaded_once_and_not_on_resume(plain: Task, tmp_path: Path) -> None:
    beginning = Beginning()
    task = beginning.of(plain)
    still = {"overrides": {"lr": 1e-30, "checkpoint_every": 1}, "progress": False}
    run = train(task, "plain", "smoke", tmp_path / "still", **still)  # type: ignore[arg-type]
    assert beginning.loaded == 1
    assert all((w == 0.01).all() for w in load_weights(run.weights).values())
    assert run.config["pretrained"] == {"name": "somewhere", "checksum": "f" * 64}
    whole = train(task, "plain", "smoke", tmp_path / "whole", progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(stop_at(task, 7), "plain", "smoke", tmp_path / "run", progress=False)
    assert beginning.loaded == 3
    resumed = train(task, "plain", "smoke", tmp_path / "run", resume=True, progress=False)
    assert beginning.loaded == 3
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()


def test_pretrained_weights_come_back_where_no_checkpoint_is_whole(
    plain: Task, tmp_path: Path
) -> None:
    task = Beginning().of(plain)
    whole = train(task, "plain", "smoke", tmp_path / "whole", progress=False)
    with pytest.raises(KeyboardInterrupt):
        train(stop_at(task, 7), "plain", "smoke", tmp_path / "run", progress=False)
    for file in (tmp_path / "run").rglob("manifest.json"):
        file.write_text("{}")
    resumed = train(task, "plain", "smoke", tmp_path / "run", resume=True, progress=False)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()


def test_metrics_that_are_no_numbers_end_in_a_line(plain: Task, tmp_path: Path) -> None:
    class Infinite:
        def update(self, *_: object) -> None: ...

        def compute(self) -> dict[str, float]:
            return {"psnr": float("inf"), "mae": 0.0}

    task = dataclasses.replace(plain, metrics=Infinite)
    with pytest.raises(UserError, match="^psnr of the test images: no finite number"):
        train(task, "plain", "smoke", tmp_path / "run", progress=False)
    assert not (tmp_path / "run/metrics.json").exists()


def test_groups_that_forget_a_parameter_are_refused(plain: Task, tmp_path: Path) -> None:
    networks = {
        name: dataclasses.replace(each, groups=lambda model, recipe: [([model[0].weight], 1.0)])
        for name, each in plain.networks.items()
    }
    task = dataclasses.replace(plain, networks=networks)
    with pytest.raises(ValueError, match=r"no group has 0\.bias, 2\.weight, 2\.bias"):
        train(task, "plain", "smoke", tmp_path, progress=False)


def test_a_headline_that_was_not_measured_is_named(plain: Task) -> None:
    with pytest.raises(ValueError, match="toy has no mae among psnr"):
        plain.main_figure({"psnr": 3.0})


def test_a_failing_measurement_leaves_every_layer_in_its_mode(plain: Task) -> None:
    def fail(model: nn.Module, batch: Batch) -> torch.Tensor:
        raise RuntimeError("no")

    task = dataclasses.replace(plain, infer=fail)
    plan = Plan.of(task, "plain", "smoke")
    model = plan.build(torch.device("cpu")).train()
    model[0].eval()
    with pytest.raises(RuntimeError, match="no"):
        evaluate(model, task, task.load_data(plan.recipe).test, plan.recipe, accelerator())
    assert model.training and model[1].training and not model[0].training
