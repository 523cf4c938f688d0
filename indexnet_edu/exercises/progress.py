"""What a learner has solved, in a small file beside the notebooks."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..course.state import write_text
from .exercise import list_exercises

__all__ = ["FILE", "Progress", "Record"]

FILE = ".indexnet-progress.json"


@dataclass(frozen=True)
class Record:
    """Attempts at one exercise, and when the first right one was, in ISO format."""

    attempts: int = 0
    solved: str | None = None


class Progress:
    """The records of a folder by exercise. An exercise once solved stays solved.

    Attributes:
        set_aside: where a damaged file was moved to, if there was one.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Reads the folder's file, that of the working directory by default."""
        self.path = (folder or Path.cwd()) / FILE
        self.set_aside: Path | None = None
        self.records = self._read()

    def add(self, exercise_id: str, right: bool) -> None:
        """Counts an attempt and writes the file.

        Raises:
            UserError: the folder cannot be written.
        """
        record = self.records.get(exercise_id, Record())
        now = datetime.now().isoformat(timespec="seconds") if right else None
        self.records[exercise_id] = Record(record.attempts + 1, record.solved or now)
        stored = {id_: vars(record) for id_, record in sorted(self.records.items())}
        write_text(self.path, json.dumps({"exercises": stored}, indent=1) + "\n")

    def mark(self, exercise_id: str) -> str:
        """open, wrong or right."""
        record = self.records.get(exercise_id, Record())
        return "right" if record.solved else "wrong" if record.attempts else "open"

    def solved(self) -> int:
        """How many of the course's exercises are solved."""
        return sum(self.mark(exercise_id) == "right" for exercise_id in list_exercises())

    def _read(self) -> dict[str, Record]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError):
            return self._put_aside()
        try:
            stored = json.loads(text)["exercises"]
            records = {str(id_): Record(**record) for id_, record in stored.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._put_aside()
        for record in records.values():
            if type(record.attempts) is not int or not isinstance(record.solved, (str, type(None))):
                return self._put_aside()
        return records

    def _put_aside(self) -> dict[str, Record]:
        """Moves a file that cannot be understood to a free name, so that nothing is lost."""
        number = 1
        while (target := self.path.with_name(f"{FILE}.damaged{number}")).exists():
            number += 1
        try:
            os.replace(self.path, target)
            self.set_aside = target
        except OSError:
            pass  # then it cannot be overwritten either, which `add` says
        return {}
