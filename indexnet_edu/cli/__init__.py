"""The command line. Thin: it parses, calls, prints.

Exit codes: 0 done, 1 failed, 2 wrong use, 75 stopped by a scheduler (queue it again), 130
interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import UserError
from . import data, notebooks, records, sweep, tables, training
from .common import Commands, complain

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="indexnet-edu",
        description="Index Networks, the course: upsampling as indexing, in JupyterLab and batch.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = Commands(parser)
    for group in (notebooks, training, sweep, tables, records, data):
        group.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; a user's mistake is one line on stderr."""
    # A terminal or a redirect that knows no σ shows a question mark: no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        for group in (notebooks, training, sweep):
            given = group.spelled_out(given)
        parsed = _parser().parse_args(given)
        return parsed.action(parsed)
    except UserError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt as stopped:
        complain(str(stopped) or "interrupted")
        return getattr(stopped, "exit_code", 130)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
