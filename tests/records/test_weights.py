"""Weights that travel with the course: made out of runs, whole, small, and what their records
say."""

import json
from pathlib import Path

import pytest
import torch

from indexnet_edu.engine import Run
from indexnet_edu.engine.checkpoint import save_weights
from indexnet_edu.errors import UserError
from indexnet_edu.records import weights
from indexnet_edu.records.weights import keep_encoder, load_set, main, save_set
from indexnet_edu.resampling import create_resampler
from indexnet_edu.tasks.reconstruction.model import ReconstructionNet

SETS = sorted(weights.WEIGHTS.iterdir())
ENVIRONMENT = {"commit": "0" * 40, "device": "a device", "torch": "2"}


def make_run(folder: Path, name: str = "indexnet", **options: str) -> Run:
    """A finished run of the reconstruction network with its random weights."""
    folder.mkdir()
    network = ReconstructionNet(create_resampler(name, **options), (4, 8, 8))
    save_weights(folder / "weights.safetensors", network.state_dict())
    config = {
        "task": "reconstruction", "variant": "a row", "profile": "cpu", "recipe": {"seed": 3},
        "resampler": {"name": name, "options": options}, "data": {"name": "x", "checksum": "1"},
    }  # fmt: skip
    for key, value in {
        "config": config, "environment": ENVIRONMENT, "metrics": {"psnr": 20.0}
    }.items():  # fmt: skip
        (folder / f"{key}.json").write_text(json.dumps(value))
    return Run(folder)


@pytest.mark.parametrize("family", ["m2o", "holistic", "o2o_modelwise"])
def test_the_encoder_half_comes_back_rounded(tmp_path: Path, family: str) -> None:
    run = make_run(tmp_path / "run", family=family, mode="linear")
    folder = keep_encoder(run, tmp_path)
    assert folder.name == f"reconstruction_{family}-linear"
    kept, _ = load_set(folder)
    whole = weights.load_weights(run.weights)
    assert kept.keys() == {key for key in whole if key.startswith(("down.", "encoder."))}
    for key, tensor in kept.items():
        assert tensor.dtype == whole[key].dtype
        assert torch.allclose(tensor, whole[key], rtol=1e-3, atol=1e-6)
    assert sorted(path.name for path in folder.glob("*.safetensors")) == [
        f"stage{number}.safetensors" for number in (1, 2, 3)
    ]


def test_the_record_says_what_the_run_says(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")  # all options at their defaults
    folder = keep_encoder(run, tmp_path)
    assert folder.name == "reconstruction_m2o-nonlinear_context"
    _, record = load_set(folder)
    assert record.items() >= run.config.items()
    assert record["metrics"] == run.metrics and record["environment"] == ENVIRONMENT
    assert record["dtype"] == "float16" and "encoder" in record["kept"]


def test_what_has_no_index_maps_or_has_not_finished_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = make_run(tmp_path / "blind", "avgpool_nearest")
    with pytest.raises(UserError, match="only an indexnet"):
        keep_encoder(blind, tmp_path)
    unfinished = make_run(tmp_path / "unfinished")
    (unfinished.folder / "metrics.json").unlink()
    with pytest.raises(SystemExit) as stop:
        main([str(unfinished.folder), "--out", str(tmp_path / "out")])
    assert stop.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_command_makes_a_set_of_each_run(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / family, family=family) for family in ("m2o", "holistic")]
    main([*(str(run.folder) for run in runs), "--out", str(tmp_path / "out")])
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "a.safetensors").unlink(), "lack a.safetensors"),
        (lambda folder: (folder / "record.json").unlink(), "lack record.json"),
        (lambda folder: (folder / "a.safetensors").write_bytes(b"x"), "a.safetensors.*damaged"),
        (lambda folder: (folder / "record.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "record.json").write_text("[]"), "cannot be read"),
        (lambda folder: (folder / "record.json").write_bytes(b"\xff"), "cannot be read"),
    ],
)
def test_a_damaged_set_is_one_line_with_a_remedy(tmp_path: Path, harm, words: str) -> None:
    save_set(tmp_path / "set", {"a": {"x": torch.rand(3)}}, {})
    harm(tmp_path / "set")
    with pytest.raises(UserError, match=words) as error:
        load_set(tmp_path / "set")
    assert "install the course again" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_what_the_course_carries_is_whole_and_recorded(folder: Path) -> None:
    tensors, record = load_set(folder)  # checksums included
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    assert record["data"]["name"] and record["data"]["checksum"]
    assert len(record["environment"]["commit"]) >= 40 and record["environment"]["device"]
    assert "seed" in record["recipe"] and record["metrics"]["psnr"] and record["kept"]
    listed = {name: file["bytes"] for name, file in record["files"].items()}
    assert listed == {path.name: path.stat().st_size for path in folder.glob("*.safetensors")}
    assert max(listed.values()) < 5_000_000
