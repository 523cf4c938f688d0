"""The catalogue of real data: which datasets there are, whether they are whole, how to get them.

``data/catalogue.json`` is the one place that knows sources, terms and checksums;
``data/README.md`` says the same in prose. A dataset lies in a folder of its own name below
:func:`indexnet_edu.paths.data_folder`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .checksums import note_whole, was_whole
from .errors import UsageError, UserError
from .files import sha256
from .paths import asset, data_folder

__all__ = [
    "DataFile",
    "Dataset",
    "FileReport",
    "download",
    "get",
    "get_dataset",
    "list_rows",
    "load_catalogue",
    "verify",
    "wants_real",
]

_SIGNATURES = {".gz": b"\x1f\x8b", ".zip": b"PK", ".npz": b"PK", ".png": b"\x89PNG"}


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset.

    ``contents`` is given for zip files whose members are the source's own files: one packed at home
    has another ``sha256`` but the same ``contents`` (:func:`contents_sha256`), and will do. So does
    the folder of that name, not packed at all.
    """

    name: str
    bytes: int
    sha256: str
    urls: tuple[str, ...] = ()
    contents: str | None = None


@dataclass(frozen=True)
class FileReport:
    """What :meth:`Dataset.verify` found.

    ``state`` is ``"good"``, ``"missing"``, ``"unpacked"`` (what was in it lies in its place),
    ``"truncated"``, ``"swapped"`` (it holds another file of the catalogue, which ``message``
    names), ``"foreign"`` or ``"unreadable"``.
    """

    file: str
    state: str
    message: str


@dataclass(frozen=True)
class Dataset:
    """An entry of the catalogue. ``root`` in its methods is the folder that holds all datasets."""

    name: str
    title: str
    tasks: tuple[str, ...]
    licence: str
    source: str
    citations: tuple[str, ...]
    files: tuple[DataFile, ...]
    steps: tuple[str, ...]

    @property
    def downloadable(self) -> bool:
        return all(file.urls for file in self.files)

    def folder(self, root: Path | None = None) -> Path:
        return (root or data_folder()) / self.name

    def verify(self, root: Path | None = None, anew: bool = False) -> list[FileReport]:
        """Every file held against its checksum, in the catalogue's order.

        Args:
            anew: read all of it, also what was found to be whole before.
        """
        return [_examine(self.folder(root) / file.name, file, anew) for file in self.files]

    def status(self, root: Path | None = None) -> str:
        """``"present"`` (all files there and whole), ``"absent"`` (none there) or ``"damaged"``."""
        states = {report.state for report in self.verify(root)}
        if states == {"good"}:
            return "present"
        return "absent" if states == {"missing"} else "damaged"

    def require(self, root: Path | None = None) -> Path:
        """The folder of the dataset, verified.

        Raises:
            UserError: it is absent or damaged; the message says how to get it.
        """
        bad = [report for report in self.verify(root) if report.state != "good"]
        folder = self.folder(root)
        if not bad:
            return folder
        what = "fetches it" if self.downloadable else "says how to get it"
        remedy = f"'indexnet-edu data get {self.name}' {what}"
        if all(report.state == "missing" for report in bad) and len(bad) == len(self.files):
            raise UserError(
                f"{self.name} is not in {folder}: {remedy}; "
                "or set INDEXNET_DATA to the folder that holds it"
            )
        found = "; ".join(f"{report.file}: {report.message}" for report in bad)
        raise UserError(f"{self.name} in {folder} is damaged ({found}): {remedy}")


@cache
def load_catalogue() -> Mapping[str, Dataset]:
    """All datasets by name, in the catalogue's order."""
    entries = json.loads(asset("data", "catalogue.json").read_text(encoding="utf-8"))
    return {entry["name"]: _dataset(entry) for entry in entries["datasets"]}


def _dataset(entry: Mapping[str, Any]) -> Dataset:
    files = tuple(
        DataFile(**{**file, "urls": tuple(file.get("urls", ()))}) for file in entry["files"]
    )
    lists = {key: tuple(entry[key]) for key in ("tasks", "citations", "steps")}
    return Dataset(**{**entry, **lists, "files": files})


