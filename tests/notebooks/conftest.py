"""One smoke run of the course, whose executed copies everything here reads."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT


@dataclass(frozen=True)
class SmokeRun:
    """What ``indexnet-edu run --profile smoke`` answered, and the folder that it filled."""

    done: subprocess.CompletedProcess[str]
    out: Path


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> SmokeRun:
    """It takes minutes: tests that use it are of the group ``course``, in one test process."""
    out, no_data = tmp_path_factory.mktemp("course") / "out", tmp_path_factory.mktemp("no_data")
    done = subprocess.run(
        [sys.executable, "-m", "indexnet_edu", "run"]
        + ["--profile", "smoke", "--out", str(out), "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "INDEXNET_DATA": str(no_data)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    return SmokeRun(done, out)
