"""The catalogue, what it finds wrong with files, and downloads from servers good and bad."""

import dataclasses
import gzip
import hashlib
import http.server
import re
import socket
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from indexnet_edu import datasets
from indexnet_edu.datasets import DataFile, Dataset, get_dataset, load_catalogue
from indexnet_edu.errors import UsageError, UserError
from indexnet_edu.paths import asset

NAMES = [
    "fashion_mnist",
    "denoising",
    "matting_alphamatting",
    "matting_lemur",
    "bsds500_color",
    "nyuv2",
    "camvid",
    "backbones",
]
OFFICIAL = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]

# --- the catalogue itself ---------------------------------------------------------------------


def test_catalogue_lists_every_dataset_with_its_facts():
    catalogue = load_catalogue()
    assert list(catalogue) == NAMES
    for name, dataset in catalogue.items():
        assert dataset.name == name
        assert dataset.title and dataset.licence and dataset.tasks and dataset.citations
        assert dataset.source.startswith("http") and dataset.steps
        for text in (dataset.title, dataset.licence, *dataset.steps):
            assert "\n" not in text
        for file in dataset.files:
            assert file.bytes > 0 and re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert all(url.endswith("/" + file.name) for url in file.urls)


def test_only_fashion_mnist_is_downloaded_and_from_two_mirrors():
    downloadable = [name for name, dataset in load_catalogue().items() if dataset.downloadable]
    assert downloadable == ["fashion_mnist"]
    files = get_dataset("fashion_mnist").files
    assert [file.name for file in files] == OFFICIAL
    assert all(len(file.urls) == 2 for file in files)
    assert (
        files[0].urls[0].startswith("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/")
    )


def test_checksums_tell_all_files_apart():
    sums = [file.sha256 for dataset in load_catalogue().values() for file in dataset.files]
    assert len(set(sums)) == len(sums)


def test_cards_say_what_the_catalogue_says():
    readme = asset("data", "README.md").read_text(encoding="utf-8")
    cards = {card.partition("\n")[0]: card for card in re.split("^## ", readme, flags=re.M)}
    headings = [heading for heading in cards if "`" in heading]
    assert headings == [f"{each.title}: `{each.name}`" for each in load_catalogue().values()]
    for dataset, heading in zip(load_catalogue().values(), headings, strict=True):
        lines = cards[heading].splitlines()
        assert f"- Task: {', '.join(dataset.tasks)}" in lines
        assert f"- Source: <{dataset.source}>" in lines
        assert f"- Terms: {dataset.licence}" in lines
        assert [f"- Citation: {each}" for each in dataset.citations] == [
            line for line in lines if line.startswith("- Citation:")
        ]
        rows = [f"| `{file.name}` | {file.bytes} | `{file.sha256}` |" for file in dataset.files]
        assert rows == [line for line in lines if line.startswith("| `")]
        steps = [f"{number}. {step}" for number, step in enumerate(dataset.steps, 1)]
        assert steps == [line for line in lines if re.match(r"\d+\. ", line)]
        for file in dataset.files:
            if file.contents:
                assert f"`{file.name}` `{file.contents}`" in cards[heading]


def test_unknown_name_lists_the_valid_ones():
    with pytest.raises(UsageError) as caught:
        get_dataset("fashion-mnist")
    assert all(name in str(caught.value) for name in NAMES)


def test_the_data_folder_is_the_variable_s_or_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path))
    assert get_dataset("camvid").folder() == tmp_path / "camvid"
    assert get_dataset("camvid").folder(tmp_path / "other") == tmp_path / "other" / "camvid"
    monkeypatch.delenv("INDEXNET_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert get_dataset("camvid").folder() == tmp_path / "cache" / "indexnet-edu" / "camvid"


# --- a small catalogue to damage --------------------------------------------------------------

LETTERS = {
    "a.gz": gzip.compress(bytes(range(256)) * 40 + b"a", mtime=0),
    "b.gz": gzip.compress(bytes(range(255, -1, -1)) * 20 + b"b", mtime=0),
}


def small_dataset(urls: tuple[str, ...] = ()) -> Dataset:
    """Two gzip files; ``urls`` are the mirrors' folders."""
    files = tuple(
        DataFile(
            name,
            len(content),
            hashlib.sha256(content).hexdigest(),
            tuple(f"{url}/{name}" for url in urls),
        )
        for name, content in LETTERS.items()
    )
    return Dataset(
        name="letters",
        title="Letters",
        tasks=("reading",),
        licence="MIT",
        source="http://example.org",
        citations=("A. Author.",),
        files=files,
        steps=("Fetch the files.", "Put them into letters."),
    )


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Dataset]:
    """Makes given datasets the whole catalogue, with an empty data folder; returns the first."""
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def install(*chosen: Dataset) -> Dataset:
        catalogue = {dataset.name: dataset for dataset in chosen}
        monkeypatch.setattr(datasets, "load_catalogue", lambda: catalogue)
        return chosen[0]

    return install


