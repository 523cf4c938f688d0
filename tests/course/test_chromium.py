"""The search for a browser, with nothing but what a test puts there."""

from pathlib import Path

import pytest

from indexnet_edu.course import chromium


def program(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any browser."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(chromium, "_APPLICATIONS", ())
    return tmp_path


def test_none_on_a_bare_machine(bare: Path) -> None:
    assert chromium.find_chromium() is None


def test_the_system_comes_before_playwright(bare: Path) -> None:
    older = program(bare / "playwright" / "chromium-1100" / "chrome-linux" / "chrome")
    assert chromium.find_chromium() == older
    newer = program(bare / "playwright" / "chromium-1200" / "chrome-linux64" / "chrome")
    assert chromium.find_chromium() == newer
    chrome = program(bare / "bin" / "google-chrome")
    assert chromium.find_chromium() == chrome
    system = program(bare / "bin" / "chromium")
    assert chromium.find_chromium() == system


def test_the_variable_decides(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(bare / "bin" / "chromium")
    mine = program(bare / "mine")
    monkeypatch.setenv("CHROMIUM", mine)
    assert chromium.find_chromium() == mine
    monkeypatch.setenv("CHROMIUM", str(bare / "gone"))
    assert chromium.find_chromium() is None
