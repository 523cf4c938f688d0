"""What computes: left-over variables of launchers mean no other processes."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_ALL = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "PMI_SIZE": "2"}
_PORT = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}
_ACCELERATE = {"ACCELERATE_MIXED_PRECISION": "fp8", "ACCELERATE_USE_DEEPSPEED": "true"}


@pytest.mark.parametrize(
    ("alone", "left"),
    [(False, _ALL | _PORT | _ACCELERATE), (True, _ALL | _PORT | {"TORCHELASTIC_RUN_ID": "x"})],
)
def test_what_another_launcher_left_is_passed_over(alone: bool, left: dict[str, str]) -> None:
    """Waiting for the others would last for ever. Nothing is taken from the environment."""
    code = (
        "import os; from indexnet_edu.engine.device import accelerator, default_device\n"
        f"here = accelerator(alone={alone})\n"
        "print(here.num_processes, here.is_main_process, here.mixed_precision, "
        f"all(os.environ[name] == value for name, value in {left}.items()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | left, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert result.stdout.split() == ["1", "True", "no", "True"], result.stderr
