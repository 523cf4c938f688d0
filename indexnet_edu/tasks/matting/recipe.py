"""What a matting network's training needs to be told besides the engine's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...engine import Recipe
from ...errors import UsageError

__all__ = ["MattingRecipe"]


@dataclass(frozen=True)
class MattingRecipe(Recipe):
    """The engine's recipe and what Sec. 6.1 leaves open or a smaller machine changes.

    Attributes:
        crop: pixels per side that the network sees in training.
        per_foreground: backgrounds that each foreground meets in an epoch.
        width: channels of all layers, as a share of the paper's.
        encoder_lr_factor: of the encoder's learning rate; the released code has 1e-4 for 0.01.
        pretrained: "imagenet" begins the encoder with ImageNet's weights, "auto" where they are at
            hand and fit (MobileNetV2 at full width), "none" never.
        encoder_norm_frozen: whether the encoder's normalisation keeps its statistics.
        masked_skip: whether features are fused as the pair hands them over, index ⊙ feature.
        pad_before_expansion: whether MobileNetV2's blocks pad before their expansion, as the
            paper's count asks for.
        trimap: which of alphamatting.com's two trimaps is tested with.

    ``train_images`` counts foregrounds, ``test_images`` those of each test set. Test images differ
    in size, so ``eval_batch_size`` is 1.
    """

    eval_batch_size: int = 1
    crop: int = 320
    per_foreground: int = 100
    width: float = 1.0
    encoder_lr_factor: float = 0.01
    pretrained: Literal["auto", "imagenet", "none"] = "auto"
    encoder_norm_frozen: bool = False
    masked_skip: bool = True
    pad_before_expansion: bool = True
    trimap: Literal["trimap1", "trimap2"] = "trimap1"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "per_foreground", "encoder_lr_factor"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.crop < 32:
            raise UsageError(f"crop must be at least 32 pixels, got {self.crop}")
        if self.batch_size < 2:
            raise UsageError(
                f"batch_size must be at least 2, since ASPP normalises over the batch, "
                f"got {self.batch_size}"
            )
        if self.eval_batch_size != 1:
            raise UsageError(
                f"eval_batch_size must be 1, since test images differ in size, "
                f"got {self.eval_batch_size}"
            )
