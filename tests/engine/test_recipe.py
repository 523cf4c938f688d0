import pytest

from indexnet_edu.engine import Recipe
from indexnet_edu.engine.recipe import override
from indexnet_edu.errors import UsageError


def test_the_papers_schedule_drops_at_50_70_85_of_100_epochs() -> None:
    recipe = Recipe(epochs=100, lr=0.01, lr_drops=(0.5, 0.7, 0.85))
    per_epoch, total = 600, 60_000
    rates = [recipe.lr_at(epoch * per_epoch, total) for epoch in range(100)]
    expected = [0.01] * 50 + [1e-3] * 20 + [1e-4] * 15 + [1e-5] * 15
    assert rates == pytest.approx(expected)
    assert recipe.lr_at(50 * per_epoch - 1, total) == 0.01


def test_override_reads_text_as_the_fields_type() -> None:
    changes = {
        "epochs": "7", "lr": "0.5", "lr_drops": "0.25,0.75", "train_images": "none",
        "channels_last": "true", "precision": "bfloat16", "max_grad_norm": "1.5",
    }  # fmt: skip
    recipe = override(Recipe(train_images=3), changes)
    assert recipe == Recipe(
        epochs=7, lr=0.5, lr_drops=(0.25, 0.75), train_images=None, channels_last=True,
        precision="bfloat16", max_grad_norm=1.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"epoch": "3"}, "choose from epochs, batch_size"),
        ({"epochs": "three"}, "epochs takes int, got 'three'"),
        ({"epochs": "0"}, "epochs must be at least 1"),
        ({"lr": "-1"}, "lr must be above 0"),
        ({"lr": "nan"}, "lr must be a finite number"),
        ({"lr": "inf"}, "lr must be a finite number"),
        ({"seed": str(2**64)}, "seed must be 0 to 2⁶³ - 1"),
        ({"seed": "-1"}, "seed must be 0 to 2⁶³ - 1"),
        ({"momentum": "1"}, "momentum must be from 0 to below 1"),
        ({"workers": "-1"}, "workers must not be negative"),
        ({"optimizer": "lion"}, "one of adam, sgd"),
        ({"lr_drops": "0.5,2"}, "between 0 and 1"),
        ({"precision": "float8"}, "one of float32, bfloat16"),
        ({"channels_last": "perhaps"}, "channels_last takes bool"),
    ],
)
def test_a_wrong_setting_is_one_line(changes: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        override(Recipe(), changes)
    assert says in str(caught.value) and "\n" not in str(caught.value)
