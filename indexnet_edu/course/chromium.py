"""Finding a Chromium for browser tests; ``python -m indexnet_edu.course.chromium`` prints it."""

import os
import shutil
import sys
from pathlib import Path

from ..paths import home

_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APPLICATIONS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
# The executable's name in the builds that Playwright downloads, Linux and macOS.
_PLAYWRIGHT_NAMES = ("chrome", "Chromium", "Google Chrome for Testing")


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome, or None.

    Looks at ``$CHROMIUM``, then the system's commands and applications, then Playwright's own
    download. A ``$CHROMIUM`` that names no program counts as none: it was meant, so nothing else
    is used in its place.
    """
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    for command in _COMMANDS:
        if found := shutil.which(command):
            return found
    for program in (*_APPLICATIONS, *_playwright_builds()):
        if os.access(program, os.X_OK):
            return str(program)
    return None


def _playwright_builds() -> list[Path]:
    """The browsers under Playwright's folder, newest first."""
    cache = "Library/Caches" if sys.platform == "darwin" else ".cache"
    folder = (
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
        or (home() or Path("/")) / cache / "ms-playwright"
    )
    builds = sorted(Path(folder).glob("chromium-*"), key=lambda build: build.name, reverse=True)
    return [
        program
        for build in builds
        for name in _PLAYWRIGHT_NAMES
        for program in build.rglob(name)
        if program.is_file()
    ]


if __name__ == "__main__":
    chromium = find_chromium()
    print(chromium or "no Chromium found")
    sys.exit(chromium is None)
