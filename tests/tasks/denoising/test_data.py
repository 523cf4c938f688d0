"""Patches and whole images: what is cut, turned and made noisy, and what repeats."""

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from indexnet_edu.engine.recipe import override
from indexnet_edu.errors import UserError
from indexnet_edu.tasks import get_task
from indexnet_edu.tasks.denoising.data import NoisyImages, Patches, cut_patches
from indexnet_edu.tasks.denoising.metrics import DenoisingMetrics
from indexnet_edu.tasks.denoising.photographs import (
    EMBEDDED_TEST,
    EMBEDDED_TRAIN,
    load_embedded,
    load_real,
    read_photographs,
)

TASK = get_task("denoising")


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


@pytest.fixture(scope="module")
def patches() -> Patches:
    return cut_patches([photograph(71, 60), photograph(60, 83, 1)], sigma=25)


def cut(patches: Patches, *symmetries: int) -> torch.Tensor:
    indices = torch.zeros(len(symmetries), dtype=torch.long)
    return patches.cut(indices, torch.tensor(symmetries))


# --- patches -------------------------------------------------------------------------------------


def test_places_at_four_scales_with_stride_ten(patches: Patches) -> None:
    sizes = [(50, 42), (57, 48), (64, 54), (71, 60), (42, 58), (48, 66), (54, 75), (60, 83)]
    assert len(patches) == sum(((h - 40) // 10 + 1) * ((w - 40) // 10 + 1) for h, w in sizes)
    assert patches.pixels.dtype == torch.uint8
    assert len(patches.pixels) == sum(h * w for h, w in sizes)


def test_a_patch_is_where_it_should_be(patches: Patches) -> None:
    image = photograph(60, 83, 1)  # the last one, at its own size
    last = patches.cut(torch.tensor([len(patches) - 1]), torch.tensor([0]))
    expected = torch.from_numpy(image[20:60, 40:80]).float() / 255
    assert torch.equal(last[0, 0], expected)


def test_smaller_scales_are_smoothed(patches: Patches) -> None:
    smallest = cut(patches, 0)
    assert (
        smallest.std() < 0.8 * patches.cut(torch.tensor([len(patches) - 1]), torch.zeros(1)).std()
    )


def test_the_eight_symmetries(patches: Patches) -> None:
    plain = cut(patches, 0)[0]
    found = {tuple(patch.flatten().tolist()) for patch in cut(patches, *range(8))}
    square = (plain.rot90(turn, (1, 2)) for turn in range(4))
    expected = {tuple(p.flatten().tolist()) for s in square for p in (s, s.flip(2))}
    assert found == expected and len(expected) == 8


def test_noise_has_its_sigma_and_is_drawn_anew(patches: Patches) -> None:
    indices = torch.arange(len(patches))
    batch, again = patches.batch(indices, 0), patches.batch(indices, 1)
    noisy, clean = batch.x, batch.target
    noise = (noisy - clean) * 255
    assert noise.std().item() == pytest.approx(25, rel=0.02) and abs(noise.mean().item()) < 0.5
    assert clean.min() >= 0 and clean.max() <= 1 and noisy.shape == (len(patches), 1, 40, 40)
    assert not torch.equal(noisy, again.x) and not torch.equal(clean, again.target)


def test_a_batch_repeats_with_its_seed_and_a_share_is_part_of_it(patches: Patches) -> None:
    indices = torch.tensor([3, 1, 4, 1, 5])
    whole, again = patches.batch(indices, 5), patches.batch(indices, 5)
    assert torch.equal(whole.x, again.x) and torch.equal(whole.target, again.target)
    share = patches.batch(indices, 5, slice(1, None, 2))
    assert torch.equal(share.x, whole.x[1::2]) and torch.equal(share.target, whole.target[1::2])


def test_fewer_patches_are_spread_over_all(patches: Patches) -> None:
    images = [photograph(71, 60), photograph(60, 83, 1)]
    few = cut_patches(images, 25, count=4)
    total = len(patches)
    assert torch.equal(few.starts, patches.starts[[0, total // 4, total // 2, 3 * total // 4]])
    assert len(cut_patches(images, 25, count=10**6)) == total


# --- test images ---------------------------------------------------------------------------------


def test_test_noise_belongs_to_its_image() -> None:
    images = [photograph(30, 41, seed) for seed in range(3)]
    all_three, first_two = NoisyImages.of(images, 25), NoisyImages.of(images[:2], 25)
    for number in (1, 0):  # in any order
        batch = all_three.batch(torch.tensor([number]), 0)
        assert torch.equal(batch.x, first_two.batch(torch.tensor([number]), 7).x)
        assert batch.target.shape == (1, 1, 30, 41)
    noises = [x - y for x, y in zip(all_three.noisy, all_three.clean, strict=True)]
    assert not torch.allclose(noises[0], noises[1], atol=1e-3)
    stronger = NoisyImages.of(images, 50)
    torch.testing.assert_close(stronger.noisy[0] - stronger.clean[0], 2 * noises[0])


def test_two_test_images_are_no_batch() -> None:
    with pytest.raises(ValueError):
        NoisyImages.of([photograph(30, 41)] * 2, 25).batch(torch.tensor([0, 1]), 0)


# --- sources -------------------------------------------------------------------------------------


def test_no_embedded_photograph_is_in_both_sets() -> None:
    assert not set(EMBEDDED_TRAIN) & set(EMBEDDED_TEST)
    source = load_embedded()
    assert (len(source.train), len(source.tests["photographs"])) == (8, 3)
    everything = [*source.train, *source.tests["photographs"]]
    assert all(p.ndim == 2 and p.dtype == np.uint8 and min(p.shape) >= 300 for p in everything)
    assert len({p.tobytes() for p in everything}) == 11


def test_the_smoke_profiles_data(no_real_data: object) -> None:
    data = TASK.load_data(TASK.profile("smoke"))
    assert data.name == (
        "scikit-image photographs: 160 patches of 2 photographs, tested on photographs (1), σ = 25"
    )
    assert len(data.train) == 160 and list(data.test) == ["photographs_sigma25"]
    auto = TASK.load_data(override(TASK.profile("cpu"), {"train_images": 1, "sigma": 50}))
    assert auto.checksum == data.checksum and list(auto.test) == ["photographs_sigma50"]


def test_the_papers_photographs_where_they_are_not(no_real_data: object) -> None:
    with pytest.raises(UserError, match="by hand: 1. Clone"):
        TASK.load_data(TASK.profile("gpu"))


def test_a_zip_and_a_folder_read_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    images = [photograph(9, 12, seed) for seed in range(3)]
    for name, image in zip(("b", "a", "c"), images, strict=True):
        Image.fromarray(image).save(folder / f"{name}.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"set/{file.name}")
    expected = [images[1], images[0], images[2]]
    for path in (folder, tmp_path / "set.zip"):
        found = read_photographs(path)
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_what_holds_no_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no PNG files"):
        read_photographs(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    for path in (tmp_path, tmp_path / "bad.zip"):
        with pytest.raises(UserError, match="put a good copy there"):
            read_photographs(path)


# --- the paper's data ----------------------------------------------------------------------------


def test_bsd400_gives_238_400_patches(real_photographs: Path) -> None:
    """The paper says "around 240,000"."""
    data = TASK.load_data(TASK.profile("gpu"))
    assert len(data.train) == 238_400 == 400 * (9**2 + 11**2 + 13**2 + 15**2)
    assert {name: len(split) for name, split in data.test.items()} == {
        "bsd68_sigma25": 68, "set12_sigma25": 12,
    }  # fmt: skip
    assert data.name.startswith("BSD400: ") and TASK.tables[0].paper_data == "BSD400"


@pytest.mark.parametrize("sigma, psnr, ssim", [(15, 24.61, 0.698), (25, 20.17, 0.496), (50, 14.15, 0.248)])  # fmt: skip # noqa: E501
def test_noisy_set12_before_clipping(
    real_photographs: Path, sigma: int, psnr: float, ssim: float
) -> None:
    """What networks must beat; also what Table 7's CARAFE rows show on Set12 (its old SSIM too)."""
    from indexnet_edu.metrics import legacy_ssim

    images = NoisyImages.of(load_real().tests["set12"], sigma)
    pairs = list(zip(images.noisy, images.clean, strict=True))
    found = [-10 * (x - y).square().mean().log10() for x, y in pairs]
    assert float(torch.stack(found).mean()) == pytest.approx(psnr, abs=0.02)
    old = [legacy_ssim(x, y) for x, y in pairs]
    assert float(torch.stack(old).mean()) == pytest.approx(ssim, abs=0.002)


def test_metrics_of_noisy_set12_are_those_of_clipped_images(real_photographs: Path) -> None:
    images, metrics = NoisyImages.of(load_real().tests["set12"], 25), DenoisingMetrics()
    for x, y in zip(images.noisy, images.clean, strict=True):
        metrics.update(x, y)
    found = metrics.compute()
    assert found["psnr"] == pytest.approx(20.33, abs=0.02)
    assert found["ssim"] < found["ssim_legacy"]


def test_splits_move_between_devices_whole(patches: Patches) -> None:
    meta = patches.to(torch.device("meta"))
    assert all(
        getattr(meta, field.name).device.type == "meta"
        for field in dataclasses.fields(meta)
        if field.name != "sigma"
    )
    images = NoisyImages.of([photograph(30, 41)], 25).to(torch.device("meta"))
    assert images.noisy[0].device.type == images.clean[0].device.type == "meta"
