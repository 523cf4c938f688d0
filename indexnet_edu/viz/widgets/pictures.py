"""The picture a widget works on: a sample photograph, an article of clothing, or the learner's
own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import ipywidgets
import numpy as np

from ...errors import UserError
from ...images import SAMPLES, read_image, sample_image, to_grey
from .base import error_line, slider

__all__ = ["SIDE", "Picture", "PictureChooser", "own_picture", "sample_picture"]

#: Pictures are grey squares of this many pixels a side, or less where the learner's own is smaller.
SIDE = 128
#: Three halvings must leave whole pixels.
_MULTIPLE = 8


@dataclass(frozen=True)
class Picture:
    """A grey picture, (side, side) in [0, 1]; frozen and hashable, so that results can be kept."""

    name: str
    side: int
    data: bytes
    note: str = ""

    @classmethod
    def of(cls, name: str, grey: np.ndarray, note: str = "") -> Picture:
        return cls(name, grey.shape[0], np.ascontiguousarray(grey, np.float32).tobytes(), note)

    @property
    def pixels(self) -> np.ndarray:
        return np.frombuffer(self.data, np.float32).reshape(self.side, self.side)


@cache
def sample_picture(name: str = "camera") -> Picture:
    """A sample by name: those of ``SAMPLES``, or ``"ankle boot"`` from the embedded Fashion-MNIST.

    Raises:
        ValueError: an unknown name.
    """
    if name != "ankle boot":
        return Picture.of(name, sample_image(name, SIDE))
    # The one thing of the tasks that a picture needs; nothing there needs us.
    from ...tasks.reconstruction.data import CLASSES, resize
    from ...tasks.reconstruction.fashion_mnist import load_embedded

    source = load_embedded()
    first = int((source.test_labels == CLASSES.index(name)).argmax())
    grey = resize(source.test[first : first + 1])[0, 0].numpy()
    return Picture.of(name, grey, "Fashion-MNIST, 32×32")


def own_picture(data: bytes, name: str = "your picture") -> Picture:
    """The bytes of an image file as a picture: grey, its middle square, at most ``SIDE`` pixels a
    side.

    Raises:
        UserError: what :func:`indexnet_edu.images.read_image` refuses.
    """
    from PIL import Image

    image, note = read_image(data)
    grey = to_grey(image)
    edge = min(grey.shape)
    top, left = (grey.shape[0] - edge) // 2, (grey.shape[1] - edge) // 2
    square = np.ascontiguousarray(grey[top : top + edge, left : left + edge], np.float32)
    side = min(edge - edge % _MULTIPLE, SIDE)
    if side < edge:
        small = Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS)
        square = np.clip(np.asarray(small, np.float32), 0, 1)
    notes = [note] if note else []
    if image.ndim == 3:
        notes.append("made grey")
    if grey.shape != (side, side):
        notes.append(f"middle square, {side}×{side}")
    return Picture.of(name, square, "; ".join(notes))


class PictureChooser:
    """A slider over pictures and a button for one's own; a bad file is answered in one line.

    Attributes:
        control: its value is the chosen :class:`Picture`.
        rows: the controls in the order in which they are shown.
    """

    def __init__(self, names: tuple[str, ...] = (*SAMPLES, "ankle boot")) -> None:
        pictures = [sample_picture(name) for name in names]
        self.control = slider("picture", [(p.name, p) for p in pictures], pictures[0])
        self.upload = ipywidgets.FileUpload(
            accept="image/*",
            multiple=False,
            description="your own picture (below 8 MB)",
            layout={"width": "300px"},
        )
        self.message = ipywidgets.HTML()
        self.upload.observe(self._read, names="value")
        self.rows = [self.upload, self.message, self.control]

    def _read(self, change: Any) -> None:
        if not change["new"]:
            return
        try:
            picture = own_picture(bytes(change["new"][0]["content"]))
        except UserError as error:
            self.message.value = error_line(error)
            return
        except Exception as error:  # an image that breaks the decoder must not break the widget
            self.message.value = error_line(f"the image cannot be read ({error})")
            return
        self.message.value = f"<p>your picture: {picture.note or 'as it is'}</p>"
        others = [(name, p) for name, p in self.control.options if name != picture.name]
        self.control.options = [*others, (picture.name, picture)]
        self.control.value = picture


def whole_factor(side: int, room: int) -> int:
    """The magnification that comes nearest to ``room`` pixels without passing it."""
    return max(1, room // side)
