"""A finished run on files of one's own: each is read, put through the network and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import UsageError, UserError
from .memory import within_memory
from .task import Predict

__all__ = ["predict_files"]


def predict_files(
    predict: Predict,
    model: nn.Module,
    images: Sequence[Path],
    out: Path,
    others: Mapping[str, Sequence[Path]],
    complain: Callable[[str], None],
) -> list[dict[str, Any]]:
    """What a network makes of each image, in files named after it.

    A file that cannot be read or written is complained of, and the others are done all the same.

    Args:
        predict: the task's.
        model: in evaluation mode.
        images: files.
        out: folder of the results, made where it is not there.
        others: name of another input → its files, one for each image.
        complain: is told a line for each file that failed.

    Returns:
        A row for each image that was done: ``image``, ``results``, ``size`` (width×height) and
        ``note`` (what was changed in reading).

    Raises:
        UsageError: inputs that are missing, unknown or not as many as images; results that would
            overwrite each other or a file beside an image.
    """
    first, *rest = predict.inputs
    _check_inputs(rest, others, len(images))
    targets = [[out / (image.stem + end) for end in predict.outputs] for image in images]
    _check_targets([*images, *(path for paths in others.values() for path in paths)], targets)
    rows = []
    for number, (source, written) in enumerate(zip(images, targets, strict=True)):
        files = {first: source} | {name: others[name][number] for name in rest}
        try:
            read = {name: _read(predict, name, path) for name, path in files.items()}
            with within_memory("the image", "reduce it, or use another device"):
                result = predict.run(model, **{name: value for name, (value, _) in read.items()})
            _write(predict, written, result)
        except UserError as error:
            complain(f"{source}: {error}")
            continue
        height, width = read[first][0].shape[:2]
        rows.append({
            "image": str(source),
            "results": [str(target) for target in written],
            "size": f"{width}×{height}",
            "note": "; ".join(note for _, note in read.values() if note),
        })  # fmt: skip
    return rows


def _check_inputs(wanted: Sequence[str], given: Mapping[str, Sequence[Path]], count: int) -> None:
    if unknown := [name for name in given if name not in wanted]:
        takes = (
            f"it takes {' and '.join(f'--{name}' for name in wanted)}"
            if wanted
            else "it takes images only"
        )
        raise UsageError(f"there is no input --{unknown[0]} for this run: {takes}")
    for name in wanted:
        if len(given.get(name, ())) != count:
            raise UsageError(
                f"this run needs a {name} for each image: images {count}, with --{name} "
                f"{len(given.get(name, ()))}"
            )


def _check_targets(sources: Sequence[Path], targets: Sequence[Sequence[Path]]) -> None:
    names = [target for each in targets for target in each]
    if twice := sorted({target.name for target in names if names.count(target) > 1}):
        raise UsageError(f"several images would become {', '.join(twice)}: rename them")
    # Where sources lie, another original may: photo.png beside photo.jpg.
    originals = {source.parent.resolve() for source in sources}
    for target in names:
        if target.parent.resolve() in originals and target.exists():
            raise UsageError(f"{target} would be overwritten: use another --out")


def _read(predict: Predict, name: str, path: Path) -> tuple[Any, str]:
    try:
        return predict.inputs[name](path.read_bytes())
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}): name another file"
    except UserError as error:
        reason = str(error)
    raise UserError(f"{name}: {reason}" if name != "image" else reason) from None


def _write(predict: Predict, targets: Sequence[Path], result: Any) -> None:
    for target, write in zip(targets, predict.outputs.values(), strict=True):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target, result)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"cannot write {target} ({reason}): use another --out") from None
