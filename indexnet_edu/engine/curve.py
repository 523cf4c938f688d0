"""The curve of a run: loss, learning rate and metrics, as lines of JSON and for TensorBoard."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .run import Run

__all__ = ["CurveWriter"]


class CurveWriter:
    """Collects points and writes them out together with a checkpoint, so that both tell the same.

    Args:
        run: its ``curve.jsonl`` and ``tensorboard/`` are written.
        step: where training begins; what the files say of later steps is dropped, since these are
            done again.
    """

    def __init__(self, run: Run, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._run = run
        self._waiting: list[dict[str, Any]] = []
        run.cut_curve(step)
        self._board = SummaryWriter(str(run.folder / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> CurveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._board.close()

    def add(self, point: dict[str, Any]) -> None:
        """A point: ``step``, ``epoch`` and figures by name."""
        self._waiting.append(point)
        for name, value in point.items():
            if name not in ("step", "epoch"):
                self._board.add_scalar(name, value, point["step"])

    def write(self) -> None:
        """Puts all points on the disk."""
        self._run.append_to_curve(self._waiting)
        self._waiting.clear()
        self._board.flush()
