"""Shapes of torchvision's state dictionaries, written from its layouts, without torchvision."""

from collections.abc import Iterator

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm(name: str, channels: int) -> Shapes:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def mobilenet_v2() -> Shapes:
    yield "features.0.0.weight", (32, 3, 3, 3)
    yield from norm("features.0.1", 32)
    number, channels = 1, 32
    for t, c, n in [
        (1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1),
    ]:  # fmt: skip
        for _ in range(n):
            block, hidden = f"features.{number}.conv", t * channels
            depthwise = 0
            if t != 1:
                yield f"{block}.0.0.weight", (hidden, channels, 1, 1)
                yield from norm(f"{block}.0.1", hidden)
                depthwise = 1
            yield f"{block}.{depthwise}.0.weight", (hidden, 1, 3, 3)
            yield from norm(f"{block}.{depthwise}.1", hidden)
            yield f"{block}.{depthwise + 1}.weight", (c, hidden, 1, 1)
            yield from norm(f"{block}.{depthwise + 2}", c)
            number, channels = number + 1, c
    yield "features.18.0.weight", (1280, 320, 1, 1)
    yield from norm("features.18.1", 1280)
    yield "classifier.1.weight", (1000, 1280)
    yield "classifier.1.bias", (1000,)


def vgg16_bn() -> Shapes:
    number, channels = 0, 3
    for c in [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]:
        if c == 0:  # pooling
            number += 1
            continue
        yield f"features.{number}.weight", (c, channels, 3, 3)
        yield f"features.{number}.bias", (c,)
        yield from norm(f"features.{number + 1}", c)
        number, channels = number + 3, c
    for layer, shape in ((0, (4096, 512 * 49)), (3, (4096, 4096)), (6, (1000, 4096))):
        yield f"classifier.{layer}.weight", shape
        yield f"classifier.{layer}.bias", shape[:1]
