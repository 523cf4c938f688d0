"""The networks of Tables 4, 5 and 6: four architectures, and the rows made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from ...engine import Variant
from ...errors import UsageError
from ...indexing import FAMILIES, MODES, NORMALISATIONS
from ...resampling import Resampler, create_resampler, named_resampler
from .deep_matting import DeepMatting, RefinedDeepMatting
from .encoder_decoder import EncoderDecoder
from .recipe import MattingRecipe
from .segmentation_networks import DeepLabV3Plus, RefineNet

__all__ = ["ARCHITECTURES", "VARIANTS", "build", "parameter_groups"]


def _without_pair(resampler: Resampler | None, name: str) -> None:
    if resampler is not None:
        raise UsageError(
            f"{name} has strides of its own and takes no pair, got {resampler}: leave it out, or "
            "train unet with it"
        )


def build_unet(
    resampler: Resampler, recipe: MattingRecipe, scale: float = 1.0, **design: Any
) -> nn.Module:
    """The paper's network on MobileNetV2: B11, or B5 to B10 by ``fusion`` and ``context``.

    Args:
        scale: of all channels, besides the recipe's width: 1.4 for B11-1.4.
        design: see :class:`EncoderDecoder`.
    """
    return EncoderDecoder(
        resampler,
        width=scale * recipe.width,
        masked_skip=recipe.masked_skip,
        pad_before_expansion=recipe.pad_before_expansion,
        norm_frozen=recipe.encoder_norm_frozen,
        **design,
    )


def build_deepmatting(
    resampler: Resampler, recipe: MattingRecipe, refined: bool = False
) -> nn.Module:
    """DeepMatting, a SegNet on VGG16: B3 and B4; or with its refinement stage."""
    network = RefinedDeepMatting if refined else DeepMatting
    return network(resampler, width=recipe.width, norm_frozen=recipe.encoder_norm_frozen)


def build_deeplab(resampler: None, recipe: MattingRecipe) -> nn.Module:
    """DeepLabv3+ on MobileNetV2: B1."""
    _without_pair(resampler, "deeplab")
    return DeepLabV3Plus(
        width=recipe.width,
        pad_before_expansion=recipe.pad_before_expansion,
        norm_frozen=recipe.encoder_norm_frozen,
    )


def build_refinenet(resampler: None, recipe: MattingRecipe) -> nn.Module:
    """RefineNet on MobileNetV2: B2."""
    _without_pair(resampler, "refinenet")
    return RefineNet(
        width=recipe.width,
        pad_before_expansion=recipe.pad_before_expansion,
        norm_frozen=recipe.encoder_norm_frozen,
    )


#: By name, the one that any pair goes into first.
ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "unet": build_unet,
    "deepmatting": build_deepmatting,
    "deeplab": build_deeplab,
    "refinenet": build_refinenet,
}

_MAX = create_resampler("maxpool_maxunpool")
_BILINEAR = create_resampler("maxpool_bilinear")


def _unet(resampler: Resampler, **options: Any) -> Variant:
    return Variant("unet", resampler, options)


def _normalised(name: str) -> Variant:
    best = {"family": "m2o", "mode": "nonlinear_context"}
    return _unet(create_resampler("indexnet", **best, normalisation=name))


#: Table 4's rows, then what Tables 5 and 6 add. Table 6's last row is Table 5's.
VARIANTS: dict[str, Variant] = {
    "b1": Variant("deeplab"),
    "b2": Variant("refinenet"),
    "b3": Variant("deepmatting", _MAX),
    "b4": Variant("deepmatting", _BILINEAR),
    "b5": _unet(_MAX, fusion="none", context=False),
    "b6": _unet(_BILINEAR, fusion="none", context=False),
    "b7": _unet(_MAX, fusion="none"),
    "b8": _unet(_MAX, fusion="skip", context=False),
    "b9": _unet(_MAX, fusion="skip"),
    "b10": _unet(_MAX, context=False),
    "b11": _unet(_MAX),
    # By the released code's rule; the paper's counts (8.86M, 7.61) do not come out (docs/paper.md).
    "b11_1.4": _unet(_MAX, scale=1.4),
    "b11_carafe": _unet(create_resampler("maxpool_carafe")),
    "hmi": _unet(create_resampler("hmi")),
    "deepmatting_refined": Variant("deepmatting", _MAX, {"refined": True}),
    **{f"{f}-{m}": _unet(named_resampler(f"{f}-{m}")) for f in FAMILIES for m in MODES},
    **{
        f"m2o-nonlinear_context-{name}": _normalised(name)
        for name in NORMALISATIONS
        if name != "sigmoid+softmax"
    },
}


def build(variant: Variant, recipe: MattingRecipe) -> nn.Module:
    """The network of a row."""
    return ARCHITECTURES[variant.network](variant.resampler, recipe, **variant.options)


def parameter_groups(
    model: nn.Module, recipe: MattingRecipe
) -> list[tuple[list[nn.Parameter], float]]:
    """The encoder, which learns slower, and all else. Index blocks and the pair's own convolutions
    are no part of the encoder.

    Args:
        model: with a part named ``encoder``, as all networks here have.
    """
    encoder: nn.Module = model.encoder  # type: ignore[assignment]
    inside = {id(parameter) for parameter in encoder.parameters()}
    others = [parameter for parameter in model.parameters() if id(parameter) not in inside]
    return [(others, 1.0), (list(encoder.parameters()), recipe.encoder_lr_factor)]
