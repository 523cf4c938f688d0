"""What a checkpoint promises the disk: synced before and after its rename, checked when read."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from indexnet_edu.engine import checkpoint


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="a handle's file is not told here")
def test_all_is_on_the_disk_before_the_rename_and_the_rename_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No power cut can then leave a name without its content, or a content without its name."""
    events: list[str] = []
    synced, renamed = os.fsync, os.replace

    def fsync(handle: int) -> None:
        synced(handle)
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        events.append(f"{path.relative_to(tmp_path)} {path.stat().st_size}")

    def replace(source: Path, target: Path) -> None:
        sizes = {p.name: p.stat().st_size for p in Path(source).iterdir()}
        place = Path(source).relative_to(tmp_path)
        for name, size in sizes.items():
            assert f"{place / name} {size}" in events, name  # whole when it was synced
        assert any(event.startswith(f"{place} ") for event in events)
        renamed(source, target)
        events.append("renamed")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    checkpoint.save(tmp_path / "checkpoints", 3, {"w": torch.ones(9)}, {"seconds": 1.0})
    assert events.count("renamed") == 1 and len(events) == 3 + 1 + 1 + 1
    assert events[-1].startswith("checkpoints ")


@pytest.mark.parametrize("name", ["state.pt", "weights.safetensors"])
def test_one_flipped_bit_in_a_large_tensor_is_seen(tmp_path: Path, name: str) -> None:
    """Both formats load it without a word: the checksum is the only guard."""
    large = torch.arange(200_000.0)
    checkpoint.save(tmp_path, 1, {"w": large}, {"moment": large})
    checkpoint.save(tmp_path, 2, {"w": large}, {"moment": large})
    file = tmp_path / "step-00000002" / name
    good = bytearray(file.read_bytes())
    for place in range(10_000, len(good) - 10_000, len(good) // 20):
        bad = good.copy()
        bad[place] ^= 1
        file.write_bytes(bad)
        found, damaged = checkpoint.latest(tmp_path)
        assert found is not None and found.step == 1, place
        assert len(damaged) == 1 and name in damaged[0]
    shutil.rmtree(tmp_path / "step-00000001")
    assert checkpoint.latest(tmp_path)[0] is None
    file.write_bytes(good)
    whole, damaged = checkpoint.latest(tmp_path)
    assert whole is not None and not damaged and torch.equal(whole.state["moment"], large)
