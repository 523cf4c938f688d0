"""Detours through a pair: photographs, drawings, counts and fits."""

import pytest
import torch
from torch.nn import functional as F

from indexnet_edu.lessons import detours
from indexnet_edu.metrics import ImageMetrics
from indexnet_edu.resampling import create_resampler, list_resamplers


@pytest.mark.parametrize("name", [*detours.TRAINING, *detours.TEST])
def test_photographs_are_in_the_wheel(name: str):
    image = detours.photograph(name)
    assert image.shape == (1, 1, 128, 128) and image.dtype == torch.float32
    assert image.min() >= 0 and image.max() <= 1 and image.std() > 0.02


def test_test_photographs_are_others():
    assert not set(detours.TRAINING) & set(detours.TEST)


def test_drawings():
    assert detours.line(4, 1)[0, 0].tolist() == [[0, 1, 0, 0]] * 4
    assert torch.equal(detours.line(bright=False), 1 - detours.line())
    board = detours.checkerboard(4)
    assert board[0, 0, :2].tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]
    assert torch.equal(F.avg_pool2d(board, 2), F.avg_pool2d(1 - board, 2))


def test_psnr_is_that_of_the_metrics():
    target = torch.rand(3, 1, 16, 16)
    output = target + 0.3 * torch.randn_like(target)
    metrics = ImageMetrics()
    metrics.update(output, target)
    assert detours.psnr(output, target).item() == pytest.approx(metrics.compute()["psnr"], abs=1e-3)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("avgpool_nearest", 0),
        ("s2d_d2s", 0),
        ("maxpool_bilinear", 0),
        ("indexnet_bilinear", 0),
        ("hmi", 2 * 4 * 6),
        ("maxpool_maxunpool", 2 * 3 * 4 * 6),
        ("indexnet", 32 * 3 * 8 * 12),
    ],
)
def test_bits_that_cross(name: str, bits: int):
    assert detours.guide_bits(name, torch.rand(1, 3, 8, 12)) == bits


@pytest.mark.parametrize("name", sorted(list_resamplers()))
def test_every_pair_can_be_fitted(name: str):
    detour = detours.fit_detour(create_resampler(name), steps=2, batch=2, crop=16)
    x = torch.rand(2, 1, 32, 32)
    assert not detour.training
    assert detours.restore([detour], x).shape == (1, 2, 1, 32, 32)
    assert detours.guide_bits(name, x[:1]) >= 0 and detour.pair_parameters() >= 0


def test_a_seed_decides_everything_and_nothing_else_is_touched():
    pair = create_resampler("indexnet")
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    one, again = (detours.fit_detour(pair, steps=3, seed=1, batch=2) for _ in range(2))
    assert torch.equal(torch.rand(1), wanted)
    other = detours.fit_detour(pair, steps=3, seed=2, batch=2)
    x = detours.photograph("camera")
    with torch.no_grad():
        assert torch.equal(one(x), again(x)) and not torch.equal(one(x), other(x))


def test_fitting_helps(capsys):
    rows = detours.fit_rows(["avgpool_nearest"], steps=30, seeds=2)
    photos = detours.photographs()
    before = detours.psnr(detours.there_and_back("avgpool_nearest", photos)[1], photos)
    untrained = detours.Detour(create_resampler("avgpool_nearest"))
    quality = [detours.psnr(y, photos) for y in detours.restore(rows["avgpool_nearest"], photos)]
    worst = detours.psnr(detours.restore([untrained], photos)[0], photos)
    assert min(quality) > worst and min(quality) > before - 1
    assert capsys.readouterr().out.startswith("avgpool_nearest: 2 × 30 steps")
