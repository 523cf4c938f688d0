"""The Adobe layout, proven on a small tree of its kind."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexnet_edu.errors import UserError
from indexnet_edu.tasks.matting.adobe import AdobeForegrounds, CompositionOneK, PictureFolder
from indexnet_edu.tasks.matting.sources import CroppedCompositions, MeasuredPhotographs

HEIGHT, WIDTH = 40, 56


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    combined = tmp_path / "Combined_Dataset"
    ramp = np.clip((np.arange(WIDTH) - 30) * 30 + 128, 0, 255).astype(np.uint8)
    alpha = np.broadcast_to(ramp, (HEIGHT, WIDTH))
    trimap = np.where((alpha > 0) & (alpha < 255), 128, alpha).astype(np.uint8)

    def save(path: str, picture: np.ndarray) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(picture)).save(tmp_path / path)

    def colours() -> np.ndarray:
        return rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

    for name in ("cat", "a dog_2"):
        save(f"Combined_Dataset/Training_set/alpha/{name}.jpg", alpha)
        save(f"Combined_Dataset/Training_set/fg/{name}.jpg", colours())
    for name in ("fox", "o_x"):
        save(f"Combined_Dataset/Test_set/alpha/{name}.png", alpha)
        for number in range(2):
            save(f"Combined_Dataset/Test_set/merged/{name}_{number}.png", colours())
            save(f"Combined_Dataset/Test_set/trimaps/{name}_{number}.png", trimap)
    for number in range(3):
        save(f"train2014/COCO_{number}.jpg", colours())
    assert combined.is_dir()
    return tmp_path


def test_training_examples(tree: Path) -> None:
    foregrounds = AdobeForegrounds(tree / "Combined_Dataset" / "Training_set")
    backgrounds = PictureFolder(tree / "train2014")
    assert foregrounds.names == ["a dog_2", "cat"] and len(backgrounds) == 3
    assert [f.name for f in foregrounds[:]] == ["adobe a dog_2", "adobe cat"]
    source = CroppedCompositions(foregrounds, backgrounds, crop=32)
    assert len(source) == 200 and source.example(0, seed=0)["unknown"].any()
    with pytest.raises(IndexError):
        foregrounds[2]


def test_the_test_set_by_its_list_and_by_its_names(tree: Path) -> None:
    matched = CompositionOneK(tree)
    assert [p.name for p in matched] == ["fox_0", "fox_1", "o_x_0", "o_x_1"]
    lines = [
        f"Test_set/merged/{name}\tTest_set/alpha/{name[:-6]}.png\tTest_set/trimaps/{name}"
        for name in ("o_x_1.png", "fox_0.png")
    ]
    (tree / "test.txt").write_text("\n".join(lines) + "\n\n")
    listed = CompositionOneK(tree)
    assert [p.name for p in listed] == ["o_x_1", "fox_0"]
    assert np.array_equal(listed[0].image, matched[3].image)
    assert set(np.unique(listed[0].trimaps["trimap"])) == {0, 128, 255}
    assert MeasuredPhotographs(listed, "trimap").example(0)["x"].shape == (4, HEIGHT, WIDTH)


def test_faults_are_told_in_one_line(tree: Path) -> None:
    training = tree / "Combined_Dataset" / "Training_set"
    test = tree / "Combined_Dataset" / "Test_set"
    with pytest.raises(UserError, match="no pictures in .*nowhere: unpack"):
        PictureFolder(tree / "nowhere")
    (training / "fg" / "cat.jpg").unlink()
    with pytest.raises(UserError, match="no picture of their name in fg, first cat"):
        AdobeForegrounds(training)
    (training / "fg" / "cat.jpg").write_text("broken")
    with pytest.raises(UserError, match="cat.jpg cannot be read"):
        AdobeForegrounds(training)[1]
    Image.new("RGB", (3, 3)).save(training / "fg" / "cat.jpg")
    with pytest.raises(UserError, match="differ in size"):
        AdobeForegrounds(training)[1]
    (test / "trimaps" / "fox_1.png").unlink()
    with pytest.raises(UserError, match="fox_1.png has no matte or no trimap"):
        CompositionOneK(tree)
    (tree / "test.txt").write_text("a.png b.png c.png\n")
    with pytest.raises(UserError, match="line 1, has 1 names.*separated by tabs"):
        CompositionOneK(tree)
    (tree / "test.txt").write_text("a.png\tb.png\tc.png\n")
    with pytest.raises(UserError, match="a.png is missing"):
        CompositionOneK(tree)