def get_dataset(name: str) -> Dataset:
    """The dataset of that name; UsageError lists the names where there is none."""
    catalogue = load_catalogue()
    if name not in catalogue:
        raise UsageError(f"there is no dataset '{name}'; there are {', '.join(catalogue)}")
    return catalogue[name]


# --- verifying --------------------------------------------------------------------------------


def _examine(path: Path, file: DataFile, anew: bool) -> FileReport:
    def report(state: str, message: str) -> FileReport:
        return FileReport(file.name, state, message)

    try:
        stat = path.stat()
        key = (path, stat.st_size, stat.st_mtime_ns)
        whole = report("good", f"whole, {file.bytes:,} bytes")
        repacked = report("good", "packed by hand, with the right contents")
        for right, known in ((file.sha256, whole), (file.contents, repacked)):
            if not anew and right and was_whole(path, stat, right):
                return known
        checksum = _sha256(*key)
        if checksum == file.sha256:
            note_whole(path, stat, checksum)
            return whole
        if file.contents and contents_sha256(*key) == file.contents:
            note_whole(path, stat, file.contents)
            return repacked
        if owner := _owner(checksum):
            return report("swapped", f"swapped, it holds {owner}")
        if stat.st_size < file.bytes and _is_cut_short(path):
            return report("truncated", f"truncated, {stat.st_size:,} of {file.bytes:,} bytes")
    except FileNotFoundError:
        unpacked = path.with_suffix("")
        if path.suffix == ".gz" and unpacked.is_file():
            return report("unpacked", f"unpacked, {unpacked.name} lies there and the .gz is wanted")
        if not (file.contents and unpacked.is_dir()):
            return report("missing", "missing")
        if _folder_sha256(unpacked) == file.contents:
            return report("good", "unpacked, with the right contents")
        return report("foreign", f"foreign, the folder {unpacked.name} has other contents")
    except OSError as error:
        return report("unreadable", f"unreadable, {error.strerror or error}")
    return report(
        "foreign",
        f"foreign, another file of {stat.st_size:,} bytes "
        f"(sha256 {checksum[:8]}…, not {file.sha256[:8]}…)",
    )


@cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    # Size and time serve the cache: a file is hashed once in a process, and again once it changed.
    return sha256(path)


@cache
def contents_sha256(path: Path, size: int, mtime_ns: int) -> str | None:
    """A checksum of what a zip file holds, blind to times, order and compression; None for no zip.

    sha256 over the lines "name, space, sha256 of the member", sorted by name. Folders do not count.
    """
    digests = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as stream:
                        digest = hashlib.sha256()
                        while block := stream.read(1 << 20):
                            digest.update(block)
                    digests[member.filename] = digest.hexdigest()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return None
    return _contents(digests)


def _folder_sha256(folder: Path) -> str:
    """What :func:`contents_sha256` gives for a zip of this folder; hidden files do not count."""
    files = [path for path in folder.rglob("[!.]*") if path.is_file()]
    return _contents({path.relative_to(folder.parent).as_posix(): sha256(path) for path in files})


