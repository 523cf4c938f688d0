"""A backward pass that may be taken once, and says so."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["once"]


def once(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses ``create_graph=True``.

    PyTorch's ``once_differentiable`` looks at the incoming gradients only; what depends on the
    saved tensors would silently be missing from a second derivative.
    """

    @functools.wraps(backward)
    def guarded(ctx: Any, *gradients: Any) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "the fast operators differentiate once; for second derivatives build the pair with "
                'implementation="clear"'
            )
        return backward(ctx, *gradients)

    return guarded
