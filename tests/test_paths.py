from pathlib import Path

import pytest

from indexnet_edu import paths
from tests.conftest import ROOT


def test_assets_are_the_top_level_folders_in_a_checkout() -> None:
    assert paths.checkout() == ROOT
    assert paths.asset("data", "catalogue.json") == ROOT / "data" / "catalogue.json"


def test_assets_lie_inside_an_installed_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site-packages" / "indexnet_edu"
    (package / "_assets" / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.checkout() is None
    assert paths.asset("notebooks") == package / "_assets" / "notebooks"


def test_the_data_folder_is_the_named_one_else_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INDEXNET_DATA", "sets")
    assert paths.data_folder() == tmp_path / "sets"
    monkeypatch.setenv("INDEXNET_DATA", "~/sets")
    assert paths.data_folder() == tmp_path / "home" / "sets"
    monkeypatch.setenv("INDEXNET_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert paths.data_folder() == tmp_path / "cache" / "indexnet-edu"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert paths.data_folder() == tmp_path / "home" / ".cache" / "indexnet-edu"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("home/me/work/runs", "runs"),
        ("home/me/work", "~/work"),
        ("home/me/data/sets", "~/data/sets"),
        ("home/me", "~"),
        ("home/melon", "{root}/home/melon"),
    ],
)
def test_paths_are_shortened_for_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str, text: str
) -> None:
    (tmp_path / "home/me/work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home/me"))
    monkeypatch.chdir(tmp_path / "home/me/work")
    assert paths.short(tmp_path / path) == text.format(root=tmp_path)


def test_a_home_at_the_root_shortens_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/")
    monkeypatch.chdir(tmp_path)
    assert paths.short("/usr/bin/python3") == "/usr/bin/python3"
