"""Running notebooks: what goes wrong is named, the rest still runs, and nothing is left behind."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from indexnet_edu.course import execute
from indexnet_edu.course.execute import run_course
from indexnet_edu.course.progress import Progress
from indexnet_edu.course.state import State
from indexnet_edu.errors import UsageError, UserError
from tests.course.conftest import write_notebook

pytestmark = pytest.mark.slow

GOOD = (
    "# Text",
    "import os, sys\nopen('relative.txt', 'w').write(sys.executable)\nprint(profile, seed)",
    "from indexnet_edu.course.results import report\n"
    "report('Answer', data='none', profile=profile, value=42)",
)


@pytest.fixture(scope="module")
def course(tmp_path_factory, users_kernel):
    """One run over notebooks of all kinds: (report, out, source, what was told)."""
    source, out = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("o") / "out {1}"
    write_notebook(source / "01_good.ipynb", *GOOD)
    write_notebook(source / "02_bad.ipynb", "# Text", "x = 1\nraise ValueError('two\\nlines')", "2")
    write_notebook(source / "03_hangs.ipynb", "import time\ntime.sleep(600)")
    write_notebook(source / "04_nothing.ipynb")
    write_notebook(source / "05_empty.ipynb", "# Text", parameters=None)
    write_notebook(source / "06_dies.ipynb", "import os\nos.kill(os.getpid(), 9)")
    (source / "07_broken.ipynb").write_text("{")
    write_notebook(source / "08_leaves.ipynb", "raise SystemExit(0)", "1")
    told: list[Progress] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in users_kernel.items():
            patch.setenv(name, value)
        report = run_course(
            None, "smoke", out, folder=source, execution_timeout=2, on_progress=told.append
        )
    return report, out, source, told


def test_every_notebook_has_its_row(course):
    rows = {row.name: (row.status, row.error) for row in course[0].rows}
    assert rows == {
        "01_good": ("ok", None),
        "02_bad": ("failed", "cell 3 of 4 `x = 1`: ValueError: two lines"),
        "03_hangs": ("timeout", "cell 3 of 3 `import time`: still running after 2 s"),
        "04_nothing": ("failed", "no cell was executed besides the parameters"),
        "05_empty": ("failed", "there is no code cell in it to run"),
        "06_dies": (
            "failed",
            "cell 3 of 3 `import os`: DeadKernelError: the kernel died; is there enough memory?",
        ),
        "07_broken": (
            "failed",
            "07_broken.ipynb is not a notebook: Notebook does not appear to be JSON: '{'",
        ),
        "08_leaves": ("failed", "cell 3 of 4 `raise SystemExit(0)`: SystemExit: 0"),
    }
    assert not course[0].ok


def test_the_number_of_a_cell_is_the_one_in_the_copy(course):
    cells = json.loads((course[1] / "02_bad.ipynb").read_text())["cells"]
    failed = [c for c in cells if any(o["output_type"] == "error" for o in c.get("outputs", ()))]
    assert [cell["execution_count"] for cell in failed] == [3]


def test_the_kernel_is_this_interpreter_and_runs_in_the_folder(course):
    assert (course[1] / "relative.txt").read_text() == sys.executable


def test_the_profile_arrives(course):
    assert "smoke 0" in (course[1] / "01_good.ipynb").read_text()


def test_progress_is_told_cell_by_cell(course):
    told = [p for p in course[3] if p.name == "01_good"]
    assert told[0].status == "started" and told[-1].status == "ok"
    assert {(p.cell, p.cells) for p in told if p.status == "running"} >= {(1, 4), (4, 4)}


def test_the_report_is_json(course):
    report = json.loads(json.dumps(course[0].as_dict()))
    assert report["profile"] == "smoke" and report["ok"] is False
    assert list(report["notebooks"][0]) == ["name", "status", "seconds", "error"]


def test_the_index_page_names_what_failed(course):
    page = (course[1] / "index.html").read_text()
    assert "ValueError: two lines" in page and "Answer" in page and "value: 42" in page


def test_a_second_run_does_only_what_is_missing(course):
    _, out, source, _ = course
    before = (out / "01_good.ipynb").stat().st_mtime_ns
    report = run_course(["1"], "smoke", out, folder=source)
    assert [(row.name, row.status) for row in report.rows] == [("01_good", "skipped")]
    assert report.ok and (out / "01_good.ipynb").stat().st_mtime_ns == before


def test_a_changed_copy_is_made_again(course):
    _, out, source, _ = course
    copy = out / "01_good.ipynb"
    copy.write_text(copy.read_text().replace("smoke 0", "smoke 1"))
    assert run_course(["01"], "smoke", out, folder=source).rows[0].status == "ok"
    assert "smoke 0" in copy.read_text()


def test_rerun_and_parameters_run_again(course):
    _, out, source, _ = course
    report = run_course(["01"], "smoke", out, folder=source, parameters={"seed": 7}, rerun=True)
    assert report.rows[0].status == "ok" and "smoke 7" in (out / "01_good.ipynb").read_text()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"profile": "fast"}, UsageError, "no profile 'fast'; choose from smoke, cpu, gpu"),
        ({"notebooks": ["99"]}, UsageError, "no notebook '99'; choose from 01_a, 02_b"),
        ({"notebooks": ["nowhere.ipynb"]}, UsageError, "no notebook 'nowhere.ipynb'"),
        (
            {"parameters": {"sede": 1}},
            UserError,
            "01_a has no parameter sede; it has profile, seed",
        ),
        ({"parameters": {"seed": "x"}}, UserError, "01_a: seed takes a value of type int, not 'x'"),
        ({"parameters": {"profile": "cpu"}}, UsageError, "chosen with --profile"),
    ],
)
def test_wrong_use_is_one_line_before_anything_runs(tmp_path, arguments, error, message):
    for name in ("01_a", "02_b"):
        write_notebook(tmp_path / "source" / f"{name}.ipynb", "1")
    call = {"notebooks": None, "profile": "smoke", **arguments}
    with pytest.raises(error) as raised:
        run_course(**call, out=tmp_path / "out", folder=tmp_path / "source")
    assert message in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_refused(tmp_path):
    paths = [write_notebook(tmp_path / folder / "n.ipynb", "1") for folder in ("a", "b")]
    with pytest.raises(UsageError, match="have the same name"):
        run_course(paths, "smoke", tmp_path / "out")


def test_the_sources_are_never_overwritten(tmp_path):
    path = write_notebook(tmp_path / "n.ipynb", "1")
    with pytest.raises(UserError, match="holds the notebooks themselves"):
        run_course([path], "smoke", tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    path = write_notebook(tmp_path / "source" / "n.ipynb", "1")
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match="cannot write into .*out: .*choose another --out"):
        run_course([path], "smoke", tmp_path / "out")


@contextmanager
def no_superuser():
    """Permissions bind: root reads and writes everywhere, so it steps down for a moment."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = write_notebook(folder / "source" / "n.ipynb", "1")
        (folder / "out").mkdir(mode=0o555)
        with no_superuser(), pytest.raises(UserError, match="out: Permission denied"):
            run_course([path], "smoke", folder / "out")


