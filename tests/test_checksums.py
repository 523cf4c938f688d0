"""Checksums of large files are kept; what is kept never makes a bad file good or a good one bad."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from indexnet_edu import checksums, datasets
from indexnet_edu.datasets import DataFile, Dataset

CONTENT = bytes(range(256)) * 8192  # 2 MB


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A data set of one large file, an hour old, and a cache of one's own."""
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = DataFile("large.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    dataset = Dataset("large", "Large", (), "", "", (), (file,), ())
    monkeypatch.setattr(datasets, "load_catalogue", lambda: {"large": dataset})
    write(dataset, CONTENT, time.time() - 3600)
    return dataset


def write(dataset: Dataset, content: bytes, at: float) -> Path:
    path = dataset.folder() / "large.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many files another process would read: tells how many since the last time, and forgets
    what only this process knows."""
    count = 0
    digest = hashlib.file_digest

    def counted(stream: object, name: str) -> object:
        nonlocal count
        count += 1
        return digest(stream, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", counted)

    def since() -> int:
        nonlocal count
        datasets._sha256.cache_clear()
        found, count = count, 0
        return found

    since()
    return since


def cache() -> Path:
    return checksums._file()


def test_a_large_file_is_read_once_until_it_changes(large: Dataset, read: Callable) -> None:
    for expected in (1, 0, 0):
        assert large.status() == "present" and read() == expected
    write(large, CONTENT, time.time() - 1800)  # the same again, at another time
    assert large.status() == "present" and read() == 1
    assert large.status() == "present" and read() == 0
    write(large, CONTENT[:-1], time.time() - 1800)
    for _ in range(2):
        assert large.status() == "damaged" and read() == 1


def test_verifying_reads_again_and_sees_what_time_and_size_hide(
    large: Dataset, read: Callable
) -> None:
    at = time.time() - 3600
    write(large, CONTENT, at)
    large.status()
    write(large, b"x" + CONTENT[1:], at)
    read()
    assert large.status() == "present" and read() == 0  # nothing shows it
    (row,) = datasets.verify()
    assert row["state"] == "foreign" and read() == 1
    write(large, CONTENT, at)
    assert datasets.verify()[0]["state"] == "good" and read() == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"a": 1}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_damaged_cache_harms_nobody(large: Dataset, read: Callable, content: bytes) -> None:
    cache().parent.mkdir(parents=True)
    cache().write_bytes(content)
    assert large.status() == "present" and read() == 1
    assert large.status() == "present" and read() == 0


def test_a_wrong_entry_harms_nobody(large: Dataset, read: Callable) -> None:
    large.status()
    stored = json.loads(cache().read_text())
    (name,) = stored
    stored[name][2] = "0" * 64
    cache().write_text(json.dumps(stored))
    read()
    assert large.status() == "present" and read() == 1


def test_without_a_folder_for_it_all_goes_on(
    large: Dataset, read: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        assert large.status() == "present" and read() == 1


def test_what_has_just_changed_is_not_kept(large: Dataset, read: Callable) -> None:
    """Another change within the clock's tick would have the same time."""
    write(large, CONTENT, time.time())
    for _ in range(2):
        assert large.status() == "present" and read() == 1


def test_files_that_are_gone_are_forgotten(large: Dataset, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    cache().parent.mkdir(parents=True)
    cache().write_text(json.dumps({gone: [1, 2, "3"]}))
    large.status()
    assert list(json.loads(cache().read_text())) == [str(large.folder() / "large.bin")]
