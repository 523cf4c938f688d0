"""How an answer differs from what was wanted, in words: what its shape and its numbers tell."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .values import Parts, agree, differing

__all__ = ["in_shape", "in_values"]


def in_shape(got: Parts, wanted: Parts) -> str:
    """The first part of another shape, with the likely reason; "" where all shapes are right."""
    for (name, mine), right in zip(got.items(), wanted.values(), strict=True):
        if isinstance(mine, str) or isinstance(right, str):
            continue
        one_number = mine.numel() == 1 and right.ndim == 0
        if mine.shape != right.shape and not one_number:
            return f"{_name(name)}{_shape(mine, right)}"
    return ""


def _shape(got: Tensor, wanted: Tensor) -> str:
    mine, right = tuple(got.shape), tuple(wanted.shape)
    said = f"The shape is {mine}, it should be {right}."
    if sorted(mine) == sorted(right):
        return f"{said} The sizes are right, their order is not."
    if tuple(s for s in mine if s != 1) == tuple(s for s in right if s != 1):
        return f"{said} Only sizes of 1 are missing or too many."
    if math.prod(mine) == math.prod(right):
        return f"{said} As many elements as it should have, arranged differently."
    if len(mine) != len(right):
        return f"{said} It has {len(mine)} dimensions in place of {len(right)}."
    return said


def in_values(got: Parts, wanted: Parts, tolerance: float, right_before: int) -> str:
    """What the numbers tell, where all shapes are right.

    Args:
        right_before: how many inputs it was right for before this one.
    """
    for (name, mine), right in zip(got.items(), wanted.values(), strict=True):
        if agree({"": mine}, {"": right}, tolerance):
            continue
        where = _name(name)
        if isinstance(mine, str):
            return f"{where}Yours is {mine!r}, which is not right here."
        return where + _values(mine.reshape(right.shape), right, tolerance, right_before)
    return "It has not as many parts as it should."


def _values(mine: Tensor, right: Tensor, tolerance: float, right_before: int) -> str:
    before = ""
    if right_before:
        others = "the first input" if right_before == 1 else f"the first {right_before} inputs"
        before = f"It is right for {others}, but not for this one. "
    if right.numel() == 1:
        return f"{before}It should be {right.item():.7g}; yours is {mine.item():.7g}."
    if not mine.isfinite().all():
        count = int((~mine.isfinite()).sum())
        return f"{before}{count} of its {mine.numel()} values are NaN or infinite."
    ratio = _ratio(mine, right)
    if ratio:
        return f"{before}Every value here is {ratio:.4g} times what it should be."
    square = mine.ndim >= 2 and mine.shape[-1] == mine.shape[-2]
    if square and agree({"": mine.mT}, {"": right}, tolerance):
        return f"{before}Rows and columns are exchanged here: it is the transpose."
    count = int(differing(mine, right, tolerance).sum())
    return f"{before}{count} of {right.numel()} values differ; they are framed below."


def _ratio(mine: Tensor, right: Tensor) -> float:
    """By what factor all values differ, 0 where it is not one factor."""
    zero = right.abs() < 1e-6
    if mine.numel() < 2 or zero.all() or (mine[zero].abs() > 1e-6).any():
        return 0.0
    ratios = mine[~zero] / right[~zero]
    return ratios[0].item() if torch.allclose(ratios, ratios[0], rtol=1e-3) else 0.0


def _name(part: str) -> str:
    return f"`{part}`: " if part else ""
