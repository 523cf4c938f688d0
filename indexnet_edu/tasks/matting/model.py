"""The networks of Tables 4, 5 and 6 by name, and what of them learns at the encoder's pace."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from ...indexing import FAMILIES, MODES, NORMALISATIONS
from ...resampling import Resampler, create_resampler, named_resampler
from .deep_matting import DeepMatting, RefinedDeepMatting
from .encoder_decoder import EncoderDecoder
from .segmentation_networks import DeepLabV3Plus, RefineNet

__all__ = ["DESIGNS", "Design", "build_network", "parameter_groups"]


@dataclass(frozen=True)
class Design:
    """A network of the paper.

    Attributes:
        title: what it is, for people.
        network: builds it, given the settings, and the pair where there is one.
        resampler: its pair; None for a network with strides of its own.
        table: of the paper in which it first stands.
        width: of the design itself, which the setting multiplies.
        remark: what must be said beside it.
    """

    title: str
    network: Callable[..., nn.Module]
    resampler: Resampler | None
    table: int
    width: float = 1.0
    remark: str | None = None

    def build(self, **settings: Any) -> nn.Module:
        """The network; ``settings`` are its keyword arguments (``width``, ``norm_frozen``, …)."""
        settings["width"] = self.width * settings.get("width", 1.0)
        return self.network(*([self.resampler] if self.resampler else []), **settings)


_MAX = create_resampler("maxpool_maxunpool")
_BILINEAR = create_resampler("maxpool_bilinear")


def _on_mobilenet(title: str, fusion: str, context: bool, resampler: Resampler = _MAX) -> Design:
    network = functools.partial(EncoderDecoder, fusion=fusion, context=context)
    return Design(title, network, resampler, table=4)


def _b11(title: str, resampler: Resampler, table: int = 5, **options: Any) -> Design:
    return Design(title, EncoderDecoder, resampler, table, **options)


#: All networks: Table 4's, then what Tables 5 and 6 add. Table 6's last row is Table 5's.
DESIGNS: dict[str, Design] = {
    "b1": Design("DeepLabv3+", DeepLabV3Plus, None, table=4),
    "b2": Design("RefineNet", RefineNet, None, table=4),
    "b3": Design("DeepMatting, SegNet on VGG16", DeepMatting, _MAX, table=4),
    "b4": Design("B3 without indices", DeepMatting, _BILINEAR, table=4),
    "b5": _on_mobilenet("SegNet on MobileNetV2", "none", False),
    "b6": _on_mobilenet("B5 without indices", "none", False, _BILINEAR),
    "b7": _on_mobilenet("B5 with ASPP", "none", True),
    "b8": _on_mobilenet("B5 with skips", "skip", False),
    "b9": _on_mobilenet("B5 with skips and ASPP", "skip", True),
    "b10": _on_mobilenet("UNet on MobileNetV2", "concat", False),
    "b11": _on_mobilenet("B10 with ASPP", "concat", True),
    "b11_1.4": _b11(
        "B11, 1.4 times as wide",
        _MAX,
        width=1.4,
        remark="by the released code's rule; the paper's counts (8.86M, 7.61) do not come out",
    ),
    "b11_carafe": _b11("B11 with CARAFE", create_resampler("maxpool_carafe")),
    "hmi": _b11("B11 with a holistic max index", create_resampler("hmi")),
    "deepmatting_refined": Design("DeepMatting with refinement", RefinedDeepMatting, _MAX, table=5),
    **{f"{f}-{m}": _b11(f"{f}, {m}", named_resampler(f"{f}-{m}")) for f in FAMILIES for m in MODES},
    **{
        f"m2o-nonlinear_context-{name}": _b11(
            f"M2O, normalised by {name}",
            create_resampler(
                "indexnet", family="m2o", mode="nonlinear_context", normalisation=name
            ),
            table=6,
        )
        for name in NORMALISATIONS
        if name != "sigmoid+softmax"
    },
}


def build_network(name: str | Resampler, **settings: Any) -> nn.Module:
    """A network of the paper, or B11 with any other pair.

    Args:
        name: of ``DESIGNS``; or a pair, or the name of one (see
            :func:`~indexnet_edu.resampling.named_resampler`), for B11 with it.
        settings: keyword arguments of the network: ``width`` and ``norm_frozen`` of all,
            ``pad_before_expansion`` of those on MobileNetV2, ``masked_skip`` of B5 to B11 and those
            with index networks.

    Raises:
        ValueError: an unknown name (the known ones are listed), or a setting that a network
            refuses.
    """
    if isinstance(name, str) and name in DESIGNS:
        return DESIGNS[name].build(**settings)
    if isinstance(name, str):
        try:
            name = named_resampler(name)
        except ValueError as error:
            raise ValueError(f"{error}; or a network: {', '.join(DESIGNS)}") from None
    return EncoderDecoder(name, **settings)


def parameter_groups(model: nn.Module, lr: float, encoder_lr: float) -> list[dict[str, Any]]:
    """What an optimiser takes: the encoder at a rate of its own, all else at ``lr``.

    The released code has 0.01 and 1e-4 (the paper says 0.01). Index blocks and the pair's own
    convolutions are no part of the encoder.

    Args:
        model: with a part named ``encoder``, as all networks here have.
    """
    encoder: nn.Module = model.encoder  # type: ignore[assignment]
    inside = {id(parameter) for parameter in encoder.parameters()}
    others = [parameter for parameter in model.parameters() if id(parameter) not in inside]
    return [
        {"params": others, "lr": lr},
        {"params": list(encoder.parameters()), "lr": encoder_lr},
    ]
