"""``predict``: how its arguments are read, and that no file costs another one anything."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexnet_edu.cli.training import spelled_out
from indexnet_edu.engine import Predict
from indexnet_edu.engine.predict import predict_files
from indexnet_edu.errors import UsageError
from indexnet_edu.images import write_image
from indexnet_edu.tasks import get_task

_READ = get_task("denoising").predict.inputs["image"]
PLAIN = Predict(lambda model, image: image, {".png": write_image}, {"image": _READ})
GUIDED = Predict(
    lambda model, image, trimap: image * trimap,
    {".png": write_image, "-alpha.png": write_image},
    {"image": _READ, "trimap": _READ},
)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("run a b --out o", "run a b --out o"),
        ("run a b --trimap s t", "run a b --with trimap s --with trimap t"),
        ("run a --trimap=s --json", "run a --with trimap s --json"),
        ("run a b --trimap=s t", "run a b --with trimap s --with trimap t"),
        ("run --trimap t --out o a", "run --with trimap t --out o a"),
        ("run --trimap t -- -a --b", "run --with trimap t -- -a --b"),
        ("run a --with trimap t", "run a --with trimap t"),
        ("run a --x s --y t", "run a --with x s --with y t"),
        ("--help", "--help"),
        ("run a -h", "run a -h"),
    ],
)
def test_a_name_goes_with_each_file_behind_it(given: str, meant: str) -> None:
    assert spelled_out(["predict", *given.split()]) == ["predict", *meant.split()]


def test_other_commands_are_left_alone() -> None:
    assert spelled_out(["train", "--set", "a=b", "--x"]) == ["train", "--set", "a=b", "--x"]
    assert spelled_out([]) == []


@pytest.mark.parametrize("given", ["run a --jsn", "run a --trimap --out o", "run a --x -- b"])
def test_a_name_without_a_file_is_a_mistake(given: str) -> None:
    with pytest.raises(UsageError, match="takes a file"):
        spelled_out(["predict", *given.split()])


def picture(path: Path, value: int = 128) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("L", (5, 3), value).save(path)
    return path


def test_one_bad_file_costs_no_other(tmp_path: Path) -> None:
    good, last = picture(tmp_path / "a.png"), picture(tmp_path / "c.png")
    empty, damaged, folder = (tmp_path / name for name in ("empty.png", "b.png", "folder.png"))
    empty.write_bytes(b"")
    damaged.write_bytes(good.read_bytes()[:50])
    folder.mkdir()
    images = [good, empty, damaged, folder, tmp_path / "none.png", last]
    complaints: list[str] = []
    rows = predict_files(PLAIN, None, images, tmp_path / "out", {}, complaints.append)
    assert [row["image"] for row in rows] == [str(good), str(last)]
    assert [line.partition(":")[0] for line in complaints] == list(map(str, images[1:5]))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]


def test_what_cannot_be_written_is_said_with_a_remedy(tmp_path: Path) -> None:
    image, complaints = picture(tmp_path / "a.jpg"), list[str]()
    (tmp_path / "file").write_text("")
    assert not predict_files(PLAIN, None, [image], tmp_path / "file", {}, complaints.append)
    assert len(complaints) == 1 and "use another --out" in complaints[0]


def test_no_original_is_overwritten(tmp_path: Path) -> None:
    jpeg, png = picture(tmp_path / "x/a.jpg"), picture(tmp_path / "x/a.png", 9)
    trimap, elsewhere = picture(tmp_path / "y/a.png", 9), picture(tmp_path / "z/b.png", 9)
    for predict, images, out, others in (
        (PLAIN, [jpeg], "x", {}),  # a.png beside a.jpg
        (PLAIN, [png], "x", {}),  # the image itself
        (PLAIN, [picture(tmp_path / "z/a.jpg"), png], "x", {}),
        (PLAIN, [picture(tmp_path / "x/b.jpg"), elsewhere], "z", {}),
        (GUIDED, [jpeg], "y", {"trimap": [trimap]}),
    ):
        with pytest.raises(UsageError, match=r"would (be overwritten|become)"):
            predict_files(predict, None, images, tmp_path / out, others, pytest.fail)
    assert all(Image.open(p).getpixel((0, 0)) == 9 for p in (png, trimap, elsewhere))


def test_a_result_may_be_made_again(tmp_path: Path) -> None:
    image, out = picture(tmp_path / "a.jpg"), tmp_path / "out"
    first, again = (predict_files(PLAIN, None, [image], out, {}, pytest.fail) for _ in range(2))
    assert (
        first
        == again
        == [{"image": str(image), "results": [str(out / "a.png")], "size": "5×3", "note": "grey"}]
    )


def test_several_inputs_go_together(tmp_path: Path) -> None:
    images = [picture(tmp_path / f"{name}.png", 255) for name in "ab"]
    trimaps = [picture(tmp_path / f"t{value}.png", value) for value in (10, 20)]
    others, out = {"trimap": trimaps}, tmp_path / "out"
    rows = predict_files(GUIDED, None, images, out, others, pytest.fail)
    assert [Path(path).name for row in rows for path in row["results"]] == [
        "a.png", "a-alpha.png", "b.png", "b-alpha.png",
    ]  # fmt: skip
    assert [np.array(Image.open(out / f"{name}.png"))[0, 0] for name in "ab"] == [10, 20]
    with pytest.raises(UsageError, match="images 2, with --trimap 1"):
        predict_files(GUIDED, None, images, out, {"trimap": trimaps[:1]}, pytest.fail)
    with pytest.raises(UsageError, match="no input --mask for this run: it takes --trimap"):
        predict_files(GUIDED, None, images, out, others | {"mask": trimaps}, pytest.fail)
    complaints: list[str] = []
    trimaps[0].write_bytes(b"none")
    predict_files(GUIDED, None, images, out, others, complaints.append)
    assert len(complaints) == 1 and complaints[0].startswith(f"{images[0]}: trimap: ")
