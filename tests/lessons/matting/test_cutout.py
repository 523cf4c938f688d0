"""A photograph cut out: what is read, what is saved, whose colours it has."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexnet_edu.errors import UserError
from indexnet_edu.lessons.matting import cutout


def test_the_sample_begins_with_its_outline_and_ones_own_with_an_oval() -> None:
    sample, note = cutout.my_photograph("")
    assert sample.shape == (300, 451, 3) and sample.dtype == np.uint8 and "Chelsea" in note
    outline = cutout.my_start(sample, sample=True)
    assert set(np.unique(outline)) == {0, 255} and outline[110, 170] == 255  # an eye
    assert outline[200, 430] == 0
    oval = cutout.my_start(sample, sample=False)
    assert oval[180, 225] == 255 and oval[0, 0] == 0


def test_ones_own_is_read_reduced_and_made_of_three_channels(tmp_path: Path) -> None:
    Image.new("L", (1200, 600), 70).save(tmp_path / "me.png")
    photograph, note = cutout.my_photograph(str(tmp_path / "me.png"))
    assert photograph.shape == (256, 512, 3) and (photograph == 70).all() and "me.png" in note
    with pytest.raises(UserError, match="none.png cannot be read .* beside this notebook"):
        cutout.my_photograph(str(tmp_path / "none.png"))
    Image.fromarray(cutout.my_start(photograph, sample=False)).save(tmp_path / "mask.png")
    start = cutout.my_start(photograph, sample=False, trimap=str(tmp_path / "mask.png"))
    assert start.shape == (256, 512) and {0, 255} <= set(np.unique(start))


def test_the_file_has_four_channels_and_the_same_picture(tmp_path: Path) -> None:
    alpha = np.linspace(0, 1, 12).reshape(3, 4).astype(np.float32)
    colours = np.full((3, 4, 3), 0.4, np.float32)
    file = cutout.write_cut_out(tmp_path / "new" / "cut.png", colours, alpha)
    with Image.open(file) as saved:
        assert saved.mode == "RGBA"
        pixels = np.asarray(saved)
    assert (pixels[..., 3] == np.round(255 * alpha)).all() and (pixels[..., 0] == 102).all()
    with pytest.raises(UserError, match="cannot be written"):
        cutout.write_cut_out(file / "below.png", colours, alpha)
