"""pyproject.toml, requirements.lock and environment.yml hold together, and with the code."""

import ast
import importlib.metadata
import json
import re
import sys
import tomllib
from collections.abc import Iterator

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = [
    Requirement(line)
    for extra in PROJECT["optional-dependencies"].values()
    for line in extra
    if not line.startswith(PROJECT["name"])
]
LOCK = (ROOT / "requirements.lock").read_text().splitlines()
PINS = [line for line in LOCK if not line.startswith("#")]
# Conda's names where they differ: matplotlib-base leaves the Qt windows out.
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
# Started as programs; tensorboard is imported by PyTorch alone.
NOT_IMPORTED = {"jupyterlab", "ipykernel", "tensorboard"}


def pins() -> dict[str, str]:
    return dict(line.split("==") for line in PINS)


def test_the_lock_pins_torch_first() -> None:
    assert LOCK[0] == "torch==2.13.0"


def test_the_lock_is_plain_pins() -> None:
    for line in PINS:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*", line), line
    assert len(pins()) == len(PINS), "a package is pinned twice"


@pytest.mark.parametrize("requirement", [*RUNTIME, *EXTRAS], ids=str)
def test_every_requirement_is_locked_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_the_lock_is_closed() -> None:
    """Nothing that a pinned package needs here is left for pip to choose."""
    missing = set()
    for name in pins():
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker and not needed.marker.evaluate({"extra": ""}):
                continue
            # The CUDA build of PyTorch pins its own libraries exactly.
            if name != "torch" and canonicalize_name(needed.name) not in pins():
                missing.add(f"{needed.name}, for {name}")
    assert not missing


@pytest.mark.parametrize("requirement", RUNTIME, ids=str)
def test_every_requirement_has_an_open_range(requirement: Requirement) -> None:
    assert [bound.operator for bound in requirement.specifier] == [">="]


def test_environment_yml_asks_for_the_same() -> None:
    def name(requirement: Requirement) -> str:
        return canonicalize_name(CONDA_NAMES.get(requirement.name, requirement.name))

    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    assert environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    *from_pip, project = pip["pip"]
    assert project == "-e ."
    found = {name(r): r.specifier for r in map(Requirement, [*conda, *from_pip])}
    assert found.pop("python") == PROJECT["requires-python"]
    assert found.pop("pip") == ""
    tests = map(Requirement, PROJECT["optional-dependencies"]["test"])
    wanted = {name(r): r.specifier for r in [*RUNTIME, *tests]}
    assert found == wanted


def sources() -> Iterator[str]:
    for path in (ROOT / "indexnet_edu").rglob("*.py"):
        yield path.read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def test_the_code_imports_what_is_declared_and_no_more() -> None:
    imported = set()
    for source in sources():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"indexnet_edu"}
    provided = importlib.metadata.packages_distributions()
    used = {canonicalize_name(dist) for module in foreign for dist in provided[module]}
    declared = {canonicalize_name(requirement.name) for requirement in RUNTIME}
    assert used - declared == set(), "imported, not declared"
    assert declared - used - NOT_IMPORTED == set(), "declared, not imported"
