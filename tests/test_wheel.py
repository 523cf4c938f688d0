"""A plain installation of the wheel is the whole course: no checkout, no network, no real data."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installation:
    """A fresh environment that holds the wheel, and an empty folder to work in."""

    environment: Path
    work: Path
    no_data: Path

    def __call__(self, program: str, *arguments: str, timeout: float = 300) -> str:
        """The standard output of one of the environment's programs, which must succeed."""
        variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=self.work,
            env={**variables, "INDEXNET_DATA": str(self.no_data)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    pip = [sys.executable, "-m", "pip", "wheel", *offline, "-w", str(folder), str(ROOT)]
    subprocess.run(pip, check=True, timeout=300)
    (built,) = folder.glob("indexnet_edu-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    root = tmp_path_factory.mktemp("installed")
    environment, work, no_data = root / "environment", root / "work", root / "no_data"
    work.mkdir()
    no_data.mkdir()
    venv.create(environment, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True, timeout=300)
    # The requirements are lent. A .pth file inside a lent folder is not read, so the editable
    # installation of the checkout stays out.
    variables = {"base": str(environment), "platbase": str(environment)}
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    purelib = Path(sysconfig.get_path("purelib", "venv", variables))
    (purelib / "lent.pth").write_text("\n".join(sorted(lent)) + "\n")
    return Installation(environment, work, no_data)


def files_of(folder: str) -> set[str]:
    """What git knows below a top-level folder, else (in an unpacked archive) what lies there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True
    )
    if listing.returncode == 0:
        return set(filter(None, listing.stdout.split("\0")))
    return {str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*") if path.is_file()}


def test_the_wheel_carries_package_notebooks_and_data_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assets = {f"indexnet_edu/_assets/{name}" for name in files_of("notebooks") | files_of("data")}
    assert len(assets) > 2
    assert assets | files_of("indexnet_edu") <= names
    assert {name.partition("/")[0] for name in names} == {"indexnet_edu"}


def test_it_is_the_installed_package_that_runs(installed: Installation) -> None:
    code = "import indexnet_edu.paths as p; print(p.__file__, p.asset('notebooks'), p.checkout())"
    module, notebooks, checkout = installed("python", "-c", code).split()
    assert Path(module).is_relative_to(installed.environment)
    assert Path(notebooks).is_relative_to(installed.environment) and Path(notebooks).is_dir()
    assert checkout == "None"


def test_doctor(installed: Installation) -> None:
    report = installed("indexnet-edu", "doctor")
    assert "[FAIL]" not in report
    assert str(installed.environment / "bin" / "python") in report
    assert "[OK] kernel: python3 is this interpreter" in report


def test_train_evaluate_and_table(installed: Installation) -> None:
    task = ["reconstruction", "maxpool_maxunpool"]
    installed("indexnet-edu", "train", *task, "--profile", "smoke", "--out", "runs/maxpool")
    run = installed.work / "runs" / "maxpool"
    assert (run / "weights.safetensors").is_file()
    recorded = json.loads((run / "metrics.json").read_text())
    assert recorded["psnr"] > 0
    installed("indexnet-edu", "evaluate", "runs/maxpool")
    assert "maxpool_maxunpool" in installed("indexnet-edu", "table", "3", "--runs", "runs")


def test_table_3_without_any_run(installed: Installation) -> None:
    assert "maxpool_maxunpool" in installed("indexnet-edu", "table", "3")


@pytest.mark.notebook
def test_a_notebook(installed: Installation) -> None:
    arguments = ["00_setup_and_tour", "--profile", "smoke", "--out", "course"]
    installed("indexnet-edu", "run", *arguments, timeout=900)
    (executed,) = (installed.work / "course").rglob("00_setup_and_tour*.ipynb")
    cells = json.loads(executed.read_text())["cells"]
    assert any(cell["cell_type"] == "code" and cell["execution_count"] for cell in cells)
