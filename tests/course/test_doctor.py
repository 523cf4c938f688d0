"""Each failure that the doctor knows is injected here, and must be found and come with a remedy."""

import importlib.metadata
import json
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from indexnet_edu.course import doctor
from indexnet_edu.errors import UserError
from indexnet_edu.paths import short
from indexnet_edu.tasks.reconstruction import fashion_mnist


def failures(checks: list[doctor.Check]) -> list[doctor.Check]:
    failed = [check for check in checks if check.status == "fail"]
    assert all(check.remedy for check in failed)
    return failed


def test_a_check_prints_as_one_line_with_its_remedy() -> None:
    assert str(doctor.Check("disk", "ok", "9 GB free")) == "[OK] disk: 9 GB free"
    assert str(doctor.Check("disk", "fail", "full", "tidy up")) == "[FAIL] disk: full -> tidy up"
    assert str(doctor.Check("chromium", "info", "none")) == "[--] chromium: none"


def test_json_holds_every_field() -> None:
    checks = [doctor.Check("disk", "fail", "full", "tidy up"), doctor.Check("memory", "ok", "8 GB")]
    assert json.loads(doctor.checks_to_json(checks)) == [
        {"name": "disk", "status": "fail", "message": "full", "remedy": "tidy up"},
        {"name": "memory", "status": "ok", "message": "8 GB", "remedy": ""},
    ]


def test_information_does_not_fail_the_machine() -> None:
    assert doctor.passed([doctor.Check("a", "ok", ""), doctor.Check("b", "info", "")])
    assert not doctor.passed([doctor.Check("a", "ok", ""), doctor.Check("b", "fail", "", "mend")])


def test_this_machine_passes(no_real_data: Path) -> None:
    checks = doctor.run_checks()
    assert not failures(checks), doctor.format_checks(checks)
    names = list(dict.fromkeys(check.name for check in checks))
    assert names == [
        "python", "environment", "packages", "kernel", "device", "data", "disk", "memory",
        "chromium",
    ]  # fmt: skip


def test_an_old_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 9, "final", 0))
    (check,) = failures(doctor.check_python())
    assert "3.10.9 is too old" in check.message and "3.11" in check.remedy


def test_no_virtual_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert doctor.check_python()[-1].status == "info"
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    assert doctor.check_python()[-1].message.startswith("conda environment")


def test_a_version_outside_its_range_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.version

    def version(name: str) -> str:
        return "2.5.1+cpu" if name == "torch" else installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    (check,) = failures(doctor.check_packages())
    assert check.message == "torch 2.5.1+cpu is outside >=2.6"
    assert "pip install 'torch>=2.6'" in check.remedy


def test_a_missing_package_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.metadata.version

    def version(name: str) -> str:
        if name == "papermill":
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    (check,) = failures(doctor.check_packages())
    assert check.message == "papermill is not installed"
    assert "pip install 'papermill>=" in check.remedy


@pytest.mark.parametrize("version", ["2.13.0+cpu", "2.13.0+cu130", "2.14.0a0+git1"])
def test_builds_of_torch_are_within_the_range(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(doctor, "runtime_requirements", lambda: ["torch>=2.6"])
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    assert not failures(doctor.check_packages())


def test_requirements_of_extras_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["torch>=2.6", "no-such-package>=1; extra == 'test'"]
    monkeypatch.setattr(doctor, "runtime_requirements", lambda: lines)
    (check,) = doctor.check_packages()
    assert check.status == "ok" and check.message.startswith("1 of 1")


def test_the_wheel_reads_its_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.paths, "checkout", lambda: None)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: [f"{name}-sentinel>=1"])
    assert doctor.runtime_requirements() == ["indexnet-edu-sentinel>=1"]


