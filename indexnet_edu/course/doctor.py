"""Does this machine work? One check a question, one line a check, a remedy for each failure."""

import importlib.metadata
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from indexnet_edu import paths
from indexnet_edu.course.chromium import find_chromium
from indexnet_edu.errors import UserError

PYTHON = (3, 11)
DISK_GB = 2.0
MEMORY_GB = 4.0
_GB = 1e9
_MARKS = {"ok": "[OK]", "fail": "[FAIL]", "info": "[--]"}
# A kernel's command by one of these names runs the interpreter that starts it (jupyter_client).
_MAJOR, _MINOR = sys.version_info[:2]
_THIS_PYTHON = {"python", f"python{_MAJOR}", f"python{_MAJOR}.{_MINOR}"}


@dataclass(frozen=True)
class Check:
    """One answer: ``fail`` always has a remedy, ``info`` neither passes nor fails."""

    name: str
    status: Literal["ok", "fail", "info"]
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" -> {self.remedy}" if self.remedy else ""
        return f"{_MARKS[self.status]} {self.name}: {self.message}{remedy}"


def run_checks() -> list[Check]:
    """Every check, in the order in which a failure should be mended. None of them raises."""
    sections: list[tuple[str, Callable[[], Iterable[Check]]]] = [
        ("python", check_python),
        ("packages", check_packages),
        ("kernel", check_kernel),
        ("device", check_device),
        ("data", check_embedded_data),
        ("data", check_real_data),
        ("disk", check_disk),
        ("memory", check_memory),
        ("chromium", check_chromium),
    ]
    return [check for name, section in sections for check in _guarded(name, section)]


def passed(checks: Iterable[Check]) -> bool:
    """True when no check failed."""
    return all(check.status != "fail" for check in checks)


def format_checks(checks: Iterable[Check]) -> str:
    """One line a check: ``[OK] …``, ``[FAIL] … -> remedy`` or ``[--] …`` for information."""
    return "\n".join(map(str, checks))


def checks_to_json(checks: Iterable[Check]) -> str:
    """A JSON list with one object a check: name, status, message, remedy."""
    return json.dumps([asdict(check) for check in checks], indent=2)


def check_python() -> list[Check]:
    """The interpreter's version, and whether it belongs to an environment of its own."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON:
        needed = ".".join(map(str, PYTHON))
        return [
            Check(
                "python",
                "fail",
                f"{version} is too old",
                f"install Python {needed} or newer and make the environment again with it",
            )
        ]
    checks = [Check("python", "ok", f"{version} at {paths.short(sys.executable)}")]
    if sys.prefix != sys.base_prefix:
        checks.append(Check("environment", "ok", f"virtual environment {paths.short(sys.prefix)}"))
    elif os.environ.get("CONDA_PREFIX"):
        checks.append(Check("environment", "ok", f"conda environment {paths.short(sys.prefix)}"))
    else:
        checks.append(
            Check("environment", "info", "no virtual environment; `make setup` makes one in .venv")
        )
    return checks


def check_packages() -> list[Check]:
    """The installed version of every runtime requirement against its range."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in runtime_requirements()]
    applying = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    checks = []
    for requirement in applying:
        name, wanted = requirement.name, str(requirement.specifier) or "any version"
        install = f"`{sys.executable} -m pip install '{name}{requirement.specifier}'`"
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check("packages", "fail", f"{name} is not installed", install))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            message = f"{name} {version} is outside {wanted}"
            checks.append(Check("packages", "fail", message, install))
    within = f"{len(applying) - len(checks)} of {len(applying)} requirements within their ranges"
    return [*checks, Check("packages", "info" if checks else "ok", within)]


def runtime_requirements() -> list[str]:
    """The project's requirements, from pyproject.toml in a checkout, else from the metadata.

    A checkout's own file comes first since an editable install keeps the ranges of the day it was
    made.
    """
    if root := paths.checkout():
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return list(project["dependencies"])
    return importlib.metadata.requires("indexnet-edu") or []


