"""Where output knows no σ, every command shows something else instead and ends as it would."""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexnet_edu import cli
from indexnet_edu.engine.sweep import Sweep, make_plan
from indexnet_edu.tasks import get_task

_TRAIN = "train denoising dncnn --profile smoke --set train_patches=8 --set width=0.06"

#: Each command in a folder that holds a run, a picture, a sweep and an empty notebook → its exit
#: code.
COMMANDS = {
    f"{_TRAIN} --out another": 0,
    f"{_TRAIN} --out run --seed 3": 2,
    f"{_TRAIN} --dry-run": 0,
    "evaluate run": 0,
    "predict run σ.png": 0,
    "predict run no.png": 1,
    "sweep denoising --variants dncnn --profile smoke --out new --dry-run": 0,
    "sweep status sweep": 0,
    "sweep log sweep dncnn-seed0": 0,
    "table 7": 0,
    "table 7 --json": 0,
    "complexity": 0,
    "resamplers": 0,
    "record add run --records σ": 0,
    "record list": 0,
    "record baselines reconstruction": 1,
    "data list": 0,
    "data get denoising": 1,
    "data verify": 0,
    "doctor": 0,
    "run σ.ipynb --out course": 1,
    "handout": 0,
    "lab --folder work": 0,  # the last one: it changes the folder
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, no_real_data: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("output")
    pixels = np.random.default_rng(0).integers(0, 256, (9, 13), np.uint8)
    Image.fromarray(pixels).save(folder / "σ.png")
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "σ.ipynb").write_text(json.dumps(notebook))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main([*_TRAIN.split(), "--out", "run"]) == 0
        config = json.loads((folder / "run/environment.json").read_text())
        (folder / "run/environment.json").write_text(json.dumps(config | {"commit": "a" * 40}))
        sweep = Sweep(Path("sweep"))
        sweep.adopt(make_plan(get_task("denoising"), variants=["dncnn"], profile="smoke"))
        log = sweep.log(sweep.plan.cells[0])
        log.parent.mkdir()
        log.write_text("σ = 25\n", encoding="utf-8")
        patch.setattr(os, "execve", lambda *_: print("σ") or 0)  # JupyterLab is another program
        yield folder


def run(arguments: list[str], encoding: str, patch: pytest.MonkeyPatch) -> tuple[int, str]:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    with patch.context() as inside:
        inside.setattr(sys, "stdout", streams[0])
        inside.setattr(sys, "stderr", streams[1])
        try:
            code = cli.main(arguments) or 0
        except SystemExit as end:  # --help
            code = end.code
        for stream in streams:
            stream.flush()
    return code, b"".join(stream.buffer.getvalue() for stream in streams).decode(encoding)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_as_it_would(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, shown = run(command.split(), "ascii", monkeypatch)
    assert code == COMMANDS[command], shown
    assert shown and "Error" not in shown
    if "--json" in command:
        json.loads(shown)


def _leaves(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, list[str]]]:
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for group in groups:
        for word, command in group.choices.items():
            yield from _leaves(command, f"{name} {word}".strip())
    if not groups:
        yield name, name.split()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_no_command_is_left_out_and_all_can_be_asked_for_help(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = {command.replace("sweep denoising", "sweep start denoising") for command in COMMANDS}
    for name, words in _leaves(cli._parser()):
        assert any(command.startswith(name) for command in tried), name
        code, shown = run([*words, "--help"], encoding, monkeypatch)
        assert code == 0 and "usage" in shown
