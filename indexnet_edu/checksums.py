"""Which large files were found to be whole, kept on the disk: no start reads gigabytes again.

A file is the same as long as its path, size and time are. What is kept may only say that it is
whole; whatever else is to be said of it is computed anew, so that a damaged or a lost cache costs
seconds and nothing else.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from .files import replace_text
from .paths import cache_folder

__all__ = ["note_whole", "was_whole"]

#: Bytes from which a checksum takes longer than asking here.
LARGE = 1 << 20

#: Nanoseconds after a change in which another one could have the same time.
_FRESH = 2_000_000_000

#: Path → size, time and checksum.
_Known = dict[str, tuple[int, int, str]]


def _file() -> Path:
    return cache_folder() / "checksums.json"


def _known() -> _Known:
    try:
        stored = json.loads(_file().read_bytes())
        return {path: (int(size), int(at), str(sum_)) for path, (size, at, sum_) in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def was_whole(path: Path, stat: os.stat_result, checksum: str) -> bool:
    """Whether this very file was found to have this checksum before."""
    if stat.st_size < LARGE:
        return False
    return _known().get(str(path.absolute())) == (stat.st_size, stat.st_mtime_ns, checksum)


def note_whole(path: Path, stat: os.stat_result, checksum: str) -> None:
    """Keeps that a file has a checksum; forgets files that are gone."""
    if stat.st_size < LARGE or time.time_ns() - stat.st_mtime_ns < _FRESH:
        return
    known = {name: fact for name, fact in _known().items() if os.path.exists(name)}
    fact = (stat.st_size, stat.st_mtime_ns, checksum)
    if known.get(name := str(path.absolute())) == fact:
        return
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        # Of two processes that write at once one is forgotten; its file is read again next time.
        replace_text(_file(), json.dumps(known | {name: fact}, indent=1) + "\n")
    except (OSError, UnicodeError):
        pass
