"""A process that dies anywhere in the writing of its files costs nothing but time."""

import builtins
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kills import kill_and_resume
from indexnet_edu import files
from indexnet_edu.engine import open_run, train
from tests.engine.toy import toy_task
from tests.forked import Value, forked

_DEAD = 9


class _Reaper:
    """Ends the process, as SIGKILL would, at a given one of the points that it is led past."""

    def __init__(self, last: int | None) -> None:
        self.last, self.passed = last, 0

    def point(self) -> None:
        self.passed += 1
        if self.passed == self.last:
            os._exit(_DEAD)

    def guarding(self, primitive: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.point()
            result = primitive(*arguments, **options)
            self.point()
            return result

        return call

    def open(self, path: Path, mode: str = "r") -> Any:
        file = builtins.open(path, mode)
        if "w" not in mode:
            return file
        whole = file.write

        class Torn:
            def __enter__(torn) -> "Torn":  # noqa: N805  # the reaper is self
                return torn

            def __exit__(torn, *_: object) -> None:  # noqa: N805
                file.close()

            def __getattr__(torn, name: str) -> Any:  # noqa: N805
                return getattr(file, name)

            def write(torn, content: bytes) -> None:  # noqa: N805
                self.point()
                whole(content[: len(content) // 2])
                file.flush()
                self.point()
                whole(content[len(content) // 2 :])
                self.point()

        return Torn()


def _train(folder: Path, last: int | None, points: Any) -> None:
    """Trains the toy in this process, which dies at the point ``last``; tells the points passed."""
    reaper = _Reaper(last)
    for module, name in ((os, "fsync"), (os, "replace"), (os, "mkdir"), (shutil, "rmtree")):
        setattr(module, name, reaper.guarding(getattr(module, name)))
    files.open = reaper.open
    train(toy_task(), "plain", "smoke", folder, resume=True, progress=False)
    points.value = reaper.passed


@pytest.mark.slow
def test_death_at_any_point_of_writing_costs_no_bit(tmp_path: Path) -> None:
    """Before, within and after every write, and before and after every fsync, rename and removal,
    of all checkpoints, the weights and the metrics."""
    points = Value("i", 0)

    def run(folder: Path, last: int | None) -> int | None:
        return forked(_train, folder, last, points, timeout=60).exitcode

    assert run(tmp_path / "whole", None) == 0
    whole, total = open_run(tmp_path / "whole"), points.value
    assert total > 60  # three checkpoints of three files, and all that comes before and after
    for last in range(1, total + 1):
        folder = tmp_path / f"died-at-{last}"
        assert run(folder, last) == _DEAD, last
        assert run(folder, None) == 0, last
        resumed = open_run(folder)
        assert resumed.weights.read_bytes() == whole.weights.read_bytes(), last
        assert resumed.curve == whole.curve and resumed.finished, last
        rest = [p.name for p in folder.rglob(".*") if p.name != ".lock"]
        assert not [name for name in rest if name.startswith(".step")], (last, rest)
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.usefixtures("no_real_data")
def test_kills_at_random_cost_no_bit(tmp_path: Path) -> None:
    report = kill_and_resume(3, tmp_path, random.Random(0))
    assert report.kills == 3 and report.finished >= 1 and report.identical == report.finished
