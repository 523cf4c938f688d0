"""A whole task in one folder, as small as it can be: labels with an ignored value, a mask, data on
a disk, two networks, two tables. ``docs/architecture.md``, "Adding a task", follows it.

Images hold a bright square on a dark ground; a label is 1 in the square, 0 on the ground, 255 where
nobody knows. ``TOY_DATA`` names the folder of the files, which :func:`write_files` makes.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from indexnet_edu.engine import (
    ALL,
    Batch,
    Column,
    Mean,
    Network,
    Predict,
    Pretrained,
    Recipe,
    Source,
    Split,
    Table,
    Task,
    TaskData,
    Variant,
)  # fmt: skip
from indexnet_edu.files import checksum_of
from indexnet_edu.images import read_image, to_grey, write_image
from indexnet_edu.resampling import Resampler, create_resampler

IGNORED = 255


def write_files(folder: Path, count: int = 12) -> None:
    rng = np.random.default_rng(0)
    for number in range(count):
        top, left = rng.integers(0, 5, 2)
        label = np.zeros((8, 8), np.uint8)
        label[top : top + 4, left : left + 4] = 1
        image = 0.2 + 0.5 * label + rng.normal(0, 0.1, label.shape)
        label[rng.random(label.shape) < 0.1 * (number % 4)] = IGNORED  # more in some than in others
        np.savez(folder / f"{number:02}.npz", image=image.astype(np.float32), label=label)


@dataclass(frozen=True)
class Files(Split):
    """Examples read when they are asked for, noise by example."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, indices: Tensor, seed: int, share: slice = ALL) -> Batch:
        images, labels, sure = [], [], []
        for number in indices[share].tolist():
            with np.load(self.paths[number]) as file:
                noise = np.random.default_rng([seed, number]).normal(0, 0.02, (8, 8))
                images.append(torch.from_numpy(file["image"] + noise).float()[None])
                labels.append(torch.from_numpy(file["label"]).long())
                sure.append(labels[-1] != IGNORED)
        return Batch(torch.stack(images), torch.stack(labels), torch.stack(sure))

    def to(self, device: torch.device) -> "Files":
        return self


def load(recipe: Recipe) -> TaskData:
    paths = tuple(sorted(Path(os.environ["TOY_DATA"]).glob("*.npz")))
    checksum = checksum_of(*(np.frombuffer(path.read_bytes(), np.uint8) for path in paths))
    return TaskData("squares: 8 and 4", checksum, Files(paths[:8]), Files(paths[8:]))


class SquareNet(nn.Module):
    """One stage down and up."""

    def __init__(self, resampler: Resampler, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(1, width, 3, padding=1)
        self.down = resampler.downsampling([width])
        self.up = resampler.upsampling(self.down.out_channels[0], self.down.guide_channels[0])
        self.head = nn.Conv2d(self.up.out_channels, classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y, guide = self.down(self.backbone(x).relu(), 0)
        return self.head(self.up(y, guide, output_size=x.shape[-2:]))


def narrow(resampler: Resampler, recipe: Recipe, classes: int) -> SquareNet:
    return SquareNet(resampler, 4, classes)


def wide(resampler: Resampler, recipe: Recipe, classes: int, times: int = 2) -> SquareNet:
    return SquareNet(resampler, 4 * times, classes)


def edges(recipe: Recipe) -> Pretrained:
    def put(model: nn.Module) -> None:
        with torch.no_grad():
            model.backbone.bias.fill_(0.5)

    return Pretrained("half a bias", "b" * 64, put)


def groups(model: nn.Module, recipe: Recipe) -> list[tuple[list[nn.Parameter], float]]:
    backbone = list(model.backbone.parameters())
    known = set(map(id, backbone))
    return [([p for p in model.parameters() if id(p) not in known], 1.0), (backbone, 0.1)]


def cross_entropy(output: Tensor, batch: Batch) -> Mean:
    each = F.cross_entropy(output, batch.target, ignore_index=IGNORED, reduction="none")
    return Mean.over(each, batch.valid)


class PixelAccuracy:
    def __init__(self, classes: int) -> None:
        self.sums = torch.zeros(2, dtype=torch.float64)  # right, known

    def update(self, prediction: Tensor, target: Tensor, valid: Tensor | None = None) -> None:
        right = (prediction.argmax(1) == target)[valid]
        self.sums += torch.tensor([right.sum().item(), right.numel()])

    def compute(self) -> dict[str, float]:
        if torch.distributed.is_initialized():
            torch.distributed.all_reduce(self.sums)
        return {"accuracy": float(self.sums[0] / self.sums[1]), "pixels": float(self.sums[1])}


@torch.no_grad()
def label_map(model: nn.Module, image: np.ndarray) -> np.ndarray:
    return model(torch.from_numpy(to_grey(image))[None, None].float()).argmax(1)[0].float().numpy()


RECIPE = Recipe(
    epochs=2, batch_size=3, lr=0.05, optimizer="sgd", schedule="poly", workers=2, log_every=1,
    checkpoint_every=2, eval_batch_size=3,
)  # fmt: skip
PROFILES = dict.fromkeys(("smoke", "cpu", "gpu"), RECIPE)
COLUMNS = (Column("accuracy", "accuracy", 3), Column("pixels", "pixels", 0))

TOY = Task(
    name="toy_segmentation",
    title="Squares",
    networks={"narrow": Network(narrow, PROFILES), "wide": Network(wide, PROFILES, edges, groups)},
    variants={
        "unpooling": Variant("narrow", create_resampler("maxpool_maxunpool")),
        "wide_unpooling": Variant("wide", create_resampler("maxpool_maxunpool")),
        "wider_unpooling": Variant("wide", create_resampler("maxpool_maxunpool"), {"times": 3}),
    },
    sources={"embedded": Source(load, facts={"classes": 2})},
    tables=(
        Table(21, {"narrow": "unpooling"}, COLUMNS),
        Table(22, {"wide": "wide_unpooling", "wider": "wider_unpooling"}, COLUMNS),
    ),
    loss=cross_entropy,
    metrics=PixelAccuracy,
    headline="accuracy",
    predict=Predict(label_map, {".png": write_image}, {"image": read_image}),
)
