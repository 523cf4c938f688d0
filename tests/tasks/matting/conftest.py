"""Real data of this room, or a skip."""

from pathlib import Path

import pytest

from tests.conftest import DATA


@pytest.fixture
def real_matting(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data; skips where the photographs or the backgrounds are missing."""
    from indexnet_edu.datasets import get_dataset

    monkeypatch.setenv("INDEXNET_DATA", str(DATA))
    for name in ("matting_alphamatting", "bsds500_color"):
        if get_dataset(name).status() != "present":
            pytest.skip(f"the real {name} is not on this machine")
    return DATA
