"""What a learner has solved, in a small file beside the notebooks.

Several notebooks may write it at once: whoever writes holds a lock and reads again first.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import replace_text
from .exercise import list_exercises

__all__ = ["FILE", "LearnerProgress", "Record"]

FILE = ".indexnet-progress.json"
_LARGEST = 1_000_000  # bytes, and attempts: a file with more was not written here
_PATIENCE = 5.0  # seconds for another notebook to write


@dataclass(frozen=True)
class Record:
    """Attempts at one exercise, and when the first right one was, in ISO format."""

    attempts: int = 0
    solved: str | None = None


class LearnerProgress:
    """The records of a folder by exercise. An exercise once solved stays solved.

    Attributes:
        set_aside: where a damaged file was moved to, if there was one.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Reads the folder's file, that of the working directory by default."""
        from filelock import FileLock

        self.path = (folder or Path.cwd()) / FILE
        self.set_aside: Path | None = None
        self._lock = FileLock(self.path.with_name(f"{FILE}.lock"), timeout=_PATIENCE)
        self.records = self._read()

    def add(self, exercise_id: str, right: bool) -> None:
        """Counts an attempt and writes the file.

        Raises:
            UserError: the folder cannot be written.
        """
        try:
            with self._alone():
                self.records = self._read()
                record = self.records.get(exercise_id, Record())
                now = datetime.now().isoformat(timespec="seconds") if right else None
                self.records[exercise_id] = Record(record.attempts + 1, record.solved or now)
                stored = {id_: vars(each) for id_, each in sorted(self.records.items())}
                replace_text(self.path, json.dumps({"exercises": stored}, indent=1) + "\n")
        except OSError as error:
            said = error.strerror or str(error)
            raise UserError(f"cannot write into {self.path.parent}: {said}") from error

    def mark(self, exercise_id: str) -> str:
        """open, wrong or right."""
        record = self.records.get(exercise_id, Record())
        return "right" if record.solved else "wrong" if record.attempts else "open"

    def solved(self) -> int:
        """How many of the course's exercises are solved."""
        return sum(self.mark(exercise_id) == "right" for exercise_id in list_exercises())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other notebook reads and writes.

        Raises:
            OSError: the folder cannot be written, or another notebook takes too long.
        """
        with contextlib.ExitStack() as stack:
            # A file system without locks: better unlocked than not kept at all.
            with contextlib.suppress(NotImplementedError):
                stack.enter_context(self._lock)
            yield

    def _read(self) -> dict[str, Record]:
        records = _parsed(self.path)
        return self._put_aside() if records is None else records

    def _put_aside(self) -> dict[str, Record]:
        """Moves a file that cannot be understood to a free name, so that nothing is lost."""
        try:
            with self._alone():
                records = _parsed(self.path)
                if records is not None:  # another notebook was quicker
                    return records
                number = 1
                while (target := self.path.with_name(f"{FILE}.damaged{number}")).exists():
                    number += 1
                os.replace(self.path, target)
                self.set_aside = target
        except OSError:
            pass  # then it cannot be overwritten either, which `add` says
        return {}


def _parsed(path: Path) -> dict[str, Record] | None:
    """The records of a file; none where there is no file, None where it is not one of ours."""
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        return {}
    except OSError:
        return None
    try:
        if not path.is_file() or size > _LARGEST:  # reading a pipe would never end
            return None
        stored = json.loads(path.read_text(encoding="utf-8"))["exercises"]
        records = {str(id_): Record(**record) for id_, record in stored.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return records if all(map(_sound, records.values())) else None


def _sound(record: Record) -> bool:
    attempts: Any = record.attempts
    known = isinstance(record.solved, (str, type(None)))
    return known and type(attempts) is int and 0 <= attempts <= _LARGEST
