"""A network, or a classical method, on an image of any size."""

import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from indexnet_edu.errors import UserError
from indexnet_edu.tasks.matting.classics import CLASSICS, Matter, closed_form, half, knn
from indexnet_edu.tasks.matting.model import build_network
from indexnet_edu.tasks.matting.predict import estimate_alpha


def scene(height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Red before blue: image, trimap and alpha."""
    ramp = np.clip((np.arange(width) - width / 2) / 6 + 0.5, 0, 1)
    alpha = np.broadcast_to(ramp, (height, width))
    image = alpha[..., None] * [230, 20, 20] + (1 - alpha[..., None]) * [20, 20, 230]
    trimap = np.where((alpha > 0) & (alpha < 1), 128, 255 * alpha).astype(np.uint8)
    return np.round(image).astype(np.uint8), trimap, alpha


class Echo(nn.Module):
    """Alpha is the trimap; notes the sizes that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.seen: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape))
        return self.scale * x[:, 3:]


@pytest.mark.parametrize("size, seen", [((64, 96), (64, 96)), ((33, 70), (64, 96))])
def test_sides_become_multiples_of_32_and_come_back(
    size: tuple[int, int], seen: tuple[int, int]
) -> None:
    image, trimap, _ = scene(*size)
    model = Echo()
    alpha = estimate_alpha(model, image, trimap)
    assert model.seen == [(1, 4, *seen)] and alpha.shape == size
    assert alpha[trimap == 0].max() == 0 and alpha[trimap == 255].min() == 1
    assert abs(alpha[trimap == 128] - 128 / 255).mean() < 0.1


def test_a_real_network() -> None:
    image, trimap, _ = scene(40, 50)
    alpha = estimate_alpha(build_network("m2o-linear", width=0.25).eval(), image, trimap)
    assert alpha.dtype == np.float32 and alpha.min() >= 0 and alpha.max() <= 1
    with pytest.raises(ValueError, match="do not fit"):
        estimate_alpha(Echo(), image, trimap[1:])


def test_a_half_where_nothing_is_known() -> None:
    image, trimap, _ = scene(8, 30)
    alpha = half(image, trimap)
    assert (alpha[trimap == 128] == 0.5).all()
    assert (alpha[trimap == 255] == 1).all() and (alpha[trimap == 0] == 0).all()


@pytest.mark.parametrize("method", [closed_form, knn])
def test_closed_form_and_knn_find_a_ramp(method: Matter) -> None:
    pytest.importorskip("pymatting")
    image, trimap, truth = scene(24, 30)
    alpha = method(image, trimap)
    assert alpha.shape == truth.shape and np.abs(alpha - truth).max() < 0.15


def test_without_pymatting_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", None)
    image, trimap, _ = scene(8, 30)
    for name in ("closed_form", "knn"):
        with pytest.raises(UserError, match="pip install pymatting"):
            CLASSICS[name](image, trimap)


def test_trimaps_that_know_one_side_only() -> None:
    image, trimap, _ = scene(8, 30)
    with pytest.raises(UserError, match="sure foreground, white"):
        closed_form(image, np.where(trimap == 255, 128, trimap))