def check_kernel() -> list[Check]:
    """Whether notebooks that ask for the ``python3`` kernel get this interpreter."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    install = f"`{sys.executable} -m ipykernel install --sys-prefix`"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return [Check("kernel", "fail", "Jupyter knows no python3 kernel", install)]
    command = spec.argv[0] if spec.argv else ""
    if command in _THIS_PYTHON or _same_environment(command):
        return [Check("kernel", "ok", "python3 is this interpreter")]
    remove = f"`{sys.executable} -m jupyter kernelspec remove -f python3`"
    place, runs = paths.short(spec.resource_dir), command or "nothing"
    message = f"python3 in {place} runs {runs}, not this interpreter"
    return [Check("kernel", "fail", message, f"{remove}, then {install}")]


def _same_environment(command: str) -> bool:
    """Whether ``command`` is a Python of this environment.

    The folders are compared, not the files: every virtual environment's ``python`` is a link to the
    same system interpreter.
    """
    found = shutil.which(command)
    if found is None:
        return False
    return Path(found).parent.resolve() == Path(sys.executable).parent.resolve()


def check_device() -> list[Check]:
    """What the networks will run on. A CPU is enough for the whole course."""
    try:
        import torch
    except (ImportError, OSError) as error:
        remedy = f"`{sys.executable} -m pip install --force-reinstall torch`"
        return [Check("device", "fail", f"PyTorch does not start ({error})", remedy)]
    if torch.cuda.is_available():
        gigabytes = torch.cuda.get_device_properties(0).total_memory / _GB
        name = torch.cuda.get_device_name(0)
        return [Check("device", "ok", f"CUDA, {name} with {gigabytes:.0f} GB; --profile gpu")]
    if torch.backends.mps.is_available():
        return [Check("device", "ok", "Apple MPS; --profile cpu, or gpu with patience")]
    return [Check("device", "ok", f"CPU with {os.cpu_count()} cores; --profile smoke or cpu")]


def check_embedded_data() -> list[Check]:
    """The embedded set, on which the whole course runs, must be intact."""
    from indexnet_edu.tasks.reconstruction.fashion_mnist import load_embedded

    try:
        return [Check("data", "ok", f"{load_embedded().name}, embedded, intact")]
    except UserError as error:
        message, _, remedy = str(error).partition(": ")
        return [Check("data", "fail", message, remedy)]


def check_real_data() -> list[Check]:
    """Which real data sets are here and where; absent ones are told, damaged ones fail."""
    from indexnet_edu.datasets import load_catalogue

    checks = []
    for name, dataset in load_catalogue().items():
        status, get = dataset.status(), f"`indexnet-edu data get {name}`"
        folder = paths.short(dataset.folder())
        if status == "present":
            checks.append(Check("data", "ok", f"{dataset.title} in {folder}"))
        elif status == "damaged":
            message = f"{dataset.title} in {folder} is damaged"
            checks.append(Check("data", "fail", message, get))
        else:
            message = f"{dataset.title} is not in {folder}; {get} fetches it or says how"
            checks.append(Check("data", "info", message))
    return checks


def check_disk() -> list[Check]:
    """Free space where runs are written and where data sets are kept."""
    checks = []
    for use, folder in (("working folder", Path.cwd()), ("data folder", paths.data_folder())):
        free = shutil.disk_usage(_nearest_existing(folder)).free / _GB
        message = f"{free:.1f} GB free in the {use} {paths.short(folder)}"
        if free < DISK_GB:
            remedy = f"free some space there: the course needs {DISK_GB:.0f} GB"
            checks.append(Check("disk", "fail", message, remedy))
        else:
            checks.append(Check("disk", "ok", message))
    return checks


def _nearest_existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def check_memory() -> list[Check]:
    """The machine's memory."""
    import psutil

    memory = psutil.virtual_memory()
    message = f"{memory.total / _GB:.1f} GB, {memory.available / _GB:.1f} GB of it available"
    if memory.total / _GB < MEMORY_GB:
        remedy = f"use a machine with {MEMORY_GB:.0f} GB or more: training would swap"
        return [Check("memory", "fail", message, remedy)]
    return [Check("memory", "ok", message)]


def check_chromium() -> list[Check]:
    """The browser that the project's own tests drive; the course itself needs none."""
    found = find_chromium()
    message = found or "none found; only the project's browser tests need one"
    return [Check("chromium", "info", message)]


def _guarded(name: str, section: Callable[[], Iterable[Check]]) -> list[Check]:
    """A section's checks; an unforeseen error is a failed check, and the others still report."""
    try:
        return list(section())
    except Exception as error:
        message = f"could not be checked ({type(error).__name__}: {error})"
        return [Check(name, "fail", message, "run `make setup` again, or report this line")]