@pytest.fixture
def letters(use: Callable[..., Dataset]) -> Dataset:
    """The small dataset, whole."""
    dataset = use(small_dataset())
    dataset.folder().mkdir(parents=True)
    for name, content in LETTERS.items():
        (dataset.folder() / name).write_bytes(content)
    return dataset


def one_line(caught: pytest.ExceptionInfo[UserError]) -> str:
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_whole_files_are_present(letters):
    assert [report.state for report in letters.verify()] == ["good", "good"]
    assert letters.status() == "present"
    assert letters.require() == letters.folder()


def test_absent_dataset_names_folder_and_remedy(use):
    dataset = use(small_dataset(("http://127.0.0.1:9",)))
    assert dataset.status() == "absent"
    with pytest.raises(UserError) as caught:
        dataset.require()
    message = one_line(caught)
    assert str(dataset.folder()) in message
    assert "indexnet-edu data get letters" in message and "INDEXNET_DATA" in message


FOREIGN = [
    b"just a text file",
    b"longer than the real one " * 1000,
    gzip.compress(b"another gzip", mtime=0),
    gzip.compress(b"one that is corrupt", mtime=0)[:-8] + b"\0" * 8,
]


@pytest.mark.parametrize(
    ("content", "state", "words"),
    [
        (None, "missing", "missing"),
        (b"", "truncated", "0 of"),
        (LETTERS["a.gz"][:100], "truncated", f"100 of {len(LETTERS['a.gz'])}"),
        (LETTERS["b.gz"], "swapped", "letters/b.gz"),
        *((content, "foreign", f"{len(content):,} bytes") for content in FOREIGN),
    ],
)
def test_damage_is_told_apart(letters, content, state, words):
    path = letters.folder() / "a.gz"
    path.unlink() if content is None else path.write_bytes(content)
    damaged, whole = letters.verify()
    assert (damaged.file, damaged.state, whole.state) == ("a.gz", state, "good")
    assert words in damaged.message
    assert letters.status() == "damaged"
    with pytest.raises(UserError, match=r"a\.gz: .*indexnet-edu data get letters") as caught:
        letters.require()
    assert "b.gz:" not in one_line(caught)


def test_one_flipped_bit_is_seen(letters):
    path = letters.folder() / "a.gz"
    content = bytearray(LETTERS["a.gz"])
    content[60] ^= 1
    path.write_bytes(content)
    assert letters.verify()[0].state == "foreign"


def test_two_files_swapped_name_each_other(letters):
    (letters.folder() / "a.gz").write_bytes(LETTERS["b.gz"])
    (letters.folder() / "b.gz").write_bytes(LETTERS["a.gz"])
    messages = [report.message for report in letters.verify()]
    assert messages == ["swapped, it holds letters/b.gz", "swapped, it holds letters/a.gz"]


def test_a_folder_in_a_file_s_place_is_reported(letters):
    (letters.folder() / "a.gz").unlink()
    (letters.folder() / "a.gz").mkdir()
    assert letters.verify()[0].state == "unreadable"
    assert letters.status() == "damaged"


def test_a_file_is_hashed_once_until_it_changes(letters, monkeypatch):
    hashed = []
    digest = hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda stream, name: hashed.append(1) or digest(stream, name)
    )
    for _ in range(3):
        letters.status()
    assert len(hashed) == 2
    (letters.folder() / "a.gz").write_bytes(LETTERS["a.gz"][:-1])
    letters.status()
    assert len(hashed) == 3


def test_rows_for_the_command_line(letters):
    (row,) = datasets.list_rows()
    assert row == {
        "name": "letters",
        "title": "Letters",
        "status": "present",
        "where": str(letters.folder()),
        "licence": "MIT",
    }
    rows = datasets.verify(["letters"])
    assert [(each["name"], each["file"], each["state"]) for each in rows] == [
        ("letters", "a.gz", "good"),
        ("letters", "b.gz", "good"),
    ]


def test_verify_without_names_leaves_out_what_was_never_fetched(use):
    use(small_dataset())
    assert datasets.verify() == []
    assert {row["state"] for row in datasets.verify(["letters"])} == {"missing"}


# --- zip files packed at home -----------------------------------------------------------------


