"""What a folder of executed notebooks holds: ``state.json``, by which a second run skips."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import replace_text, sha256

__all__ = ["Entry", "State", "digest", "unwritable", "write_text", "writing"]

_FILE = "state.json"


@dataclass(frozen=True)
class Entry:
    """The last run of one notebook.

    Attributes:
        status: ok, failed, timeout or interrupted.
        made_from: everything that decides the outcome: source, parameters, package version.
        copy: digest of the executed notebook, None where there is none.
        finished: local time in ISO format.
    """

    status: str
    seconds: float
    error: str | None
    made_from: Mapping[str, Any]
    copy: str | None
    finished: str


@dataclass
class State:
    """The entries of a folder by notebook name, written after every notebook."""

    folder: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> State:
        """The folder's state; empty (all is run again) where the file is missing or damaged."""
        try:
            stored = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return cls(
                folder, {name: Entry(**entry) for name, entry in stored["notebooks"].items()}
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(folder)

    def copy_of(self, name: str) -> Path:
        """Where the executed notebook lies."""
        return self.folder / f"{name}.ipynb"

    def has(self, name: str, made_from: Mapping[str, Any]) -> bool:
        """Whether it is done: it ended well, from the same things, and its copy is untouched."""
        entry = self.entries.get(name)
        return (
            entry is not None
            and entry.status == "ok"
            and entry.made_from == made_from
            and entry.copy is not None
            and entry.copy == digest(self.copy_of(name))
        )

    def record(self, name: str, entry: Entry) -> None:
        self.entries[name] = entry
        stored = {"notebooks": {name: asdict(entry) for name, entry in self.entries.items()}}
        write_text(self.folder / _FILE, json.dumps(stored, indent=1, ensure_ascii=False) + "\n")


def digest(path: Path) -> str | None:
    """The file's SHA-256, None where it cannot be read."""
    try:
        return sha256(path)
    except OSError:
        return None


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    with writing(path.parent):
        replace_text(path, text)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns a failed write below ``folder`` into one line.

    Raises:
        UserError: the disk is full, the folder read-only, a file in the way …
    """
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error.strerror or str(error)) from error


def unwritable(folder: Path, reason: str) -> UserError:
    return UserError(
        f"cannot write into {folder}: {reason}; make room there or choose another --out"
    )
