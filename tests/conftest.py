"""Fixtures that every test may use, and the note on browser tests that were left out."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from indexnet_edu.paths import data_folder
from tests.browser.chromium import find_chromium
from tests.forked import run_command

ROOT = Path(__file__).resolve().parent.parent
DATA = data_folder()

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

NO_CHROMIUM = "no Chromium found: install one, or name it with CHROMIUM=…"


@pytest.fixture(scope="module")
def no_real_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty data folder for the whole module, so that only the embedded set is there."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("no_real_data")
        patch.setenv("INDEXNET_DATA", str(folder))
        yield folder


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data sets; skips the test where Fashion-MNIST is not in it."""
    from indexnet_edu.datasets import load_catalogue

    monkeypatch.setenv("INDEXNET_DATA", str(DATA))
    if load_catalogue()["fashion_mnist"].status() != "present":
        pytest.skip("the real Fashion-MNIST is not on this machine")
    return DATA


@pytest.fixture(scope="session")
def cli() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``indexnet-edu …`` as a process: ``cli("table", "3", timeout=60)``."""

    def run(
        *arguments: object, timeout: float = 300, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        variables = {**os.environ, "PYTHONPATH": search, **environment}
        return run_command([str(each) for each in arguments], cwd, variables, timeout)

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Files with slow tests first: none begins when the other test processes are at their end.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    browser = [item for item in items if item.get_closest_marker("browser")]
    if browser and find_chromium() is None:
        for item in browser:
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = [report.nodeid for report in skipped if "browser" in report.keywords]
    if left_out:
        terminalreporter.section("browser tests left out")
        terminalreporter.write_line(NO_CHROMIUM)
        for node in left_out:
            terminalreporter.write_line(f"  {node}")
