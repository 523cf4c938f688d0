"""Any number of processes finds the same, however few images or examples there are for them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine import measuring
from tests.engine.test_processes import finish, start

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_real_data")]


@pytest.fixture(scope="module")
def alone(no_real_data: Path) -> dict[str, Any]:
    return measuring.found()


@pytest.fixture(scope="module", params=[2, 3, 4])
def together(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("together") / "found.json"
    finish(start("tests.engine.measuring", file, processes=request.param))
    found = json.loads(file.read_text())
    assert found["processes"] == request.param
    return found


def test_every_image_counts_once(alone: dict[str, Any], together: dict[str, Any]) -> None:
    assert len(alone["metrics"]) == len(measuring.TASKS) * len(measuring.IMAGES)
    for name, metrics in alone["metrics"].items():
        assert together["metrics"][name] == pytest.approx(metrics, rel=1e-5), name


def test_every_value_that_counts_weighs_the_same(
    alone: dict[str, Any], together: dict[str, Any]
) -> None:
    """The mean over a share would weigh its few values more: per cents, and more each step."""
    for size, losses in alone["losses"].items():
        assert together["losses"][size] == pytest.approx(losses, rel=1e-5), size
