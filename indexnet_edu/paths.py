"""Where the course's own files and the user's data lie."""

import os
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The root of the source tree that the package runs from; None for an installed wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() else None


def asset(*parts: str) -> Path:
    """A file or folder that travels with the course: ``asset("data", "catalogue.json")``.

    In a checkout these are the top-level ``notebooks/`` and ``data/``; a wheel carries both in
    ``indexnet_edu/_assets/``.
    """
    inside = _PACKAGE / "_assets"
    root = inside if inside.is_dir() else _PACKAGE.parent
    return root.joinpath(*parts)


def data_folder() -> Path:
    """The folder of real data sets: ``$INDEXNET_DATA``, else the user's cache; absolute.

    It need not exist.
    """
    if named := os.environ.get("INDEXNET_DATA"):
        return expanded(named).absolute()
    return cache_folder()


def cache_folder() -> Path:
    """What can be fetched or computed again; it need not exist."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "indexnet-edu"
    there = home()
    return (there / ".cache" if there else Path(tempfile.gettempdir())) / "indexnet-edu"


def home() -> Path | None:
    """The user's; None where ``HOME`` is not set and the system does not know the user, as in a
    container that runs under any number."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def expanded(path: str | Path) -> Path:
    """A path that a user wrote, ``~`` put in full; where nobody is meant by it, it is a name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def short(path: str | Path) -> str:
    """A path for people: relative below the working folder, with ``~`` below their home."""
    path, here, there = Path(path), Path.cwd(), home()
    if path != here and path.is_relative_to(here):
        return str(path.relative_to(here))
    if there and path.is_relative_to(there) and there != Path(there.anchor):  # a service's may be /
        return str("~" / path.relative_to(there))
    return str(path)
