"""Values that go into an answer and come out of it: copied, cast, named, compared."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "Made",
    "agree",
    "differing",
    "floats",
    "fresh",
    "kind",
    "listed",
    "parts",
    "same",
    "wrong_kind",
]

_LARGEST = 10_000_000  # values of an answer: copies of more would fill the memory

Parts = dict[str, Any]  # a Tensor, or text; by name, "" where there is only one


@dataclass(frozen=True)
class Made:
    """An argument that is no tensor, made anew for every call: nobody can spoil it for the next.

    Attributes:
        about: what a card says of it, and all that it says.
    """

    about: str
    make: Callable[[], Any]


def _each(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same structure with its tensors changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Made):
        return value.make()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_each(item, change) for item in value))
    if isinstance(value, (tuple, list)):
        return type(value)(_each(item, change) for item in value)
    return value


def fresh(arguments: Any, dtype: torch.dtype) -> Any:
    """Arguments for one call: tensors of its own, the floating-point ones of this type."""

    def own(tensor: Tensor) -> Tensor:
        tensor = tensor.detach().clone()
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    return _each(arguments, own)


def floats(value: Any) -> list[Tensor]:
    """The floating-point tensors in a value."""
    found: list[Tensor] = []
    _each(value, lambda t: found.append(t) or t if t.is_floating_point() else t)  # type: ignore[func-returns-value]
    return found


def same(a: Any, b: Any) -> bool:
    """Whether two copies of an argument hold the same values; for what is no tensor, True."""
    if isinstance(a, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and bool(torch.equal(a, b))
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return True


def kind(value: Any) -> str:
    """The type of a value for people: "None", "torch.Tensor", "a list"."""
    if value is None:
        return "None"
    name = type(value).__name__
    module = type(value).__module__
    if module in ("builtins", "__main__"):
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return f"a {module.split('.')[0]}.{name}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, np.number)) and not isinstance(value, (bool, np.bool_))


def _plain(value: Any) -> Any:
    """An array with one element as that number."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def parts(value: Any) -> Parts | None:
    """A value as named tensors (float64, on the CPU) and texts; None where it has something else.

    Raises:
        Exception: a tensor that cannot be read, such as one on the meta device.
    """
    if isinstance(value, str):
        return {"": str.__str__(value)}
    value = _plain(value)
    if isinstance(value, Tensor):
        dense = value.detach().cpu()
        dense = dense.to_dense() if dense.layout != torch.strided else dense
        return None if dense.is_complex() else {"": dense.to(torch.float64, copy=True)}
    if isinstance(value, bool) or _is_number(value):
        return {"": torch.tensor(float(value), dtype=torch.float64)}
    if isinstance(value, (tuple, list)):
        names = getattr(value, "_fields", None) or [f"[{i}]" for i in range(len(value))]
        inside = [parts(item) for item in value]
        if any(each is None or set(each) != {""} for each in inside):
            return None
        return {name: each[""] for name, each in zip(names, inside, strict=True) if each}
    return None


def listed(value: Any, wanted: Any) -> Any:
    """Where several values are wanted, an array or tensor of them is as good as a tuple."""
    if isinstance(wanted, (tuple, list)) and isinstance(value, (Tensor, np.ndarray)) and value.ndim:
        return list(value)
    return value


def wrong_kind(value: Any, wanted: Any) -> str | None:
    """What is wrong with the type of an answer, in words; None where it will do.

    A number may come as a tensor or array with one element, a tuple as a list.
    """
    if isinstance(wanted, (tuple, list)):
        names = ", ".join(getattr(wanted, "_fields", ())) or f"{len(wanted)} values"
        if not isinstance(value, (tuple, list)):
            return f"It returned {kind(value)}; return a tuple: {names}."
        if len(value) != len(wanted):
            return f"It returned {len(value)} values; return {len(wanted)}: {names}."
        complaints = map(wrong_kind, value, wanted)
        return next((complaint for complaint in complaints if complaint), None)
    if value is None:
        return "It returned None. Is the `return` missing?"
    if isinstance(wanted, str):
        fits, noun = isinstance(value, str), "a string"
    elif isinstance(wanted, bool):
        one_truth = isinstance(value, Tensor) and value.numel() == 1 and value.dtype == torch.bool
        fits, noun = isinstance(value, (bool, np.bool_)) or one_truth, "True or False"
    elif _is_number(wanted) or (isinstance(wanted, Tensor) and wanted.ndim == 0):
        one = isinstance(value, Tensor) and value.numel() == 1
        real = one and value.dtype != torch.bool and not value.is_complex()
        fits, noun = _is_number(_plain(value)) or real, "a number"
    else:
        fits, noun = isinstance(value, Tensor) and not value.is_complex(), "a torch.Tensor"
        if isinstance(value, Tensor) and value.is_complex():
            return f"It returned a tensor of {value.dtype}; return real numbers."
        if isinstance(value, Tensor) and value.numel() > _LARGEST:
            return f"It returned {value.numel():,} values, {tuple(value.shape)}: far too many."
        if isinstance(value, Tensor) and value.is_meta:
            return "It returned a tensor on the meta device, which has a shape and no values."
    return None if fits else f"It returned {kind(value)}; return {noun}."


def agree(a: Parts, b: Parts, tolerance: float) -> bool:
    """Whether all parts have the same shape and values (one-element tensors may be numbers)."""
    return len(a) == len(b) and all(
        _close(x, y, tolerance) for x, y in zip(a.values(), b.values(), strict=True)
    )


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a.strip() == b.strip()
    if a.numel() == 1 and 0 in (a.ndim, b.ndim) and b.numel() == 1:
        a, b = a.reshape(()), b.reshape(())
    return a.shape == b.shape and not bool(differing(a, b, tolerance).any())


def differing(got: Tensor, wanted: Tensor, tolerance: float) -> Tensor:
    """Where two tensors of one shape differ by more than the tolerance; NaN is near nothing."""
    return ~torch.isclose(got, wanted, rtol=tolerance, atol=tolerance)
