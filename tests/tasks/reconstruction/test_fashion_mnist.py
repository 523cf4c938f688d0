"""The idx reader, the embedded subset, and both held against the real files."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from indexnet_edu.datasets import get_dataset
from indexnet_edu.errors import UserError
from indexnet_edu.files import checksum_of
from indexnet_edu.paths import asset
from indexnet_edu.tasks.reconstruction import fashion_mnist
from indexnet_edu.tasks.reconstruction.fashion_mnist import (
    load_embedded,
    load_fashion_mnist,
    pack,
    unpack,
)
from indexnet_edu.tasks.reconstruction.idx import read_idx
from indexnet_edu.tasks.reconstruction.make_subset import select, write

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)


def idx(values: np.ndarray, kind: int = 0x08, shape: tuple[int, ...] | None = None) -> bytes:
    shape = shape or values.shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + values.tobytes()


def refused(path: Path, content: bytes, shape: tuple[int, ...] = (5, 28, 28)) -> str:
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_idx(path, shape)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    assert "indexnet-edu data get fashion_mnist" in message
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "images.gz"


def test_idx_reads_what_was_written(path):
    path.write_bytes(gzip.compress(idx(IMAGES)))
    read = read_idx(path, (5, 28, 28))
    assert read.dtype == np.uint8 and read.flags.writeable
    np.testing.assert_array_equal(read, IMAGES)


def test_idx_missing(tmp_path):
    with pytest.raises(UserError, match="missing"):
        read_idx(tmp_path / "images.gz", (5, 28, 28))


@pytest.mark.parametrize("kept", [5, 12, 200, -12, -1])
def test_idx_cut_short(path, kept):
    assert "is cut short" in refused(path, gzip.compress(idx(IMAGES))[:kept])


def test_idx_foreign_files(path):
    assert "not a gzip" in refused(path, b"a text file\n")
    assert "not an idx file" in refused(path, b"")
    assert "not an idx file" in refused(path, gzip.compress(b"another gzip file"))
    assert "not an idx file" in refused(path, gzip.compress(idx(IMAGES, kind=0x0D)))


def test_idx_corrupt(path):
    packed = bytearray(gzip.compress(idx(IMAGES)))
    packed[-8] ^= 1  # the checksum that gzip keeps of the values
    assert "corrupt" in refused(path, bytes(packed))


def test_idx_labels_in_the_place_of_images_and_back(path):
    assert "1 dimensions, not 3" in refused(path, gzip.compress(idx(IMAGES[:, 0, 0])))
    assert "3 dimensions, not 1" in refused(path, gzip.compress(idx(IMAGES)), shape=(5,))


def test_idx_other_set_of_images(path):
    message = refused(path, gzip.compress(idx(IMAGES[:3])))
    assert "3 × 28 × 28 values, not 5 × 28 × 28" in message


@pytest.mark.parametrize(("count", "word"), [(4, "fewer"), (6, "more")])
def test_idx_header_that_lies(path, count, word):
    values = np.resize(IMAGES, (count, 28, 28))
    assert f"holds {word} values" in refused(path, gzip.compress(idx(values, shape=(5, 28, 28))))


def test_idx_ends_in_its_header(path):
    assert "ends within its header" in refused(path, gzip.compress(idx(IMAGES)[:10]))


def test_sheet_and_images_are_one_another_s_inverse():
    images = np.random.default_rng(1).integers(0, 256, (300, 28, 28), np.uint8)
    sheet = pack(images)
    assert sheet.shape == (3 * 28, 100 * 28)
    np.testing.assert_array_equal(sheet[28:56, 56:84], images[102])
    np.testing.assert_array_equal(unpack(sheet), images)


def test_embedded_subset_is_balanced_from_its_first_images_on():
    images = load_embedded()
    assert images.train.shape == (8000, 28, 28) and images.train_labels.shape == (8000,)
    assert images.test.shape == (2000, 28, 28) and images.test_labels.shape == (2000,)
    assert all(array.dtype == np.uint8 and array.flags.writeable for array in images[:4])
    for labels in (images.train_labels, images.test_labels):
        np.testing.assert_array_equal(labels, np.arange(len(labels)) % 10)
    assert images.checksum == checksum_of(*images[:4])
    assert "subset" in images.name


def test_embedded_subset_needs_no_data_folder(no_real_data):
    assert load_embedded().name
    with pytest.raises(UserError, match="indexnet-edu data get fashion_mnist"):
        load_fashion_mnist()


def test_embedded_subset_is_small_and_its_readme_right():
    folder = asset("data", "fashion_mnist_subset")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "sheet.webp").stat().st_size <= 4_300_000
    for name in ("sheet.webp", "labels.txt", "LICENSE.txt"):
        assert f"| `{name}` | {(folder / name).stat().st_size} |" in readme
    assert fashion_mnist.EMBEDDED_CHECKSUM in readme
    licence = (folder / "LICENSE.txt").read_text(encoding="utf-8")
    assert "The MIT License" in licence and "Zalando SE" in licence


@pytest.mark.parametrize("name", ["sheet.webp", "labels.txt"])
@pytest.mark.parametrize("damage", ["missing", "cut", "foreign", "other"])
def test_damaged_embedded_subset_is_refused(tmp_path, monkeypatch, name, damage):
    real = asset("data", "fashion_mnist_subset")
    for each in ("sheet.webp", "labels.txt"):
        (tmp_path / each).write_bytes((real / each).read_bytes())
    content = (real / name).read_bytes()
    if damage == "missing":
        (tmp_path / name).unlink()
    elif damage == "cut":
        (tmp_path / name).write_bytes(content[: len(content) // 2])
    elif damage == "foreign":
        (tmp_path / name).write_bytes(b"\xff\xfe something else")
    else:  # right in form, other in value
        (tmp_path / "labels.txt").write_bytes(content[::-1] if name == "labels.txt" else b"0" * 100)
    monkeypatch.setattr(fashion_mnist, "asset", lambda *parts: tmp_path)
    with pytest.raises(UserError, match="subset is damaged: install indexnet-edu again"):
        load_embedded()


def test_making_the_subset_of_the_subset_gives_itself(tmp_path, monkeypatch):
    images = load_embedded()
    assert checksum_of(*select(images)) == images.checksum


@pytest.mark.slow
def test_written_subset_reads_back(tmp_path, monkeypatch):
    images = load_embedded()
    assert write(images, tmp_path) == images.checksum
    monkeypatch.setattr(fashion_mnist, "asset", lambda *parts: tmp_path)
    assert load_embedded().checksum == images.checksum
    labels = asset("data", "fashion_mnist_subset", "labels.txt")
    assert (tmp_path / "labels.txt").read_bytes() == labels.read_bytes()


def test_embedded_subset_equals_the_official_images(real_data):
    for ours, official in zip(load_embedded()[:4], select(load_fashion_mnist()), strict=True):
        np.testing.assert_array_equal(ours, official)


def test_real_fashion_mnist_has_its_published_statistics(real_data):
    images = load_fashion_mnist()
    assert images.train.shape == (60_000, 28, 28) and images.test.shape == (10_000, 28, 28)
    assert np.bincount(images.train_labels).tolist() == [6000] * 10
    assert np.bincount(images.test_labels).tolist() == [1000] * 10
    assert images.train.mean() / 255 == pytest.approx(0.2860, abs=1e-4)
    assert images.train.std() / 255 == pytest.approx(0.3530, abs=1e-4)
    assert all(array.flags.writeable for array in images[:4])
    assert images.name == "Fashion-MNIST" and images.checksum == checksum_of(*images[:4])


def test_real_files_read_by_the_wrong_name_are_refused(real_data):
    folder = get_dataset("fashion_mnist").folder()
    with pytest.raises(UserError, match="10000 × 28 × 28 values, not 60000 × 28 × 28"):
        read_idx(folder / "t10k-images-idx3-ubyte.gz", (60_000, 28, 28))
    with pytest.raises(UserError, match="1 dimensions, not 3"):
        read_idx(folder / "t10k-labels-idx1-ubyte.gz", (10_000, 28, 28))
