import numpy as np
import pytest
import torch

from indexnet_edu.engine.recipe import override
from indexnet_edu.tasks import get_task
from indexnet_edu.tasks.reconstruction.data import resize
from indexnet_edu.tasks.reconstruction.fashion_mnist import load_embedded

TASK = get_task("reconstruction")


def test_resize_is_bilinear_with_half_pixel_centres() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    resized = resize(images)
    assert resized.shape == (2, 1, 32, 32) and resized.dtype == torch.float32
    assert 0 <= resized.min() and resized.max() <= 1
    row, column = 10, 21  # one pixel, by the definition
    y, x = (row + 0.5) * 28 / 32 - 0.5, (column + 0.5) * 28 / 32 - 0.5
    top, left = int(y), int(x)
    corner = images[1, top : top + 2, left : left + 2] / 255
    weights = np.outer([1 - (y - top), y - top], [1 - (x - left), x - left])
    assert resized[1, 0, row, column].item() == pytest.approx((corner * weights).sum(), abs=1e-6)


def test_without_real_data_the_embedded_images_stand_in(no_real_data: object) -> None:
    data = TASK.load_data(TASK.profile("cpu"))
    assert "subset" in data.name and "5,000 training and 2,000 test" in data.name
    assert (len(data.train), len(data.test)) == (5000, 2000)
    batch = data.train.batch(torch.tensor([3, 0]), 0)
    x, target = batch.x, batch.target
    assert torch.equal(x, target) and torch.equal(x, resize(load_embedded().train[[3, 0]]))


def test_the_real_data_are_taken_where_they_are(real_data: object) -> None:
    data = TASK.load_data(TASK.profile("gpu"))
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert data.name == "Fashion-MNIST: 60,000 training and 10,000 test images"
    embedded = TASK.load_data(override(TASK.profile("gpu"), {"data": "embedded"}))
    assert embedded.checksum != data.checksum
