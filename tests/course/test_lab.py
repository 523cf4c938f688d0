"""The learner's folder: copies are made once, and nothing there is ever overwritten."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from indexnet_edu.course import lab
from indexnet_edu.course.lab import copy_notebooks, lab_command, start_lab
from indexnet_edu.errors import UsageError, UserError
from tests.course.conftest import write_notebook


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("01_a", "02_b"):
        write_notebook(tmp_path / "course" / f"{name}.ipynb", f"print('{name}')")
    return tmp_path / "course"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "my_work"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_all_are_copied_once(source, mine):
    first = copy_notebooks(mine, source=source)
    assert first.copied == visible(mine) == ["01_a.ipynb", "02_b.ipynb"]
    second = copy_notebooks(mine, source=source)
    assert not second.copied and second.kept == first.copied and not second.newer
    assert str(second) == "all notebooks are there, your copies are kept"


def test_only_the_named_ones(source, mine):
    assert copy_notebooks(mine, ["2"], source).copied == visible(mine) == ["02_b.ipynb"]
    with pytest.raises(UsageError, match="choose from 01_a, 02_b"):
        copy_notebooks(mine, ["3"], source)


def test_the_learners_work_is_never_touched(source, mine):
    copy_notebooks(mine, source=source)
    (mine / "01_a.ipynb").write_text("my answers")
    assert not copy_notebooks(mine, source=source).newer
    assert (mine / "01_a.ipynb").read_text() == "my answers"


def test_a_newer_version_comes_beside_once(source, mine):
    copy_notebooks(mine, source=source)
    (mine / "01_a.ipynb").write_text("my answers")
    for file in ("01_a.new.ipynb", "01_a.new2.ipynb"):
        write_notebook(source / "01_a.ipynb", f"print('{file}')")
        copies = copy_notebooks(mine, source=source)
        assert copies.newer == {"01_a.ipynb": file}
        assert f"01_a.ipynb (newer: {file})" in str(copies) and "\n" not in str(copies)
        assert (mine / file).read_bytes() == (source / "01_a.ipynb").read_bytes()
        (mine / file).write_text("also worked on")
        assert not copy_notebooks(mine, source=source).newer
    assert (mine / "01_a.ipynb").read_text() == "my answers"
    assert (mine / "01_a.new.ipynb").read_text() == "also worked on"


def test_a_deleted_copy_comes_back(source, mine):
    copy_notebooks(mine, source=source)
    (mine / "01_a.ipynb").unlink()
    assert copy_notebooks(mine, source=source).copied == ["01_a.ipynb"]


@pytest.mark.parametrize("memory", ["", "[]", '{"01_a.ipynb": 3}'])
def test_a_damaged_memory_costs_no_work(source, mine, memory):
    copy_notebooks(mine, source=source)
    (mine / "01_a.ipynb").write_text("my answers")
    (mine / ".indexnet-edu" / "copied.json").write_text(memory)
    assert copy_notebooks(mine, source=source).newer == {"01_a.ipynb": "01_a.new.ipynb"}
    assert (mine / "01_a.ipynb").read_text() == "my answers"


def test_a_file_in_the_place_of_the_folder(source, mine):
    mine.write_text("")
    with pytest.raises(UserError, match="cannot write into .*my_work"):
        copy_notebooks(mine, source=source)


def test_nothing_in_the_command_asks_the_network(tmp_path):
    command = lab_command(tmp_path, ["--port=1234"], "01_a.ipynb")
    assert command[:4] == [sys.executable, "-P", "-m", "jupyterlab"]
    assert "--LabApp.news_url=None" in command
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in command
    assert command[-2:] == ["--LabApp.default_url=/lab/tree/01_a.ipynb", "--port=1234"]


def test_without_jupyterlab_there_is_a_remedy(monkeypatch, mine):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install jupyterlab"):
        start_lab(mine)
    assert not mine.exists()


@pytest.mark.slow
def test_the_kernel_of_a_real_lab_is_this_interpreter(source, mine, users_kernel):
    code = (
        "import sys; from indexnet_edu.course.lab import start_lab;"
        "start_lab(sys.argv[1], [sys.argv[2]], sys.argv[3:])"
    )
    root = Path(lab.__file__).resolve().parents[2]
    options = ["--no-browser", "--allow-root", "--port=0", "--IdentityProvider.token=secret"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(mine), str(source / "01_a.ipynb"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            **users_kernel,
            "PYTHONPATH": str(root),
            "JUPYTER_RUNTIME_DIR": str(mine),
        },
    )
    try:
        server = json.loads(wait_for(mine, "jpserver-*.json", process).read_text())
        specs = get(f"{server['url']}api/kernelspecs?token=secret")
        assert specs["kernelspecs"]["python3"]["spec"]["argv"][0] == sys.executable
        page = (
            urllib.request.urlopen(f"{server['url']}lab?token=secret", timeout=10).read().decode()
        )
        assert "@jupyterlab/apputils-extension:announcements" in page  # disabled: no news
        contents = get(f"{server['url']}api/contents?token=secret")
        assert "01_a.ipynb" in [entry["name"] for entry in contents["content"]]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def wait_for(folder: Path, pattern: str, process: subprocess.Popen) -> Path:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout and process.stdout.read()
        for path in folder.glob(pattern):
            if path.read_text().endswith("}"):
                return path
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not start")


def get(url: str) -> dict:
    deadline = time.monotonic() + 20
    while True:
        try:
            return json.load(urllib.request.urlopen(url, timeout=10))
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
