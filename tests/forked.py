"""Processes that need not import PyTorch: forked off one that has, and has computed nothing.

Importing what a training needs takes longer than most trainings of the tests.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_IMPORTED = [
    "indexnet_edu.cli", "indexnet_edu.engine.sweep", "indexnet_edu.tasks", "accelerate", "filelock",
    "safetensors.torch", "torch._dynamo", "torch.utils.tensorboard", "torchmetrics.image",
    "tests.forked",
]  # fmt: skip
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_IMPORTED)

Value = _CONTEXT.Value


def forked(
    target: Callable[..., None], *arguments: Any, timeout: float
) -> multiprocessing.process.BaseProcess:
    """The process that called ``target``, once it has ended."""
    process = _CONTEXT.Process(target=target, args=arguments)
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(repr(target), timeout)
    return process


def run_command(
    arguments: list[str], cwd: Path | None, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """``python -m indexnet_edu …`` in a process of its own, without the time that it starts for."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [os.devnull, f"{folder}/stdout", f"{folder}/stderr"]
        called = (arguments, cwd or os.getcwd(), dict(environment), streams)
        code = forked(_command, *called, timeout=timeout).exitcode
        assert code is not None
        stdout, stderr = (Path(path).read_text() for path in streams[1:])
    return subprocess.CompletedProcess(arguments, code, stdout, stderr)


def _command(
    arguments: list[str], cwd: str | Path, environment: dict[str, str], streams: list[str]
) -> None:
    for number, path in enumerate(streams):
        mode = os.O_RDWR | os.O_CREAT
        os.dup2(os.open(path, mode), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    from indexnet_edu.cli import main

    sys.exit(main(arguments))
