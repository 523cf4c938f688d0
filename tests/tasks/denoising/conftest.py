"""The paper's photographs, where they are."""

from pathlib import Path

import pytest

from indexnet_edu.datasets import load_catalogue
from tests.conftest import DATA


@pytest.fixture
def real_photographs(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data sets; skips the test where BSD400, BSD68 and Set12 are not in it."""
    monkeypatch.setenv("INDEXNET_DATA", str(DATA))
    if load_catalogue()["denoising"].status() != "present":
        pytest.skip("BSD400, BSD68 and Set12 are not on this machine")
    return DATA
