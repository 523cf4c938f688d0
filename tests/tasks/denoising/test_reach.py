"""What ``denoise`` takes, and how far a result looks around: what a tile's margin is for."""

import numpy as np
import pytest
import torch

from indexnet_edu.resampling import create_resampler
from indexnet_edu.tasks.denoising.model import DnCNN, DnCNNSegNet
from indexnet_edu.tasks.denoising.predict import MARGIN, denoise

PAIRS = {
    "indexnet": {"family": "m2o", "mode": "nonlinear_context"},
    "conv_carafe": {},
    "conv_deconv": {},
    "maxpool_maxunpool": {},
}


def reach(model: torch.nn.Module, side: int = 304) -> int:
    """How many rows above or below a pixel may change its result, by its derivatives."""
    farthest = 0
    for middle in range(side // 2, side // 2 + 8):  # where it lies in its region matters
        image = torch.rand(1, 1, side, 24, dtype=torch.float64, requires_grad=True)
        model(image)[0, 0, middle].sum().backward()
        rows = image.grad[0, 0].abs().sum(1).nonzero()[:, 0]
        farthest = max(farthest, int((rows - middle).abs().max()))
    return farthest


def test_a_tiles_margin_is_as_wide_as_any_network_looks() -> None:
    torch.manual_seed(0)
    networks = {
        name: DnCNNSegNet(create_resampler(name, **options), (4, 4, 4))
        for name, options in PAIRS.items()
    }
    found = {name: reach(model.double().eval()) for name, model in networks.items()}
    assert reach(DnCNN(4).double().eval(), 80) == 17
    assert 64 < max(found.values()) <= MARGIN and MARGIN % 8 == 0, found


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((9, 9), np.uint8),
        np.full((9, 9), 200.0),
        np.full((9, 9), -9.0),
        np.array([[np.nan] * 9] * 9),
    ],
    ids=["bytes", "255", "negative", "nan"],
)
def test_values_of_another_range_are_refused(image: np.ndarray) -> None:
    """Their result would be wrong without a word."""
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        denoise(DnCNN(4).eval(), image)


def test_any_precision_gives_float32() -> None:
    model, image = DnCNN(4).eval(), np.random.default_rng(0).random((9, 10))
    for kind in (np.float16, np.float32, np.float64):
        result = denoise(model, image.astype(kind))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, denoise(model, image.astype(np.float32)), atol=2e-3)
