"""Commands on data sets: data list, get, verify."""

from __future__ import annotations

import argparse

from .common import Commands, print_json, print_rows

__all__ = ["add_commands"]


def _data_list(arguments: argparse.Namespace) -> int:
    from ..datasets import list_rows

    rows = list_rows()
    if arguments.json:
        print_json(rows)
    else:
        print_rows(
            [{key: row[key] for key in ("name", "status", "title", "where")} for row in rows]
        )
    return 0


def _data_get(arguments: argparse.Namespace) -> int:
    from ..datasets import get

    folder = get(arguments.name, progress=not arguments.json)
    if arguments.json:
        print_json({"name": arguments.name, "where": str(folder)})
    else:
        print(f"{arguments.name} is in {folder}")
    return 0


def _data_verify(arguments: argparse.Namespace) -> int:
    from ..datasets import verify

    rows = verify(arguments.names)
    if arguments.json:
        print_json(rows)
    else:
        print_rows(rows)
    return 0 if all(row["state"] == "good" for row in rows) else 1


def add_commands(commands: Commands) -> None:
    data = commands.group("data", "list, get and verify data sets")
    data.add("list", _data_list, "what there is and where it is looked for")
    get = data.add("get", _data_get, "download a data set, or say how to get it")
    get.add_argument("name", metavar="NAME")
    verify = data.add("verify", _data_verify, "check every file's checksum")
    verify.add_argument("names", nargs="*", metavar="NAME", help="all that are there")
