"""Progress: what is kept between notebooks, and what no damaged file can take away."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
import torch

from indexnet_edu.exercises import check, progress_card
from indexnet_edu.exercises.progress import FILE, LearnerProgress
from indexnet_edu.indexing import max_index_map
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("shown")


def stub(x):
    raise NotImplementedError


def wrong(x):
    return torch.zeros_like(x)


def test_unsolved_notebooks_leave_no_file(shown, tmp_path):
    check("1.1", stub)
    progress_card()
    assert list(tmp_path.iterdir()) == []
    assert "○ 1.1" in shown[-1].text


def test_attempts_are_counted_and_solved_stays_solved(shown, tmp_path):
    for answer in (wrong, max_index_map, wrong, stub):
        check("1.1", answer)
    check("1.2", wrong)
    stored = json.loads((tmp_path / FILE).read_text())["exercises"]
    assert stored["1.1"]["attempts"] == 3 and stored["1.1"]["solved"]
    assert stored["1.2"] == {"attempts": 1, "solved": None}
    progress_card()
    assert shown[-1].text.startswith("1 of ")
    assert "✓ 1.1  ✗ 1.2  ○ 1.3" in shown[-1].text
    assert {p.name for p in tmp_path.iterdir()} == {FILE, f"{FILE}.lock"}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"exercises": 3}',
        b'{"exercises": {"1.1": 3}}',
        b'{"exercises": {"1.1": {"attempts": "many"}}}',
        b'{"exercises": {"1.1": {"attempts": 1, "colour": "red"}}}',
        b'{"exercises": {"1.1": {"attempts": -1}}}',
        b'{"exercises": {"1.1": {"attempts": true}}}',
        b'{"exercises": {"1.1": {"attempts": 1' + b"0" * 300 + b"}}}",
        b'{"exercises": {"1.1": {"attempts": 1' + b"0" * 5000 + b"}}}",
        b'{"exercises": {"1.1": {"attempts": 1, "solved": ["yes"]}}}',
        b'{"exercises": {"1.1": ["attempts"]}}',
        b'{"nbformat": 4, "cells": []}',
        b"[" * 200_000,
        b'{"exercises": ' + b'{"1.1": ' * 200_000,
        b"{" + b" " * 2_000_000 + b"}",
    ],
    ids=lambda data: str(data[:40]),
)
def test_a_damaged_file_is_set_aside(shown, tmp_path, damaged: bytes):
    (tmp_path / FILE).write_bytes(damaged)
    check("1.1", max_index_map)
    assert "damaged. It now lies in .indexnet-progress.json.damaged1" in shown[0].text
    assert (tmp_path / f"{FILE}.damaged1").read_bytes() == damaged
    assert LearnerProgress().mark("1.1") == "right"
    (tmp_path / FILE).write_bytes(damaged)
    progress_card()
    assert "damaged2" in shown[-1].text and "damaged2" in shown[-1].html
    assert (tmp_path / f"{FILE}.damaged2").read_bytes() == damaged


def test_a_folder_in_the_way_is_set_aside_too(tmp_path):
    (tmp_path / FILE).mkdir()
    assert LearnerProgress().set_aside == tmp_path / f"{FILE}.damaged1"


def test_a_pipe_in_the_way_is_not_waited_for(shown, tmp_path):
    os.mkfifo(tmp_path / FILE)
    check("1.1", max_index_map)
    assert shown[0].text.startswith("✓")
    assert LearnerProgress().mark("1.1") == "right"


def test_exercises_of_another_version_are_kept(shown, tmp_path):
    stored = {"exercises": {"77.1": {"attempts": 3, "solved": "2031-01-01T00:00:00"}}}
    (tmp_path / FILE).write_text(json.dumps(stored))
    check("1.1", wrong)
    kept = json.loads((tmp_path / FILE).read_text())["exercises"]
    assert kept["77.1"] == stored["exercises"]["77.1"] and kept["1.1"]["attempts"] == 1
    progress_card()
    assert "77.1" not in shown[-1].text


def test_notebooks_at_once_lose_nothing(tmp_path):
    """Each process is a notebook; all of them count attempts as fast as they can."""
    code = """
from indexnet_edu.exercises.progress import LearnerProgress
import sys
for number in range(10):
    LearnerProgress().add(sys.argv[1], right=number == 5)
    LearnerProgress().add("1.1", right=False)
"""
    ids = ("1.2", "1.3", "1.4")
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    notebooks = [
        subprocess.Popen(
            [sys.executable, "-c", code, exercise_id],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": search},
        )
        for exercise_id in ids
    ]
    assert [notebook.wait(120) for notebook in notebooks] == [0, 0, 0]
    progress = LearnerProgress(tmp_path)
    assert progress.records["1.1"].attempts == 30
    assert all(progress.records[each].attempts == 10 for each in ids)
    assert [progress.mark(each) for each in ids] == ["right"] * 3


def test_a_notebook_that_was_opened_earlier_loses_nothing(tmp_path):
    early = LearnerProgress()
    LearnerProgress().add("1.1", right=True)
    early.add("1.2", right=False)
    assert LearnerProgress().mark("1.1") == "right" and LearnerProgress().mark("1.2") == "wrong"


def test_a_damaged_file_that_another_notebook_has_replaced_is_not_moved(tmp_path, monkeypatch):
    """Between the reading and the moving, the other one was quicker."""
    (tmp_path / FILE).write_text("{")
    other = LearnerProgress._alone

    def slow(self):
        monkeypatch.setattr(LearnerProgress, "_alone", other)
        LearnerProgress().add("1.1", right=True)
        return other(self)

    monkeypatch.setattr(LearnerProgress, "_alone", slow)
    late = LearnerProgress()
    assert late.set_aside is None and late.mark("1.1") == "right"


def test_a_file_system_without_locks_still_keeps_progress(monkeypatch):
    def lockless(*_, **__):
        raise NotImplementedError("no flock here")

    monkeypatch.setattr("filelock.FileLock.acquire", lockless)
    LearnerProgress().add("1.1", right=True)
    assert LearnerProgress().mark("1.1") == "right"


def test_a_notebook_that_hangs_with_the_lock_is_not_waited_for(shown, monkeypatch):
    monkeypatch.setattr("indexnet_edu.exercises.progress._PATIENCE", 0.1)
    with LearnerProgress()._alone():
        check("1.1", max_index_map)
    assert shown[0].text.startswith("✓") and "could not be kept" in shown[0].text


def test_a_folder_that_is_gone(shown, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    check("1.1", max_index_map)
    progress_card()
    assert shown[0].text.startswith("✓") and "could not be kept" in shown[0].text
    assert "cannot be read" in shown[1].text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(shown, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        check("1.1", max_index_map)
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert shown[0].text.startswith("✓") and "could not be kept" in shown[0].text


def test_a_full_disk_is_said_on_the_card(shown, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    check("1.1", max_index_map)
    assert shown[0].text.startswith("✓") and "could not be kept" in shown[0].text