def test_a_full_disk_is_one_line(tmp_path):
    """A limit on the size of files fails writes as a full disk does."""
    path = write_notebook(tmp_path / "source" / "n.ipynb", "print('x' * 200_000)")
    run = subprocess.run(
        [*COMMAND, str(path), "--profile", "smoke", "--out", str(tmp_path / "out")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True,
        text=True,
        timeout=120,
        env=ENVIRONMENT,
    )
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        f"indexnet-edu: cannot write into {tmp_path / 'out'}: File too large; "
        "make room there or choose another --out"
    )


def test_a_folder_in_use_is_refused(tmp_path):
    path = write_notebook(tmp_path / "source" / "n.ipynb", "1")
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another run is using .*out"):
            run_course([path], "smoke", tmp_path / "out")


def test_the_notebook_timeout_kills_all_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "_GRACE", 0.5)
    path = write_notebook(
        tmp_path / "source" / "n.ipynb",
        "import os, signal, subprocess, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "time.sleep(600)",
    )
    pids = tmp_path / "out" / "pids"

    def let_time_run_out(progress: Progress) -> None:
        if progress.status == "running" and pids.exists():
            monkeypatch.setattr(execute._Attempt, "seconds", 601.0)

    report = run_course(
        [path],
        "smoke",
        tmp_path / "out",
        notebook_timeout=600,
        on_progress=let_time_run_out,
    )
    assert report.rows[0].status == "timeout"
    assert report.rows[0].error == (
        "cell 3 of 3 `import os, signal, subprocess, time`: stopped, the notebook had run for 600 s"
    )
    assert gone(pids.read_text().split())


ROOT = Path(execute.__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "indexnet_edu", "run"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def gone(pids: list[str], seconds: float = 10.0) -> bool:
    """Whether the processes end soon; one that nobody has waited for yet has ended as well."""

    def alive(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    deadline = time.monotonic() + seconds
    while left := [pid for pid in pids if alive(int(pid))]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return not left


@contextmanager
def running_course(tmp_path: Path):
    """The command line, once its second notebook hangs: its process, out, the kernel's pids."""
    out, source = tmp_path / "out", tmp_path / "source"
    first = write_notebook(source / "1_good.ipynb", "1")
    second = write_notebook(
        source / "2_hangs.ipynb",
        "import os, time\n"
        "open('pids', 'w').write(f'{os.getpid()} {os.getppid()}')\n"
        "try:\n"
        "    time.sleep(600)\n"
        "except KeyboardInterrupt:\n"
        "    open('saved', 'w').close()\n"
        "    raise",
    )
    process = subprocess.Popen(
        [*COMMAND, str(first), str(second), "--profile", "smoke", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        # What runs in the background of a script inherits that Ctrl-C is ignored, these tests too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        deadline = time.monotonic() + 60
        while not ((out / "pids").exists() and (out / "pids").read_text().count(" ")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        yield process, out, (out / "pids").read_text().split()
    finally:
        process.kill()
        process.communicate()


def test_an_interrupt_keeps_what_is_done(tmp_path):
    with running_course(tmp_path) as (process, out, pids):
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert gone(pids)
    assert (out / "saved").exists()  # the cell itself was interrupted, and could save
    entries = State.load(out).entries
    assert {name: entry.status for name, entry in entries.items()} == {
        "1_good": "ok",
        "2_hangs": "interrupted",
    }
    assert "interrupted in cell 3 of 3" in (out / "index.html").read_text()
    report = run_course([tmp_path / "source" / "1_good.ipynb"], "smoke", out)
    assert report.rows[0].status == "skipped"


def test_nothing_survives_a_killed_run(tmp_path):
    with running_course(tmp_path) as (process, out, pids):
        process.kill()
        process.wait()
        assert gone(pids)
    assert State.load(out).entries["1_good"].status == "ok"
