"""A network of the paper, built as the task builds it."""

from typing import Any

from torch import nn

from indexnet_edu.tasks.matting import MATTING
from indexnet_edu.tasks.matting.recipe import MattingRecipe


def network(name: str, **settings: Any) -> nn.Module:
    """``network("b11", width=0.25)``; settings are the recipe's."""
    return MATTING.build_model(MATTING.variant(name), MattingRecipe(data="embedded", **settings))
