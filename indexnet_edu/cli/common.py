"""What the commands share: how they are declared and how they print."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import UsageError

__all__ = [
    "SET_HELP",
    "Commands",
    "aligned",
    "as_json",
    "complain",
    "print_json",
    "print_rows",
    "settings",
]

SET_HELP = "change one setting; may be given several times"


class Commands:
    """Adds commands to a parser, each with ``--json`` and the function that it runs."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        self, name: str, action: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        """A command; ``action`` returns its exit code."""
        command = self._commands.add_parser(name, help=text, description=text)
        command.add_argument("--json", action="store_true", help="print data as JSON")
        command.set_defaults(action=action)
        return command

    def group(self, name: str, text: str) -> Commands:
        """A command that has commands of its own."""
        return Commands(self._commands.add_parser(name, help=text, description=text))


def as_json(value: Any) -> str:
    """For programs, hence in ASCII: no terminal and no pipe can spoil it."""
    return json.dumps(value, indent=2)


def print_json(value: Any) -> None:
    print(as_json(value))


def complain(line: str) -> None:
    """A line on stderr, as every refusal is."""
    print(f"indexnet-edu: {line}", file=sys.stderr)


def aligned(rows: Sequence[dict[str, Any]]) -> str:
    """Rows with the same keys, as aligned text."""
    if not rows:
        return "nothing to show"
    table = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    padded = (
        (text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in table
    )
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def print_rows(rows: Sequence[dict[str, Any]]) -> None:
    print(aligned(rows))


def settings(pairs: Sequence[str], option: str = "--set") -> dict[str, str]:
    """``name=value`` pairs; UsageError says which option was given something else."""
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{option} takes name=value, got {pair!r}")
        given[name.replace("-", "_")] = value
    return given