def pack(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.mkdir("pictures")
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def pictures(use: Callable[..., Dataset], tmp_path: Path) -> tuple[Dataset, dict[str, bytes]]:
    members = {"pictures/1.png": b"one" * 50, "pictures/2.png": b"two" * 50}
    original = pack(tmp_path / "pictures.zip", members)
    contents = datasets.contents_sha256(original, 0, 0)
    content = original.read_bytes()
    file = DataFile(
        "pictures.zip", len(content), hashlib.sha256(content).hexdigest(), contents=contents
    )
    dataset = use(dataclasses.replace(small_dataset(), name="pictures", files=(file,)))
    dataset.folder().mkdir(parents=True)
    return dataset, members


def test_a_zip_packed_at_home_is_as_good(pictures):
    dataset, members = pictures
    again = dict(reversed(members.items()))
    pack(dataset.folder() / "pictures.zip", again, zipfile.ZIP_DEFLATED)
    assert [report.state for report in dataset.verify()] == ["good"]


def unpack(dataset: Dataset, members: dict[str, bytes]) -> None:
    for name, content in members.items():
        path = dataset.folder() / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def test_the_folder_unpacked_is_as_good(pictures):
    dataset, members = pictures
    unpack(dataset, members | {"pictures/.hidden": b"a file manager's"})
    assert [report.message for report in dataset.verify()] == ["unpacked, with the right contents"]
    assert dataset.require() == dataset.folder()


def test_a_folder_with_other_contents_is_foreign(pictures):
    dataset, members = pictures
    unpack(dataset, members | {"pictures/3.png": b"3"})
    (report,) = dataset.verify()
    assert report.state == "foreign" and "the folder pictures" in report.message


def test_a_zip_with_other_contents_is_foreign(pictures):
    dataset, members = pictures
    pack(dataset.folder() / "pictures.zip", members | {"pictures/2.png": b"2"})
    assert [report.state for report in dataset.verify()] == ["foreign"]


def test_a_zip_cut_short_is_truncated(pictures):
    dataset, members = pictures
    path = pack(dataset.folder() / "pictures.zip", members)
    path.write_bytes(path.read_bytes()[:-40])
    assert [report.state for report in dataset.verify()] == ["truncated"]


# --- downloading ------------------------------------------------------------------------------


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; of files under ``half/`` it announces the whole and sends a half."""

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if not self.path.startswith("/half/"):
            return super().do_GET()
        content = Path(self.translate_path(self.path.removeprefix("/half"))).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """``good/`` holds the files, ``wrong/`` others under their names, ``half/good/`` breaks off."""
    for folder in ("good", "wrong"):
        (tmp_path / "www" / folder).mkdir(parents=True)
        for name, content in LETTERS.items():
            (tmp_path / "www" / folder / name).write_bytes(
                content if folder == "good" else b"<html>not found</html>"
            )
    handler = partial(QuietHandler, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def found(dataset: Dataset) -> list[str]:
    return sorted(path.name for path in dataset.folder().iterdir())


def test_download_brings_whole_files(use, server, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)  # bars are for terminals
    dataset = use(small_dataset((f"{server}/good",)))
    assert datasets.download("letters") == dataset.folder()
    assert dataset.status() == "present"
    assert found(dataset) == ["a.gz", "b.gz"]
    assert (dataset.folder() / "a.gz").stat().st_mode & 0o044 == 0o044
    output = capsys.readouterr()
    assert output.out == "" and "a.gz" in output.err and "100%" in output.err


def test_download_without_progress_is_silent(use, server, capsys):
    use(small_dataset((f"{server}/good",)))
    datasets.download("letters", progress=False)
    assert capsys.readouterr() == ("", "")


def test_download_mends_what_is_damaged_and_nothing_else(use, server):
    dataset = use(small_dataset((f"{server}/good",)))
    datasets.get("letters", progress=False)
    whole = (dataset.folder() / "b.gz").stat().st_mtime_ns
    (dataset.folder() / "a.gz").write_bytes(b"half a fi")
    datasets.get("letters", progress=False)
    assert dataset.status() == "present"
    assert (dataset.folder() / "b.gz").stat().st_mtime_ns == whole


def test_get_asks_no_server_for_what_is_there(letters):
    assert datasets.get("letters") == letters.folder()


@pytest.mark.parametrize("first", ["dead", "wrong", "half/good", "nowhere"])
def test_second_mirror_steps_in(use, server, dead, first):
    bad = dead if first == "dead" else f"{server}/{first}"
    dataset = use(small_dataset((bad, f"{server}/good")))
    datasets.download("letters", progress=False)
    assert dataset.status() == "present"
    assert found(dataset) == ["a.gz", "b.gz"]


def test_a_dead_mirror_is_asked_once(use, server, dead, monkeypatch):
    import pooch

    asked = []
    retrieve = pooch.retrieve
    monkeypatch.setattr(
        pooch,
        "retrieve",
        lambda url, *rest, **options: asked.append(url) or retrieve(url, *rest, **options),
    )
    use(small_dataset((dead, f"{server}/good")))
    datasets.download("letters", progress=False)
    assert [url.startswith(dead) for url in asked] == [True, False, False]


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("wrong", "wrong checksum"),
        ("half/good", "breaks off"),
        ("nowhere", "answers 404"),
    ],
)
def test_bad_server_leaves_nothing_behind(use, server, folder, reason):
    dataset = use(small_dataset((f"{server}/{folder}",)))
    with pytest.raises(UserError, match=reason) as caught:
        datasets.download("letters", progress=False)
    assert "a.gz" in one_line(caught)
    assert found(dataset) == []


def test_no_network_is_one_line_with_a_remedy(use, dead):
    dataset = use(small_dataset((dead,)))
    with pytest.raises(UserError, match="does not answer.*check the network") as caught:
        datasets.download("letters", progress=False)
    assert str(dataset.folder()) in one_line(caught)
    assert found(dataset) == []


def test_bad_download_keeps_the_file_that_was_there(use, server):
    dataset = use(small_dataset((f"{server}/wrong",)))
    dataset.folder().mkdir(parents=True)
    (dataset.folder() / "a.gz").write_bytes(b"what the user had")
    with pytest.raises(UserError):
        datasets.download("letters", progress=False)
    assert (dataset.folder() / "a.gz").read_bytes() == b"what the user had"


def test_folder_that_cannot_be_written(use, server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("INDEXNET_DATA", str(tmp_path / "file"))
    dataset = use(small_dataset((f"{server}/good",)))
    assert dataset.status() == "damaged"
    with pytest.raises(UserError, match="cannot write to .*INDEXNET_DATA") as caught:
        datasets.download("letters", progress=False)
    one_line(caught)


def test_what_cannot_be_downloaded_gets_its_steps(use):
    use(small_dataset())
    with pytest.raises(UserError) as caught:
        datasets.get("letters")
    assert "1. Fetch the files. 2. Put them into letters." in one_line(caught)


def test_every_refusal_of_the_real_catalogue_is_one_line(no_real_data):
    for name, dataset in load_catalogue().items():
        assert dataset.status() == "absent"
        with pytest.raises(UserError) as caught:
            dataset.require()
        one_line(caught)
        if not dataset.downloadable:
            with pytest.raises(UserError) as caught:
                datasets.download(name)
            one_line(caught)


# --- the real data ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_real_data_are_whole(real_data, name):
    dataset = get_dataset(name)
    if dataset.status() == "absent":
        pytest.skip(f"{name} is not on this machine")
    assert [report for report in dataset.verify() if report.state != "good"] == []


def test_real_train_images_replaced_by_the_test_images(real_data, tmp_path):
    dataset = get_dataset("fashion_mnist")
    dataset.folder(tmp_path).mkdir()
    for name in OFFICIAL:
        (dataset.folder(tmp_path) / name).symlink_to(dataset.folder() / name)
    (dataset.folder(tmp_path) / OFFICIAL[0]).unlink()
    (dataset.folder(tmp_path) / OFFICIAL[0]).symlink_to(dataset.folder() / OFFICIAL[2])
    with pytest.raises(UserError, match=f"swapped, it holds fashion_mnist/{OFFICIAL[2]}"):
        dataset.require(tmp_path)


@pytest.mark.parametrize("name", ["denoising", "bsds500_color"])
def test_real_archives_repacked_as_the_steps_say(real_data, tmp_path, name):
    dataset = get_dataset(name)
    if dataset.status() == "absent":
        pytest.skip(f"{name} is not on this machine")
    dataset.folder(tmp_path).mkdir()
    for file in dataset.files:
        with zipfile.ZipFile(dataset.folder() / file.name) as archive:
            archive.extractall(tmp_path / file.name)
        (folder,) = (tmp_path / file.name).iterdir()
        zipfile.main(["-c", str(dataset.folder(tmp_path) / file.name), str(folder)])
    assert {report.message for report in dataset.verify(tmp_path)} == {
        "packed by hand, with the right contents"
    }


# --- real or embedded -------------------------------------------------------------------------


@pytest.mark.parametrize("data, present, absent", [
    ("real", True, None), ("auto", True, False), ("embedded", False, False),
])  # fmt: skip
def test_what_a_recipe_means_by_its_data(pictures, data, present, absent):
    dataset, members = pictures
    if absent is None:
        with pytest.raises(UserError):
            datasets.wants_real("pictures", data)
    else:
        assert datasets.wants_real("pictures", data) is absent
    pack(dataset.folder() / "pictures.zip", members)
    assert datasets.wants_real("pictures", data) is present
