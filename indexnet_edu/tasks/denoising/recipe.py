"""What a denoiser's training needs to be told besides the engine's settings."""

from __future__ import annotations

from dataclasses import dataclass

from ...engine.recipe import Recipe
from ...errors import UsageError

__all__ = ["DenoisingRecipe"]


@dataclass(frozen=True)
class DenoisingRecipe(Recipe):
    """The engine's recipe and three settings.

    Attributes:
        sigma: standard deviation of the noise, of 255 grey levels; the paper has 15, 25 and 50.
        width: channels of all layers, as a share of the paper's.
        train_patches: patches an epoch, spread evenly over all that the photographs give; None for
            all of them.

    ``train_images`` and ``test_images`` count photographs, the latter those of each test set. These
    differ in size, so ``eval_batch_size`` is 1.
    """

    eval_batch_size: int = 1
    sigma: int = 25
    width: float = 1.0
    train_patches: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("sigma", "width", "train_patches"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, got {value}")
        if self.sigma > 255:
            raise UsageError(f"sigma must be at most 255 grey levels, got {self.sigma}")
        if self.eval_batch_size != 1:
            raise UsageError(
                f"eval_batch_size must be 1, since test images differ in size, "
                f"got {self.eval_batch_size}"
            )
