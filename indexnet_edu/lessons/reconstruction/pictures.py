"""Which images a lesson shows, and what networks make of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...tasks.reconstruction.data import CLASSES, ReconstructionSplit
from ..rows import outputs_of

__all__ = ["examples", "figure_8_images", "psnr_by_class", "reconstruct", "texture"]


def texture(images: Tensor) -> Tensor:
    """``(N, 1, H, W)`` → ``(N,)``: mean absolute difference of neighbours, down and across."""
    down = images.diff(dim=-2).abs().mean(dim=(1, 2, 3))
    return down + images.diff(dim=-1).abs().mean(dim=(1, 2, 3))


def _height(images: Tensor) -> Tensor:
    """``(N, 1, H, W)`` → ``(N,)``: how many rows are not background."""
    return (images[:, 0] > 0.2).any(dim=-1).sum(dim=-1)


def _of_class(split: ReconstructionSplit, name: str) -> Tensor:
    return split.images[split.labels == CLASSES.index(name)]


def examples(split: ReconstructionSplit, count: int = 1) -> Tensor:
    """The first ``count`` images of each class: ``(count, 10, 1, H, W)``, classes in order.

    Raises:
        ValueError: a class has fewer.
    """
    firsts = [_of_class(split, name)[:count] for name in CLASSES]
    if min(map(len, firsts)) < count:
        raise ValueError(f"not every class has {count} images among these {len(split)}")
    return torch.stack(firsts, dim=1)


def figure_8_images(split: ReconstructionSplit) -> tuple[list[str], Tensor]:
    """The kinds of images that Sec. 5.3 speaks of, chosen by a rule that sees no result.

    The first trouser, the tallest sandal (a high heel), and the top, shirt and bag with the most
    texture. The paper does not say how it chose.

    Returns:
        Their names, and the images ``(5, 1, H, W)``.
    """
    sandals = _of_class(split, "sandal")
    chosen = {
        "trouser": _of_class(split, "trouser")[0],
        "high heel": sandals[_height(sandals).argmax()],
    }
    for label, name in (("top", "T-shirt/top"), ("shirt", "shirt"), ("bag", "bag")):
        images = _of_class(split, name)
        chosen[label] = images[texture(images).argmax()]
    return list(chosen), torch.stack(list(chosen.values()))


def reconstruct(models: Mapping[str, nn.Module], images: Tensor) -> dict[str, Tensor]:
    """``"input"``, then each network's output, all ``(N, 1, H, W)`` and clipped to [0, 1]."""
    return {"input": images} | outputs_of(models, images)


def psnr_by_class(
    reconstructions: Mapping[str, Tensor], labels: Tensor
) -> dict[str, dict[str, float]]:
    """Network → class → PSNR in dB, pooled over the pixels of that class's images.

    Args:
        reconstructions: from :func:`reconstruct`.
        labels: ``(N,)``; classes that do not occur are left out.
    """
    target = reconstructions["input"]
    found: dict[str, dict[str, float]] = {}
    for name, output in reconstructions.items():
        if name == "input":
            continue
        squared = (output - target).square().mean(dim=(1, 2, 3))  # (N, 1, H, W) → (N,)
        found[name] = {
            each: float(-10 * squared[labels == label].mean().log10())
            for label, each in enumerate(CLASSES)
            if (labels == label).any()
        }
    return found
