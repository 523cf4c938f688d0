"""Fitting the microscope's pairs: they learn, repeatably, and the set holds what was measured."""

import pytest
import torch

from indexnet_edu.lessons.fit_microscope import Settings, fit, pooled_psnr, write
from indexnet_edu.records.weights import load_set
from indexnet_edu.viz.widgets.one_level import LEARNED, PAIRS, OneLevel

FEW = Settings(steps=4, batch=2, crop=16)


@pytest.fixture(scope="module")
def images() -> list[torch.Tensor]:
    """Smooth pictures of an odd size."""
    ramp = torch.linspace(0, 1, 33)
    return [(ramp[:, None] * weight + ramp * (1 - weight))[None, None] for weight in (0.2, 0.7)]


def test_a_pair_learns_and_repeats_itself(images: list[torch.Tensor]) -> None:
    before = pooled_psnr(fit("conv_deconv", images, Settings(steps=1, batch=2, crop=16)), images)
    once, again = (fit("conv_deconv", images, Settings(300, 2, 16)) for _ in range(2))
    after = pooled_psnr(once, images)
    assert before and after and after > before + 6
    for a, b in zip(once.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_set_gives_back_every_pair_as_measured(images: list[torch.Tensor], tmp_path) -> None:
    write(tmp_path / "set", images, images, {"name": "ramps", "checksum": {}}, FEW)
    tensors, record = load_set(tmp_path / "set")
    quality = record["metrics"]["psnr"]
    assert set(quality) == set(PAIRS) and quality["s2d_d2s"] is None
    assert record["recipe"]["steps"] == 4 and record["data"]["name"] == "ramps"
    for name in LEARNED:
        pair = OneLevel(name)
        pair.load_state_dict(
            {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
        )
        assert pooled_psnr(pair.eval(), images) == pytest.approx(quality[name], abs=1e-3)
