"""The toy task for every test of the engine."""

import pytest

from indexnet_edu.engine import Task
from tests.engine.toy import toy_task


@pytest.fixture
def toy() -> Task:
    return toy_task()
