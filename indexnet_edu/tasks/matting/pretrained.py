"""What a matting encoder begins with: MobileNetV2 trained on ImageNet."""

from __future__ import annotations

from torch import nn

from ...backbones import load_pretrained, read_converted
from ...datasets import get_dataset
from ...engine import Pretrained
from .recipe import MattingRecipe

__all__ = ["mobilenet_v2"]

_FILE = "mobilenet_v2_imagenet.npz"


def mobilenet_v2(recipe: MattingRecipe) -> Pretrained | None:
    """The converted weights of the data folder, where a recipe wants them and they fit: they are of
    full width.

    Raises:
        UserError: they are asked for and are not there, or do not fit.
    """
    dataset = get_dataset("backbones")
    if recipe.pretrained == "none":
        return None
    if recipe.pretrained == "auto" and (recipe.width != 1 or dataset.status() != "present"):
        return None
    weights = read_converted()
    (checksum,) = (file.sha256 for file in dataset.files if file.name == _FILE)

    def load(model: nn.Module) -> None:
        load_pretrained(model.encoder, weights)  # type: ignore[arg-type]

    return Pretrained("MobileNetV2 on ImageNet, converted from TensorFlow", checksum, load)
