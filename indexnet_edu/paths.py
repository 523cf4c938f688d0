"""Where the course's own files and the user's data lie."""

import os
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
        return Path(named).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "indexnet-edu"


def short(path: str | Path) -> str:
    """A path for people: relative below the working folder, with ``~`` below their home."""
    path = Path(path)
    home, here = Path.home(), Path.cwd()
    if path != here and path.is_relative_to(here):
        return str(path.relative_to(here))
    if path.is_relative_to(home) and home != Path(home.anchor):  # a service's home may be /
        return str("~" / path.relative_to(home))
    return str(path)