def _contents(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _owner(checksum: str) -> str | None:
    """``dataset/file`` of the catalogue that has this checksum."""
    for dataset in load_catalogue().values():
        for file in dataset.files:
            if file.sha256 == checksum:
                return f"{dataset.name}/{file.name}"
    return None


def _is_cut_short(path: Path) -> bool:
    """Whether a file that is too short is the beginning of one of its kind, not a whole one."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if head and not head.startswith(_SIGNATURES.get(path.suffix, b"")):
        return False
    if path.suffix in (".zip", ".npz"):
        return not zipfile.is_zipfile(path)
    if path.suffix == ".gz" and head:
        try:
            with gzip.open(path) as stream:
                while stream.read(1 << 20):
                    pass
        except EOFError:
            return True
        except (gzip.BadGzipFile, zlib.error):
            pass
        return False
    return True


# --- getting ----------------------------------------------------------------------------------


def download(name: str, progress: bool = True) -> Path:
    """Fetch what is missing or damaged of a dataset into the data folder, and return its folder.

    A file appears under its name only when it is complete and its checksum is right. The mirrors
    are tried in the catalogue's order; one that failed comes last from then on.

    Raises:
        UserError: no mirror delivers, the folder cannot be written, or the dataset cannot be
            downloaded (the message then holds the steps).
    """
    dataset = get_dataset(name)
    if not dataset.downloadable:
        steps = " ".join(f"{number}. {step}" for number, step in enumerate(dataset.steps, 1))
        raise UserError(f"{name} cannot be downloaded automatically; by hand: {steps}")
    folder = dataset.folder()
    failed: set[str] = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, report in zip(dataset.files, dataset.verify(), strict=True):
            if report.state != "good":
                _fetch(file, folder, failed, progress)
    except OSError as error:
        raise UserError(
            f"cannot write to {folder} ({error.strerror or error}): "
            "set INDEXNET_DATA to a folder with room that you may write to"
        ) from error
    return folder


def _fetch(file: DataFile, folder: Path, failed: set[str], progress: bool) -> None:
    import pooch
    import requests
    from tqdm import tqdm

    pooch.get_logger().setLevel("WARNING")
    reasons = []
    for url in sorted(file.urls, key=lambda url: urlsplit(url).netloc in failed):
        host = urlsplit(url).netloc
        try:
            with tqdm(
                desc=file.name,
                total=file.bytes,
                unit="B",
                unit_scale=True,
                disable=None if progress else True,
            ) as bar:
                downloader = pooch.HTTPDownloader(
                    progressbar=bar,
                    chunk_size=1 << 16,
                    timeout=30,
                    # A server that unpacks .gz files on the way would break the checksum.
                    headers={"Accept-Encoding": "identity"},
                )
                # Pooch writes to a temporary file and moves it once the checksum is right.
                path = pooch.retrieve(
                    url, f"sha256:{file.sha256}", file.name, folder, downloader=downloader
                )
        except requests.HTTPError as error:
            reason = f"answers {getattr(error.response, 'status_code', 'an error')}"
        except requests.exceptions.ChunkedEncodingError:
            reason = "breaks off"
        except requests.RequestException:
            reason = "does not answer"
        except ValueError:
            reason = "sends a file with the wrong checksum"
        else:
            # Temporary files are private; a data folder is often shared by a class.
            Path(path).chmod(0o644)
            return
        reasons.append(f"{host} {reason}")
        failed.add(host)
    raise UserError(
        f"cannot download {file.name} ({'; '.join(reasons)}): check the network and try again, "
        f"or put the file into {folder} by hand, from {file.urls[-1]}"
    )


# --- for the command line ---------------------------------------------------------------------


def list_rows() -> list[dict[str, str]]:
    """One row a dataset: name, title, status, where, licence."""
    return [
        {
            "name": dataset.name,
            "title": dataset.title,
            "status": dataset.status(),
            "where": str(dataset.folder()),
            "licence": dataset.licence,
        }
        for dataset in load_catalogue().values()
    ]


def get(name: str, progress: bool = True) -> Path:
    """The folder of a dataset, downloaded first where it is not whole (see :func:`download`)."""
    dataset = get_dataset(name)
    return dataset.folder() if dataset.status() == "present" else download(name, progress)


def wants_real(name: str, data: str) -> bool:
    """Whether a recipe's ``data`` means the real data set; if so, it is at hand now, or damaged.

    Args:
        name: of the data set.
        data: "real", "embedded", or "auto", which takes the real set unless it is absent.

    Raises:
        UserError: the real set is asked for, is absent and cannot be fetched.
    """
    absent = data != "embedded" and get_dataset(name).status() == "absent"
    if data == "real" and absent:
        get(name)  # or it says how to get it
    return data == "real" or (data == "auto" and not absent)


def verify(names: Sequence[str] = ()) -> list[dict[str, str]]:
    """One row a file: name (of the dataset), file, state, message (see :class:`FileReport`). All
    is read anew, whatever was found before.

    Without names: every dataset of which at least one file is there.
    """
    chosen = [get_dataset(name) for name in names] or [
        dataset for dataset in load_catalogue().values() if dataset.status() != "absent"
    ]
    _sha256.cache_clear()
    contents_sha256.cache_clear()
    return [
        {"name": dataset.name, "file": found.file, "state": found.state, "message": found.message}
        for dataset in chosen
        for found in dataset.verify(anew=True)
    ]
