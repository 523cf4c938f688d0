"""Public ImageNet weights into an encoder, or one line that says why they do not fit."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..datasets import get_dataset
from ..errors import UserError
from .backbone import Backbone

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "load_pretrained", "read_converted", "read_weights"]

#: Of RGB in [0, 1]; what torchvision's weights expect images to be standardised with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_NAMED = 3  # keys that a refusal names


def load_pretrained(encoder: Backbone, weights: Mapping[str, Tensor]) -> None:
    """Copies weights with torchvision's names into an encoder.

    The classifier, which the encoder does not have, is left out. Where the encoder reads more
    channels than RGB (a trimap), the weights of the others begin at zero (Sec. 6.1.1). A fully
    connected layer that became a convolution is reshaped.

    Raises:
        UserError: names or shapes differ; the message has the first of them. The encoder is then
            as it was.
    """
    wanted = encoder.state_dict()
    given = {
        name: _fitted(value, wanted.get(name))
        for name, value in weights.items()
        if not name.startswith(encoder.unused)
    }
    for name in wanted:  # a counter that older checkpoints lack and nothing here reads
        if name.endswith("num_batches_tracked"):
            given.setdefault(name, wanted[name])
    differing = [f"{name} is missing" for name in wanted if name not in given]
    differing += [f"{name} is unknown" for name in given if name not in wanted]
    differing += [
        f"{name} is {_shape(weights[name])}, not {_shape(wanted[name])}"
        for name, value in given.items()
        if name in wanted and value.shape != wanted[name].shape
    ]
    if differing:
        more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
        raise UserError(
            f"these weights are not those of {type(encoder).__name__} at this width: "
            f"{'; '.join(differing[:_NAMED])}{more}: take torchvision's, or train from scratch"
        )
    encoder.load_state_dict(given)


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"


def _fitted(given: Tensor, wanted: Tensor | None) -> Tensor:
    if wanted is None or given.shape == wanted.shape:
        return given
    if given.ndim == 2 and wanted.ndim == 4 and given.numel() == wanted.numel():
        return given.reshape(wanted.shape)  # (out, C·h·w) → (out, C, h, w)
    if given.ndim == 4 and given.shape[1] == 3 < wanted.shape[1]:
        out, _, height, width = given.shape
        more = given.new_zeros(out, wanted.shape[1] - 3, height, width)
        return torch.cat([given, more], dim=1)
    return given


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name: ``.safetensors``, or what ``torch.save`` wrote.

    Raises:
        UserError: it is not there, or holds no named tensors.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle and safetensors each have errors of their own
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(
            f"cannot read weights from {path} ({reason}): "
            "give a .safetensors file, or a state dict that torch.save wrote"
        ) from None
    if not isinstance(found, Mapping) or not all(isinstance(v, Tensor) for v in found.values()):
        raise UserError(f"{path} holds no state dict: save model.state_dict() and nothing else")
    return dict(found)


def read_converted() -> dict[str, Tensor]:
    """MobileNetV2's ImageNet weights of the data set ``backbones``, for standardised images.

    They come from TensorFlow, where images lie in [−1, 1]. The first convolution is rewritten here
    to take images standardised by ``IMAGENET_MEAN`` and ``IMAGENET_STD`` as torchvision's do: the
    same function, except that the border around the image is then its mean colour and not grey.
    TensorFlow also pads strides at the right and bottom only, so that with strides the features lie
    half a pixel off those that the weights were trained for; without strides there is no
    difference. Their normalisation is folded into the convolutions (mean 0, variance 1): freeze it.

    Raises:
        UserError: the data set is absent or damaged; the message says how to get it.
    """
    path = get_dataset("backbones").require() / "mobilenet_v2_imagenet.npz"
    try:
        with np.load(path) as archive:
            weights = {name: torch.from_numpy(archive[name]) for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read ({error}): put a good copy there") from None
    return _for_standardised_images(weights)


def _for_standardised_images(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """[−1, 1] is 2·(std·x + mean) − 1 for a standardised x: one factor and one shift a channel."""
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    stem = weights["features.0.0.weight"]
    shift = (stem * (2 * mean - 1)).sum(dim=(1, 2, 3))  # of each output
    return weights | {
        "features.0.0.weight": stem * 2 * std,
        "features.0.1.running_mean": weights["features.0.1.running_mean"] - shift,
    }
