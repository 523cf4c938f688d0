"""The errors of a matte written as loops, after the words of the papers."""

import math

import numpy as np


def gradient(pred: np.ndarray, target: np.ndarray, trimap: np.ndarray) -> float:
    sigma, half = 1.4, 4

    def gauss(x: float) -> float:
        return math.exp(-(x**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    taps = [
        [gauss(i) * -j * gauss(j) / sigma**2 for j in range(-half, half + 1)]
        for i in range(-half, half + 1)
    ]
    across = np.array(taps) / math.sqrt(sum(t * t for row in taps for t in row))

    def magnitude(matte: np.ndarray) -> np.ndarray:
        padded = np.pad(matte, half, mode="edge")
        result = np.zeros(matte.shape)
        for y in range(matte.shape[0]):
            for x in range(matte.shape[1]):
                window = padded[y : y + 2 * half + 1, x : x + 2 * half + 1]
                result[y, x] = math.hypot((window * across).sum(), (window * across.T).sum())
        return result

    return float((((magnitude(pred) - magnitude(target)) ** 2) * (trimap == 128)).sum()) / 1000


def connectivity(pred: np.ndarray, target: np.ndarray, trimap: np.ndarray) -> float:
    height, width = pred.shape
    level = np.full(pred.shape, -1.0)
    for step in range(1, 11):
        reached = (pred >= step / 10) & (target >= step / 10)
        largest: set[tuple[int, int]] = set()
        seen: set[tuple[int, int]] = set()
        for x in range(width):  # column by column
            for y in range(height):
                if not reached[y, x] or (y, x) in seen:
                    continue
                piece, stack = {(y, x)}, [(y, x)]
                while stack:
                    i, j = stack.pop()
                    for p in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                        inside = 0 <= p[0] < height and 0 <= p[1] < width
                        if inside and reached[p] and p not in piece:
                            piece.add(p)
                            stack.append(p)
                seen |= piece
                if len(piece) > len(largest):
                    largest = piece
        for y in range(height):
            for x in range(width):
                if level[y, x] == -1 and (y, x) not in largest:
                    level[y, x] = (step - 1) / 10
    level[level == -1] = 1
    total = 0.0
    for y, x in np.argwhere(trimap == 128):
        degrees = []
        for matte in (pred, target):
            d = matte[y, x] - level[y, x]
            degrees.append(1 - d * (d >= 0.15))
        total += abs(degrees[0] - degrees[1])
    return total / 1000
