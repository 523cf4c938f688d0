"""Answers that are right for some inputs only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def partly(
    right: Callable[..., Any], when: Callable[..., bool], wrong: Callable[..., Any]
) -> Callable[..., Any]:
    """``right`` where ``when`` says so, ``wrong`` elsewhere."""

    def answer(*arguments: Any) -> Any:
        return (right if when(*arguments) else wrong)(*arguments)

    return answer
