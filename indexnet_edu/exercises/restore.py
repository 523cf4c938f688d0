"""What an answer may have changed for whoever comes after it, put back.

Generators, types, device, gradients, working directory, recursion limit and warnings; and names
of PyTorch, NumPy and Python that it may have replaced, by which later answers would be judged.
"""

from __future__ import annotations

import builtins
import contextlib
import math
import operator
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["restored"]

_SPACES: tuple[Any, ...] = (
    builtins,
    math,
    random,
    np,
    torch,
    torch.linalg,
    torch.Tensor,
    nn,
    nn.Module,
    F,
)


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Afterwards all is as it was before."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(warnings.catch_warnings())
        for undo in (
            _value(torch.get_default_dtype, torch.set_default_dtype),
            _value(torch.is_grad_enabled, torch.set_grad_enabled),
            _value(sys.getrecursionlimit, sys.setrecursionlimit),
            _value(np.random.get_state, np.random.set_state),
            _value(random.getstate, random.setstate),
            _device(),
            _folder(),
            _names(),  # the last is undone first: the others call functions by these names
        ):
            stack.callback(undo)
        yield


def _value(read: Callable[[], Any], write: Callable[[Any], Any]) -> Callable[[], Any]:
    before = read()
    return lambda: write(before)


def _names() -> Callable[[], None]:
    before = [dict(vars(space)) for space in _SPACES]

    def undo() -> None:
        for space, names in zip(_SPACES, before, strict=True):
            now = vars(space)
            if len(now) == len(names) and all(map(operator.is_, now.values(), names.values())):
                continue  # as always; looking up thousands of names one by one would be slow
            now = dict(now)
            for name, value in names.items():
                if now.get(name) is not value:
                    setattr(space, name, value)
            if isinstance(space, type):  # a new name there hides one that the class inherits
                for name in now.keys() - names.keys():
                    delattr(space, name)

    return undo


def _device() -> Callable[[], None]:
    before = torch.get_default_device()

    def undo() -> None:
        if torch.get_default_device() != before:
            torch.set_default_device(None)
        if torch.get_default_device() != before:  # the notebook has one of its own
            torch.set_default_device(before)

    return undo


def _folder() -> Callable[[], None]:
    try:
        before = os.getcwd()
    except OSError:  # it was deleted
        return lambda: None

    def undo() -> None:
        with contextlib.suppress(OSError):
            os.chdir(before)

    return undo
