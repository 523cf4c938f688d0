"""``run``, ``lab`` and ``sweep`` where a notebook, a file or a folder stands in the way."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from indexnet_edu import cli
from indexnet_edu.course.hiding import hiding
from indexnet_edu.course.lab import allow_root_hint
from indexnet_edu.engine.sweep.worker import require_room_for_sockets
from indexnet_edu.errors import UserError

pytestmark = pytest.mark.usefixtures("no_real_data")


def notebook(path: Path, parameters: str) -> Path:
    cells = [
        {"cell_type": "code", "metadata": {"tags": tags}, "source": source, "outputs": [],
         "execution_count": None}
        for tags, source in ((["parameters"], parameters), ([], "1 + 1"))
    ]  # fmt: skip
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "parameters",
    [
        "profile = 'smoke'\nsteps = 2 * 3",
        "profile = 'smoke'\nfrom pathlib import Path\nout = Path('x')",
        "%matplotlib inline\nprofile = 'smoke'",
        "!pip list\nprofile = 'smoke'",
        "profile = 'smo",
        "profile = 'smoke'\nsizes = {[1]: 2}",
    ],
)
def test_what_is_no_plain_parameter_is_a_failed_row(
    parameters: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook(tmp_path / "mine.ipynb", parameters)
    assert cli.main(["run", "mine.ipynb", "--out", "out"]) == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("failed   mine: its cell of parameters holds more than")
    assert "Traceback" not in shown.err and (tmp_path / "out/index.html").exists()


def test_arguments_behind_two_dashes_go_to_jupyterlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda path, command, environment: given.append(command) or 0)
    monkeypatch.chdir(tmp_path)
    for dashes in ("--", "--lab-arguments"):
        monkeypatch.chdir(tmp_path)
        command = ["lab", "05", "--folder", "work", dashes, "--allow-root", "--port=1"]
        cli.main(command)
    assert [command[-2:] for command in given] == [["--allow-root", "--port=1"]] * 2
    assert [p.name for p in (tmp_path / "work").glob("*.ipynb")] == [
        "05_fashion_mnist_reconstruction.ipynb"
    ]
    assert capsys.readouterr().err == ""  # who allows root needs no hint


@pytest.mark.parametrize("user", [0, 1000])
def test_root_is_told_what_to_do(user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(os, "name", "posix")
    assert [("lab -- --allow-root" in line) for line in allow_root_hint([])] == [True] * (user == 0)
    assert allow_root_hint(["--allow-root"]) == []
    assert allow_root_hint(["--ServerApp.allow_root=True"]) == []


def test_a_file_that_hides_a_module_is_named(tmp_path: Path) -> None:
    for name in ("random.py", "numpy.py", "mine.py", "random.txt"):
        (tmp_path / name).write_text("raise SystemExit('mine')")
    lines = hiding(tmp_path)
    assert [line.split(" ")[0] for line in lines] == [
        str(tmp_path / name) for name in ("numpy.py", "random.py")
    ]
    assert all("rename it" in line for line in lines)
    assert hiding(tmp_path / "none") == [] and hiding(tmp_path / "mine.py") == []


def test_a_file_that_hides_a_module_hides_nothing_from_the_course(
    cli: Callable, tmp_path: Path
) -> None:
    for name in ("random.py", "torch.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('mine')")
    shown = cli("lab", "00", "--folder", ".", "--", "--version", cwd=tmp_path)
    assert shown.returncode == 0 and "mine" not in shown.stderr, shown.stderr
    assert "random.py hides the module 'random'" in shown.stderr
    assert "copied 00_setup_and_tour.ipynb" in shown.stdout


def test_a_long_path_of_temporary_files_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 100)))
    command = ["sweep", "denoising", "--variants", "dncnn", "--profile", "smoke", "--out"]
    assert cli.main([*command, str(tmp_path / "sweep")]) == 1
    assert capsys.readouterr().err.count("set TMPDIR to a shorter one\n") == 1
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * 74)
    require_room_for_sockets()
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * 75)
    with pytest.raises(UserError, match="76 bytes, at most 75"):
        require_room_for_sockets()
