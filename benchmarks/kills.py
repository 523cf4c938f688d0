"""Kills a training at random times and resumes it, again and again, and compares the weights.

    python -m benchmarks.kills [--kills 50] [--seed 0]

Every process is killed with SIGKILL at a time drawn uniformly from the duration of an undisturbed
one, its start included. One that outlives its time has finished: its weights must be those of the
undisturbed run, bit for bit, and a new training begins.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

_TRAINING = (
    "train reconstruction maxpool_maxunpool --profile smoke --threads 1 --resume "
    "--set epochs=4 --set checkpoint_every=1 --set data=embedded"
).split()


@dataclass
class Report:
    """What came of the kills.

    Attributes:
        kills: processes that were killed.
        finished, identical: trainings that came to their end, and those of them with the weights
            of the undisturbed run.
        lost: their folders, kept to be looked at.
        reached: the newest checkpoint's step after each kill.
        seconds: of an undisturbed process.
    """

    kills: int = 0
    finished: int = 0
    identical: int = 0
    lost: list[Path] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)
    seconds: float = 0.0


def _start(out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "indexnet_edu", *_TRAINING, "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _finish(out: Path) -> bytes:
    if _start(out).wait():
        raise SystemExit(f"the training in {out} failed: run it by hand to see why")
    return (out / "weights.safetensors").read_bytes()


def kill_and_resume(kills: int, folder: Path, chance: random.Random) -> Report:
    """Kills so many processes; the last training is brought to its end too."""
    report = Report()
    began = time.monotonic()
    whole = _finish(folder / "whole")
    report.seconds = time.monotonic() - began
    number = 0
    while report.kills < kills:
        out = folder / f"killed-{number}"
        number += 1
        while report.kills < kills:
            process = _start(out)
            try:
                process.wait(chance.uniform(0, report.seconds))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                report.kills += 1
                steps = sorted(out.glob("checkpoints/step-*"))
                report.reached.append(int(steps[-1].name[5:]) if steps else 0)
        report.finished += 1
        if _finish(out) == whole:  # at once where it has finished already
            report.identical += 1
            shutil.rmtree(out)
        else:
            report.lost.append(out)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    report = kill_and_resume(arguments.kills, folder, random.Random(arguments.seed))
    print(
        f"{report.kills} kills of a process that takes {report.seconds:.1f} s; newest checkpoint "
        f"after a kill: step {min(report.reached)} to {max(report.reached)}, median "
        f"{median(report.reached):.0f} of 20"
    )
    print(f"{report.identical} of {report.finished} trainings ended with the undisturbed weights")
    if report.lost:
        raise SystemExit(f"kept to be looked at: {', '.join(map(str, report.lost))}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
