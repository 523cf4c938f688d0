"""The house's floors: a room imports from floors below its own only, lazily or not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexnet_edu.tasks import TASKS
from tests.conftest import ROOT

PACKAGE = ROOT / "indexnet_edu"

#: From the ground up, as docs/architecture.md shows them; rooms of one floor do not know each
#: other.
FLOORS = (
    ("errors", "files", "paths", "__init__"),
    ("checksums", "images", "metrics"),
    ("datasets", "indexing"),
    ("resampling",),
    ("backbones", "engine"),
    ("records",),
    ("complexity",),
    ("tasks",),
    ("viz",),
    ("course",),
    ("lessons",),
    ("exercises",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> Iterator[tuple[str, ...]]:
    """The modules of the package that a file imports anywhere, as their parts below it."""
    here = ("indexnet_edu", *file.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            # ``from . import files`` names a room, ``from . import __version__`` the ground.
            targets = [base if len(base) > 1 else (*base, alias.name) for alias in node.names]
        else:
            continue
        for target in targets:
            if target[0] == "indexnet_edu":
                yield tuple(target[1:]) if target[1:2] != ("__version__",) else ("__init__",)


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_a_floor() -> None:
    assert {room_of(file) for file in files()} <= FLOOR.keys()


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_arrows_point_downwards(file: Path) -> None:
    room = room_of(file)
    for target in imported(file):
        other = target[0] if target else "__init__"
        assert other == room or FLOOR[other] < FLOOR[room], f"{room} imports {'.'.join(target)}"


def test_a_task_knows_no_other_task() -> None:
    for file in (PACKAGE / "tasks").rglob("*/*.py"):
        own = file.relative_to(PACKAGE / "tasks").parts[0]
        others = {target[1] for target in imported(file) if target[0] == "tasks" and target[1:]}
        assert others <= {own}, file


def test_rooms_below_the_tasks_name_none() -> None:
    names = re.compile("|".join(TASKS))
    for room in ("engine", "records", "complexity", "metrics.py"):
        place = PACKAGE / room
        for file in place.rglob("*.py") if place.is_dir() else [place]:
            code = ast.parse(file.read_text(encoding="utf-8"))
            words = {
                node.value
                for node in ast.walk(code)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            } - {ast.get_docstring(node, clean=False) for node in ast.walk(code)
                 if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))}  # fmt: skip
            assert not [word for word in words if names.search(word)], file


def test_a_lazy_import_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    file = tmp_path / "engine" / "x.py"
    file.parent.mkdir()
    file.write_text(
        "def f():\n    from ..tasks import TASKS\n    from .. import cli, __version__\n"
    )
    assert list(imported(file)) == [("tasks",), ("cli",), ("__init__",)]
