"""A forked command is what a started one is, and one that hangs is ended."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.forked import forked


@pytest.mark.parametrize("command", ["resamplers --json", "evaluate nowhere", "sweep --help"])
def test_a_forked_command_answers_as_a_started_one(
    cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, command: str
) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "indexnet_edu", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    answered = cli(*command.split(), cwd=tmp_path)
    for name in ("returncode", "stdout", "stderr"):
        assert getattr(answered, name) == getattr(started, name)


def test_a_process_that_hangs_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        forked(time.sleep, 600, timeout=0.1)
    assert time.monotonic() - began < 300
