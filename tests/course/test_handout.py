"""Handouts: copies without solutions, and never over anybody's work."""

import json
from pathlib import Path

import nbformat
import pytest

from indexnet_edu.course.handout import make_handout, make_handouts
from indexnet_edu.course.notebooks import list_notebooks
from indexnet_edu.errors import UserError


def test_a_handout_has_no_solutions(tmp_path):
    path = make_handout("01", tmp_path / "handouts")
    assert path == tmp_path / "handouts" / "01_upsampling_is_indexing.ipynb"
    copy = nbformat.read(path, as_version=4)
    nbformat.validate(copy)
    assert copy.cells and not any("solution" in c.metadata.get("tags", ()) for c in copy.cells)
    assert "def solution_1" not in path.read_text()
    assert 'check(\\"1.1\\"' in path.read_text()
    assert all(not c.outputs for c in copy.cells if c.cell_type == "code")


def test_a_handout_never_overwrites_work(tmp_path):
    path = make_handout("01", tmp_path / "mine.ipynb")
    path.write_text("my work")
    with pytest.raises(UserError, match="is there already"):
        make_handout("01", path)
    assert path.read_text() == "my work"
    make_handout("01", path, overwrite=True)
    with pytest.raises(UserError, match="the notebook itself"):
        make_handout(path, path, overwrite=True)
    with pytest.raises(UserError, match="choose from"):
        make_handout("99", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot"):
        make_handout("01", tmp_path / "file" / "below")


def test_one_copy_in_the_way_stops_all(tmp_path):
    (tmp_path / "02_blind_and_guided.ipynb").write_text("my work")
    with pytest.raises(UserError, match="02_blind_and_guided.ipynb is there already"):
        make_handouts(["01", "02"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["02_blind_and_guided.ipynb"]


def test_the_command_from_first_copy_to_overwriting(cli, tmp_path):
    out = tmp_path / "class of May"
    first = json.loads(cli("handout", "--out", out, "--json").stdout)
    names = [notebook.name for notebook in list_notebooks()]
    assert [each["notebook"] for each in first] == names
    assert {each["status"] for each in first} == {"written"}
    assert all(Path(each["path"]).parent == out for each in first)

    mine = out / f"{names[1]}.ipynb"
    mine.write_text("my work")
    refused = cli("handout", "--out", out)
    assert refused.returncode == 1 and refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1 and "--overwrite" in refused.stderr
    assert str(mine) in refused.stderr and mine.read_text() == "my work"

    again = cli("handout", "0", "1", "--out", out, "--overwrite")
    assert again.returncode == 0
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["unchanged", "replaced"]
    assert mine.read_text() != "my work"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [(["99"], 2, "choose from"), (["1", "--out", "/proc/handouts"], 1, "cannot write into")],
)
def test_a_mistake_is_one_line(cli, tmp_path, arguments, code, says):
    result = cli("handout", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (code, "")
    assert len(result.stderr.splitlines()) == 1 and says in result.stderr
    assert not list(tmp_path.iterdir())
