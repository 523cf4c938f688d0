"""Every resampling operator is one operator: the index functions of "Index Networks", Sec. 3.

An index says, for every output element, which input elements make it and with what weights:

    y = Σ_{x ∈ N} I(x) · x

The ``*_index`` functions return such an :class:`Index`, :func:`apply_index` applies any of them,
and :func:`index_matrix` writes it out as a matrix. An *index map* is an index in its other form
(Sec. 4): one number for each element of a feature map that is pooled. One map works both ways, as
:func:`pooling_index` and as :func:`upsampling_index`; their matrices are each other's transpose.

Every ``shape`` is that of the input, (N, C, H, W); N is ignored. Fixed weights are float64 and take
the type of the features when applied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Size = int | Sequence[int]  # one number for both directions, or (height, width)


class Index(NamedTuple):
    """K taps for each output element; both tensors have five dimensions that broadcast together.

    ``positions`` (int64), (N, C, H, W, K): into one sample of the input, flattened from (C, H, W).
    ``weights``, (N, C, H, W, K): I(x). A tap outside the input has weight 0 and a position inside.
    N = 1: all samples share the index.
    """

    positions: Tensor
    weights: Tensor


def apply_index(x: Tensor, index: Index) -> Tensor:
    """y = Σ I(x)·x: gather the taps, weigh them, sum them. Differentiable in x and in the weights.

    Args:
        x: (N, C_in, H_in, W_in), floating point, of the shape that the index was made for. Must be
            finite: taps of weight 0 are read too, and 0·inf is nan.
        index: for N samples, or for one and then shared by all.

    Returns:
        (N, C, H, W), with the type and device of ``x``.

    Raises:
        ValueError: x or index of another shape or type; an index that reads beyond the input.
    """
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(f"x must be a floating-point (N, C, H, W), got {_describe(x)}")
    _check_index(index, x[:1].numel())
    positions, weights = index.positions.to(x.device), index.weights.to(x)
    if not {len(positions), len(weights)} <= {1, len(x)}:
        raise ValueError(f"the index is not for {len(x)} samples: {_describe(positions, weights)}")
    flat = positions.flatten(1).expand(len(x), -1)  # (N, C·H·W·K)
    taps = x.flatten(1).gather(1, flat).unflatten(1, positions.shape[1:])  # (N, C, H, W, K)
    return (weights * taps).sum(-1)


def index_matrix(index: Index, input_shape: Sequence[int]) -> Tensor:
    """The matrix M of an index: ``apply_index(x, index).flatten() == M @ x.flatten()`` for N = 1.

    Returns:
        (C·H·W, C_in·H_in·W_in): a row for each output element; equal positions add up.

    Raises:
        ValueError: an index that differs between samples or reads beyond the input.
    """
    inputs = math.prod(_check_shape(input_shape))
    _check_index(index, inputs)
    positions = index.positions.to(index.weights.device)
    positions, weights = torch.broadcast_tensors(positions, index.weights)
    if len(positions) != 1:
        raise ValueError(f"a matrix is for one sample, this index is for {len(positions)}")
    rows, values = positions.flatten(0, -2), weights.flatten(0, -2)  # (C·H·W, K)
    return values.new_zeros(len(rows), inputs).scatter_add(1, rows, values)


# --- Eq. 1 and 2: indices taken from pooling -----------------------------------------------------


def max_index_map(x: Tensor, kernel_size: int = 2) -> Tensor:
    """Eq. 1, I_max(x) = 1(x = max X): 1 at the maximum of each k×k region X, 0 elsewhere.

    Of equal maxima the first counts, as in PyTorch (the equation marks them all). Rows and columns
    left over where k does not divide a size lie in no region, as in ``max_pool2d``: 0.

    Args:
        x: features, (N, C, H, W). No gradient flows through the map.

    Returns:
        (N, C, H, W), with the type of ``x``.

    Raises:
        ValueError: not a floating-point (N, C, H, W), or regions that do not fit into it.
    """
    _check_regions(x, kernel_size)
    _, maxima = F.max_pool2d(x.detach(), kernel_size, return_indices=True)
    return torch.zeros_like(x).flatten(2).scatter(2, maxima.flatten(2), 1.0).view(x.shape)


def average_index_map(x: Tensor, kernel_size: int = 2) -> Tensor:
    """Eq. 2, I_avg(x) = 1(x ∈ X), divided by k²: the index that average pooling needs.

    The equation's own indicator would sum a region; :func:`average_index` upsamples with it.
    Arguments, result and errors as for :func:`max_index_map`.
    """
    _check_regions(x, kernel_size)
    return _only_regions(torch.full_like(x, 1 / kernel_size**2), kernel_size)


def pooling_index(index_map: Tensor, kernel_size: int = 2) -> Index:
    """Indexed pooling (Sec. 4): each output is the sum of I(x)·x over its k×k region; K = k².

    Args:
        index_map: (N, C, H, W), the features' shape: expand a map that all channels share.

    Returns:
        An index from (N, C, H, W) to (N, C, ⌊H/k⌋, ⌊W/k⌋).

    Raises:
        ValueError: not a floating-point (N, C, H, W), or regions that do not fit into it.
    """
    _check_regions(index_map, kernel_size)

    def regions(t: Tensor) -> Tensor:  # (N, C, H, W) → (N, C, ⌊H/k⌋, ⌊W/k⌋, k²)
        return t.unfold(2, kernel_size, kernel_size).unfold(3, kernel_size, kernel_size).flatten(-2)

    sample = index_map[:1]
    positions = torch.arange(sample.numel()).view(sample.shape)
    return Index(regions(positions), regions(index_map))


def upsampling_index(index_map: Tensor, kernel_size: int = 2) -> Index:
    """Indexed upsampling (Sec. 4): each output is I(x) times the value of its region; K = 1.

    Arguments and errors as for :func:`pooling_index`. Outputs that lie in no region are 0.

    Returns:
        An index from (N, C, ⌊H/k⌋, ⌊W/k⌋) to (N, C, H, W), the transpose of pooling by the map.
    """
    _check_regions(index_map, kernel_size)
    channels, *sizes = index_map.shape[1:]
    pooled = [size // kernel_size for size in sizes]
    rows, columns = (
        (torch.arange(size) // kernel_size).clamp(max=count - 1)[:, None]
        for size, count in zip(sizes, pooled, strict=True)
    )
    weights = _only_regions(index_map, kernel_size)[..., None]
    return Index(_positions((channels, *pooled), rows, columns), weights)


def max_index(x: Tensor, kernel_size: int = 2) -> Index:
    """Eq. 1 in upsampling: max unpooling to the maxima of ``x`` (see :func:`max_index_map`)."""
    return upsampling_index(max_index_map(x, kernel_size), kernel_size)


def average_index(x: Tensor, kernel_size: int = 2) -> Index:
    """Eq. 2 in upsampling: nearest interpolation, back to the shape of ``x``, (N, C, H, W)."""
    return upsampling_index(torch.ones_like(x[:1]), kernel_size)


# --- Eq. 2 and 3: fixed indices between any two sizes --------------------------------------------


def nearest_index(
    shape: Sequence[int], output_size: Size | None = None, scale_factor: int | None = None
) -> Index:
    """Eq. 2 for any output size, as ``F.interpolate(mode="nearest")``; K = 1.

    Output i takes input ⌊i·H/H_out⌋, computed in float32 as PyTorch does for float32 features; for
    others it rounds differently at some odd ratios. Arguments, result and errors as for
    :func:`bilinear_index`.
    """
    taps = []
    for size, output in _axes(shape, output_size, scale_factor):
        source = (torch.arange(output, dtype=torch.float32) * (size / output)).long()
        taps.append(source.clamp(max=size - 1)[:, None])
    return Index(_positions(_check_shape(shape), *taps), _one())


def bilinear_index(
    shape: Sequence[int],
    output_size: Size | None = None,
    scale_factor: int | None = None,
    align_corners: bool = False,
) -> Index:
    """Eq. 3, I(x) = W ⊗ 1(x ∈ X) with W fixed, as ``F.interpolate(mode="bilinear")``; K = 2·2.

    Args:
        output_size: (H_out, W_out), or one number for both; or, instead of it,
        scale_factor: output size over input size, a whole number.
        align_corners: True if the corner pixels' centres coincide, False if the images' borders do.

    Returns:
        An index from (N, C, H, W) to (N, C, H_out, W_out).

    Raises:
        ValueError: none or both of size and factor; a factor that is no whole number; a shape of
            another rank; a size of 0.
    """
    taps, shares = [], []
    for size, output in _axes(shape, output_size, scale_factor):
        target = torch.arange(output, dtype=torch.float64)
        if align_corners:
            source = target * ((size - 1) / max(output - 1, 1))
        else:
            source = ((target + 0.5) * (size / output) - 0.5).clamp(min=0)
        first = source.floor()
        share = source - first
        taps.append(torch.stack([first, first + 1], -1).long().clamp(max=size - 1))  # (output, 2)
        shares.append(torch.stack([1 - share, share], -1))
    rows, columns = _cross(*shares)
    weights = (rows * columns).flatten(-2)[None, None]  # (1, 1, H_out, W_out, 4)
    return Index(_positions(_check_shape(shape), *taps), weights)


def deconv_index(
    weight: Tensor,
    shape: Sequence[int],
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
) -> Index:
    """Eq. 3, I(x) = W ⊗ 1(x ∈ X) with W learned, as ``F.conv_transpose2d`` with one group, no bias.

    Of a k×k kernel, stride s leaves ⌈k/s⌉² taps on each input channel. Differentiable in weight.

    Args:
        weight: (C_in, C_out, k_h, k_w).
        stride, padding, output_padding: PyTorch's, the same for both directions.

    Returns:
        An index from (N, C_in, H, W) to (N, C_out, (H-1)·s - 2·padding + k_h + output_padding, …).

    Raises:
        ValueError: shapes that do not fit each other, an empty output, an impossible stride.
    """
    channels, *sizes = _check_shape(shape)
    if weight.ndim != 4 or weight.shape[0] != channels or not weight.numel():
        raise ValueError(f"weight must be ({channels}, C_out, k_h, k_w), got {_describe(weight)}")
    if stride < 1 or padding < 0 or not 0 <= output_padding < stride:
        raise ValueError(
            "need stride >= 1, padding >= 0 and 0 <= output_padding < stride, "
            f"got {stride}, {padding} and {output_padding}"
        )
    taps, kernel_taps, inside = [], [], []
    for size, kernel in zip(sizes, weight.shape[2:], strict=True):
        output = (size - 1) * stride - 2 * padding + kernel + output_padding
        if output < 1:
            raise ValueError(f"padding {padding} leaves nothing of size {size}, kernel {kernel}")
        # Input i reaches output o through the kernel's tap o + padding - stride·i.
        target = torch.arange(padding, padding + output)[:, None]
        tap = torch.arange(-(-kernel // stride))
        source, kernel_tap = target // stride - tap, target % stride + stride * tap
        inside.append((source >= 0) & (source < size) & (kernel_tap < kernel))  # (output, T)
        taps.append(source.clamp(0, size - 1))
        kernel_taps.append(kernel_tap.clamp(max=kernel - 1))
    rows, columns = _cross(*kernel_taps)
    rows_inside, columns_inside = _cross(*inside)
    mask = (rows_inside & columns_inside).to(weight.device)
    weights = torch.where(mask, weight[:, :, rows, columns], 0.0)  # (C_in, C_out, H, W, T, T)
    positions = _positions((channels, *sizes), *taps)  # (1, C_in, H, W, T·T)
    return Index(
        positions.permute(0, 2, 3, 1, 4).flatten(-2)[:, None],  # (1, 1, H, W, C_in·T·T)
        weights.permute(1, 2, 3, 0, 4, 5).flatten(-3)[None],  # (1, C_out, H, W, C_in·T·T)
    )


# --- Eq. 4: rearranging --------------------------------------------------------------------------


def pixel_shuffle_index(shape: Sequence[int], upscale_factor: int = 2) -> Index:
    """Eq. 4, I_l(x) = 1(x = z_l): r² channels become r×r blocks, as ``F.pixel_shuffle``; K = 1.

    Counted from 0, row m and column n of a block come from channel l = r·m + n; counted from 1,
    l = r·(m-1) + n. (The paper prints (r-1)·m + n, which sends (1, 2) and (2, 1) to one channel.)

    Returns:
        An index from (N, C·r², H, W) to (N, C, r·H, r·W) with r = ``upscale_factor``.

    Raises:
        ValueError: channels that r² does not divide; a shape of another rank; a size of 0.
    """
    channels, height, width = _check_shape(shape)
    r = upscale_factor
    if r < 1 or channels % r**2:
        raise ValueError(f"upscale_factor {r} needs a multiple of r² channels, got {channels}")
    z = torch.arange(channels * height * width).view(-1, r, r, height, width)  # (C, m, n, H, W)
    return Index(z.permute(0, 3, 1, 4, 2).reshape(1, -1, r * height, r * width, 1), _one())


# --- Helpers -------------------------------------------------------------------------------------


def _one() -> Tensor:
    return torch.ones(1, 1, 1, 1, 1, dtype=torch.float64)


def _cross(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """(H, T) and (W, S), the taps of each row and column, as views that meet in (H, W, T, S)."""
    return rows[:, None, :, None], columns[None, :, None, :]


def _positions(shape: Sequence[int], rows: Tensor, columns: Tensor) -> Tensor:
    """Taps in rows (H_out, T) and columns (W_out, S) of (C, H, W) → (1, C, H_out, W_out, T·S)."""
    channels, height, width = shape
    row, column = _cross(rows, columns)
    first = torch.arange(channels).view(1, -1, 1, 1, 1) * (height * width)
    return first + (row * width + column).flatten(-2)


def _only_regions(index_map: Tensor, kernel_size: int) -> Tensor:
    """The map with 0 in the last rows and columns that k×k regions leave over."""
    over_h, over_w = (size % kernel_size for size in index_map.shape[2:])
    kept = index_map[..., : index_map.shape[2] - over_h, : index_map.shape[3] - over_w]
    return F.pad(kept, (0, over_w, 0, over_h))


def _axes(
    shape: Sequence[int], output_size: Size | None, scale_factor: int | None
) -> list[tuple[int, int]]:
    """Input and output size, of the height and of the width."""
    sizes = _check_shape(shape)[1:]
    if (output_size is None) == (scale_factor is None):
        raise ValueError("give either output_size or scale_factor")
    if scale_factor is not None:
        output_size = [size * scale_factor for size in sizes]
    outputs = [output_size] * 2 if isinstance(output_size, int) else list(output_size or ())
    if len(outputs) != 2 or not all(isinstance(n, int) and n > 0 for n in outputs):
        raise ValueError(f"the output needs whole numbers above 0, height and width: {outputs}")
    return list(zip(sizes, outputs, strict=True))


def _check_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) != 4 or min(shape[1:]) < 1:
        raise ValueError(f"shape must be (N, C, H, W) without a size of 0, got {tuple(shape)}")
    return shape[1], shape[2], shape[3]


def _check_regions(x: Tensor, kernel_size: int) -> None:
    if x.ndim != 4 or not x.numel() or not x.is_floating_point():
        raise ValueError(f"need a floating-point (N, C, H, W), not empty, got {_describe(x)}")
    if not 1 <= kernel_size <= min(x.shape[2:]):
        raise ValueError(f"regions of kernel_size {kernel_size} do not fit into {_describe(x)}")


def _check_index(index: Index, inputs: int) -> None:
    positions, weights = index
    pairs = zip(positions.shape, weights.shape, strict=False)
    fit = positions.ndim == weights.ndim == 5 and all(a == b or 1 in (a, b) for a, b in pairs)
    if not fit or not positions.numel() or positions.dtype != torch.int64:
        raise ValueError(
            "an index is int64 positions and weights, both (N, C, H, W, K), "
            f"got {_describe(positions, weights)}"
        )
    first, last = map(int, positions.aminmax())
    if first < 0 or last >= inputs:
        raise ValueError(f"the index reads elements {first} to {last} of an input of {inputs}")


def _describe(*tensors: Tensor) -> str:
    return " and ".join(f"{str(t.dtype)[6:]} {tuple(t.shape)}" for t in tensors)
