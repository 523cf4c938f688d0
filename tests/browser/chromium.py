"""Where the browser tests get their Chromium: the same search as `indexnet-edu doctor`."""

from indexnet_edu.course.chromium import find_chromium

__all__ = ["find_chromium"]
