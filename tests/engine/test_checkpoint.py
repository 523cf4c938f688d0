from pathlib import Path

import pytest
import torch

from indexnet_edu.engine import checkpoint

WEIGHTS = {"a": torch.arange(6.0).view(2, 3), "n": torch.tensor(3)}


def write(folder: Path, step: int) -> Path:
    return checkpoint.save(folder, step, WEIGHTS, {"seconds": float(step), "t": torch.ones(2)})


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    write(tmp_path, 3)
    found, damaged = checkpoint.latest(tmp_path)
    assert found is not None and found.step == 3 and not damaged
    assert found.weights.keys() == WEIGHTS.keys()
    assert all(torch.equal(found.weights[k], WEIGHTS[k]) for k in WEIGHTS)
    assert found.state["seconds"] == 3.0


def test_channels_last_weights_keep_their_values(tmp_path: Path) -> None:
    weight = torch.randn(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    checkpoint.save_weights(tmp_path / "w.safetensors", {"w": weight})
    assert torch.equal(checkpoint.load_weights(tmp_path / "w.safetensors")["w"], weight)


def test_the_newest_two_stay(tmp_path: Path) -> None:
    for step in (1, 2, 30, 100):
        write(tmp_path, step)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000030", "step-00000100"]


def test_left_overs_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".step-00000009.123").mkdir()
    (tmp_path / ".step-00000009.123" / "weights.safetensors").write_bytes(b"half")
    write(tmp_path, 10)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000010"]


@pytest.mark.parametrize("name", ["weights.safetensors", "state.pt", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "missing"])
def test_a_damaged_checkpoint_is_seen_and_the_previous_one_used(
    tmp_path: Path, name: str, damage: str
) -> None:
    write(tmp_path, 1)
    file = write(tmp_path, 2) / name
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        content[len(content) // 2] ^= 0x40
        file.write_bytes(content)
    else:
        file.unlink()
    found, damaged = checkpoint.latest(tmp_path)
    assert found is not None and found.step == 1
    assert len(damaged) == 1 and "step-00000002" in damaged[0]


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path / "nothing") == (None, [])


def test_a_failed_write_leaves_the_old_checkpoint_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000001"]
