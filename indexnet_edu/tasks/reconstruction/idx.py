"""The idx format of the MNIST family, read strictly: all of a file or nothing.

An idx file: two zero bytes, a type (0x08: unsigned byte), the number of dimensions, each dimension
as a big-endian 32-bit integer, then the values (https://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import UserError

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Read a gzipped idx file of unsigned bytes that must have exactly this ``shape``.

    Returns:
        A new, writable array of ``shape``, uint8.

    Raises:
        UserError: the file is missing, not gzip, cut short, corrupt, of another type or shape, or
            holds fewer or more values than its header says. One line, with the file and the remedy.
    """
    try:
        with gzip.open(path) as stream:
            head = stream.read(4 + 4 * len(shape))
            # One byte more than is due shows a file that is too long, and makes gzip check its sum.
            values = bytearray(stream.read(math.prod(shape) + 1))
    except FileNotFoundError as error:
        raise _refusal(path, "is missing") from error
    except EOFError as error:
        raise _refusal(path, "is cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _refusal(path, "is not a gzip file, or a corrupt one") from error
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror or error})") from error
    if found := _mismatch(head, shape):
        raise _refusal(path, found)
    if len(values) != math.prod(shape):
        amount = "fewer" if len(values) < math.prod(shape) else "more"
        raise _refusal(path, f"holds {amount} values than its header announces")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _mismatch(head: bytes, shape: tuple[int, ...]) -> str | None:
    """What is wrong with an idx header, or None where it announces ``shape``."""
    if len(head) < 4 or head[:3] != bytes([0, 0, _UNSIGNED_BYTE]):
        return "is not an idx file of unsigned bytes"
    if head[3] != len(shape):
        return f"has {head[3]} dimensions, not {len(shape)} (images and labels swapped?)"
    if len(head) < 4 + 4 * len(shape):
        return "ends within its header"
    announced = struct.unpack(f">{len(shape)}I", head[4:])
    if announced != shape:
        return f"holds {_times(announced)} values, not {_times(shape)}"
    return None


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _refusal(path: Path, reason: str) -> UserError:
    return UserError(f"{path} {reason}: 'indexnet-edu data get fashion_mnist' fetches it again")