def kernelspec(folder: Path, *argv: str) -> None:
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    spec = {"argv": [*argv, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    (place / "kernel.json").write_text(json.dumps({**spec, "display_name": "Python 3"}))


def test_a_kernel_of_another_interpreter_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A foreign environment whose python links to the very same file is still another environment.
    foreign = tmp_path / "other" / "bin" / "python"
    foreign.parent.mkdir(parents=True)
    foreign.symlink_to(Path(sys.executable).resolve())
    kernelspec(tmp_path, str(foreign))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (check,) = failures(doctor.check_kernel())
    assert str(foreign) in check.message
    assert "kernelspec remove" in check.remedy and "ipykernel install" in check.remedy


def test_a_kernel_whose_interpreter_is_gone_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernelspec(tmp_path, str(tmp_path / "gone" / "python"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert failures(doctor.check_kernel())


@pytest.mark.parametrize("command", ["python", "python3", sys.executable])
def test_a_kernel_of_this_interpreter_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    kernelspec(tmp_path, command)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (check,) = doctor.check_kernel()
    assert check.status == "ok"


def test_no_kernel_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_client import kernelspec as jupyter

    def none(self: object, name: str) -> None:
        raise jupyter.NoSuchKernel(name)

    monkeypatch.setattr(jupyter.KernelSpecManager, "get_kernel_spec", none)
    (check,) = failures(doctor.check_kernel())
    assert "ipykernel install" in check.remedy


def test_a_broken_torch_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    (check,) = failures(doctor.check_device())
    assert "PyTorch does not start" in check.message


def test_the_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "CPU with" in doctor.check_device()[0].message
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert "MPS" in doctor.check_device()[0].message
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "GPU 9000")
    properties = SimpleNamespace(total_memory=80e9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    (check,) = doctor.check_device()
    assert check.status == "ok" and "GPU 9000 with 80 GB" in check.message


def test_a_damaged_embedded_set_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> None:
        raise UserError("the embedded set is damaged: install it again")

    monkeypatch.setattr(fashion_mnist, "load_embedded", damaged)
    (check,) = failures(doctor.check_embedded_data())
    assert (check.message, check.remedy) == ("the embedded set is damaged", "install it again")


def test_absent_real_data_is_information(no_real_data: Path) -> None:
    checks = doctor.check_real_data()
    assert checks and {check.status for check in checks} == {"info"}


def test_damaged_real_data_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path))
    (tmp_path / "fashion_mnist").mkdir()
    (tmp_path / "fashion_mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8bshort")
    (check,) = failures(doctor.check_real_data())
    assert "is damaged" in check.message and "data get fashion_mnist" in check.remedy


def test_found_real_data_is_named(real_data: Path) -> None:
    folder = short(real_data / "fashion_mnist")
    (found,) = [check for check in doctor.check_real_data() if folder in check.message]
    assert found.status == "ok"


def test_a_full_disk_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path / "not" / "yet" / "made"))
    asked: list[Path] = []

    def disk_usage(folder: Path) -> tuple[int, ...]:
        asked.append(folder)
        return usage(10**11, 10**11, int(1.9e9) if folder == tmp_path else 10**10)

    monkeypatch.setattr(doctor.shutil, "disk_usage", disk_usage)
    (check,) = failures(doctor.check_disk())
    assert asked == [Path.cwd(), tmp_path]
    assert check.message.startswith("1.9 GB free in the data folder")
    assert "needs 2 GB" in check.remedy


def test_little_memory_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(total=int(3.9e9), available=10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    (check,) = failures(doctor.check_memory())
    assert check.message.startswith("3.9 GB") and "4 GB" in check.remedy


def test_no_chromium_is_information(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_chromium", lambda: None)
    (check,) = doctor.check_chromium()
    assert check.status == "info" and "none found" in check.message


def test_an_unforeseen_error_leaves_the_other_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[doctor.Check]:
        raise OSError("no such luck")

    monkeypatch.setattr(doctor, "check_memory", broken)
    checks = doctor.run_checks()
    (check,) = [check for check in failures(checks) if check.name == "memory"]
    assert "OSError: no such luck" in check.message
    assert checks[-1].name == "chromium"
