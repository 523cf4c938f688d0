"""Every index function against PyTorch's own operator, over random shapes, and as matrices."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from indexnet_edu.indexing import functions as fn
from indexnet_edu.indexing.functions import Index, apply_index, index_matrix

Shape = tuple[int, ...]

# No deadline: torch's first call takes long, which says nothing about the example.
examples = settings(deadline=None, max_examples=60, derandomize=True)

sizes = st.integers(1, 7)
shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), sizes, sizes)
seeds = st.integers(0, 2**31)


def random(shape: Shape, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def assert_same(ours: Tensor, theirs: Tensor, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def assert_same_with_gradient(
    x: Tensor, ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor]
) -> None:
    """Equal values, and equal gradients with respect to x of the same random projection."""
    results = []
    for operator in (ours, theirs):
        leaf = x.clone().requires_grad_()
        y = operator(leaf)
        y.backward(random(y.shape, seed=1, dtype=y.dtype))
        results.append((y.detach(), leaf.grad))
    (y, gradient), (y_wanted, gradient_wanted) = results
    assert_same(y, y_wanted)
    assert gradient is not None and gradient_wanted is not None
    assert_same(gradient, gradient_wanted)


@st.composite
def regions(draw: st.DrawFn) -> tuple[Shape, int]:
    """A shape and a kernel size that fits into it, whether or not it divides the sizes."""
    shape = draw(shapes)
    return shape, draw(st.integers(1, min(shape[2:])))


@st.composite
def features(draw: st.DrawFn) -> tuple[Tensor, int]:
    """Features of both signs, or all negative, or of few values (ties), and a kernel size."""
    shape, kernel_size = draw(regions())
    x = random(shape, draw(seeds))
    change = draw(st.sampled_from(["none", "negative", "ties", "constant"]))
    if change == "negative":
        x = -x.abs() - 0.1
    elif change == "ties":
        x = x.round()
    elif change == "constant":
        x = torch.full_like(x, -1.5)
    return x, kernel_size


def pooled_like(x: Tensor, k: int, seed: int = 2) -> Tensor:
    return random((x.shape[0], x.shape[1], x.shape[2] // k, x.shape[3] // k), seed, x.dtype)


# --- Eq. 1 and 2 ---------------------------------------------------------------------------------


@examples
@given(features())
def test_max_index_is_max_unpooling(case: tuple[Tensor, int]) -> None:
    x, k = case
    _, positions = F.max_pool2d(x, k, return_indices=True)
    assert_same_with_gradient(
        pooled_like(x, k),
        lambda d: apply_index(d, fn.max_index(x, k)),
        lambda d: F.max_unpool2d(d, positions, k, output_size=x.shape),
    )


@examples
@given(features())
def test_pooling_by_the_max_map_is_max_pooling(case: tuple[Tensor, int]) -> None:
    x, k = case
    assert_same_with_gradient(
        x,
        lambda x: apply_index(x, fn.pooling_index(fn.max_index_map(x, k), k)),
        lambda x: F.max_pool2d(x, k),
    )


@examples
@given(features())
def test_max_map_marks_one_maximum_of_each_region(case: tuple[Tensor, int]) -> None:
    x, k = case
    index_map = fn.max_index_map(x, k)
    assert index_map.shape == x.shape and set(index_map.unique().tolist()) <= {0.0, 1.0}
    assert_same(F.avg_pool2d(index_map, k) * k**2, torch.ones_like(F.max_pool2d(x, k)))


def test_max_map_marks_the_first_of_equal_maxima() -> None:
    x = torch.tensor([[[[2.0, 2.0, -1.0, -3.0], [2.0, 2.0, -3.0, -1.0]]]])
    wanted = torch.tensor([[[[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]])
    assert torch.equal(fn.max_index_map(x), wanted)


def test_left_over_rows_and_columns_get_nothing() -> None:
    x = torch.arange(25.0).view(1, 1, 5, 5)
    for index_map in (fn.max_index_map(x), fn.average_index_map(x)):
        assert not index_map[..., 4, :].any() and not index_map[..., 4].any()
    assert fn.average_index_map(x)[..., :4, :4].eq(0.25).all()


@examples
@given(features())
def test_pooling_by_the_average_map_is_average_pooling(case: tuple[Tensor, int]) -> None:
    x, k = case
    assert_same_with_gradient(
        x,
        lambda x: apply_index(x, fn.pooling_index(fn.average_index_map(x, k), k)),
        lambda x: F.avg_pool2d(x, k),
    )


@examples
@given(shapes, st.integers(1, 4), seeds)
def test_average_index_is_nearest_interpolation(shape: Shape, k: int, seed: int) -> None:
    # Of the batch that the index is made from only the shape of a sample matters.
    target = torch.empty(5, shape[1], shape[2] * k, shape[3] * k, dtype=torch.float64)
    assert_same_with_gradient(
        random(shape, seed),
        lambda d: apply_index(d, fn.average_index(target, k)),
        lambda d: F.interpolate(d, scale_factor=k, mode="nearest"),
    )


@examples
@given(regions(), seeds)
def test_pooling_and_upsampling_by_one_map_are_transposes(
    case: tuple[Shape, int], seed: int
) -> None:
    (_, channels, height, width), k = case
    index_map = random((1, channels, height, width), seed)
    down = index_matrix(fn.pooling_index(index_map, k), index_map.shape)
    pooled = (1, channels, height // k, width // k)
    up = index_matrix(fn.upsampling_index(index_map, k), pooled)
    assert torch.equal(up, down.T)


@examples
@given(shapes, seeds)
def test_any_map_pools_and_upsamples_as_section_4_says(shape: Shape, seed: int) -> None:
    n, channels, h, w = shape
    x, d = random((n, channels, 2 * h, 2 * w), seed), random(shape, seed + 1)
    index_map = torch.sigmoid(random((n, channels, 2 * h, 2 * w), seed + 2))
    assert_same(apply_index(x, fn.pooling_index(index_map)), 4 * F.avg_pool2d(index_map * x, 2))
    assert_same(
        apply_index(d, fn.upsampling_index(index_map)),
        index_map * F.interpolate(d, scale_factor=2, mode="nearest"),
    )


# --- Eq. 2 and 3, fixed --------------------------------------------------------------------------


@example((1, 1, 6, 9), (74, 82), 0)  # where rounding in float32 and in float64 differ
@examples
@given(shapes, st.tuples(st.integers(1, 80), st.integers(1, 80)), seeds)
def test_nearest_index_is_interpolate(shape: Shape, output: tuple[int, int], seed: int) -> None:
    # float32, in which PyTorch's own source positions are the documented ones.
    x = random(shape, seed, torch.float32)
    wanted = F.interpolate(x, size=output, mode="nearest")
    assert torch.equal(apply_index(x, fn.nearest_index(shape, output)), wanted)


@examples
@given(shapes, st.tuples(st.integers(1, 17), st.integers(1, 17)), st.booleans(), seeds)
def test_bilinear_index_is_interpolate(
    shape: Shape, output: tuple[int, int], align_corners: bool, seed: int
) -> None:
    index = fn.bilinear_index(shape, output, align_corners=align_corners)
    assert_same_with_gradient(
        random(shape, seed),
        lambda x: apply_index(x, index),
        lambda x: F.interpolate(x, size=output, mode="bilinear", align_corners=align_corners),
    )


@examples
@given(shapes, st.integers(1, 8), st.booleans())
def test_scale_factor_is_interpolates(shape: Shape, scale: int, align_corners: bool) -> None:
    x = random(shape)
    assert_same(
        apply_index(x, fn.bilinear_index(shape, scale_factor=scale, align_corners=align_corners)),
        F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=align_corners),
    )
    assert_same(
        apply_index(x, fn.nearest_index(shape, scale_factor=scale)),
        F.interpolate(x, scale_factor=scale, mode="nearest"),
    )


@pytest.mark.parametrize("size, output", [((1, 1), (3, 4)), ((1, 5), (1, 1)), ((4, 3), (1, 6))])
@pytest.mark.parametrize("align_corners", [True, False])
def test_bilinear_of_and_to_size_one(
    size: tuple[int, int], output: tuple[int, int], align_corners: bool
) -> None:
    x = random((2, 3, *size))
    assert_same(
        apply_index(x, fn.bilinear_index(x.shape, output, align_corners=align_corners)),
        F.interpolate(x, size=output, mode="bilinear", align_corners=align_corners),
    )


@examples
@given(shapes, st.tuples(st.integers(1, 9), st.integers(1, 9)), st.booleans())
def test_nearest_and_bilinear_weights_are_a_partition_of_unity(
    shape: Shape, output: tuple[int, int], align_corners: bool
) -> None:
    for index in (
        fn.nearest_index(shape, output),
        fn.bilinear_index(shape, output, align_corners=align_corners),
    ):
        matrix = index_matrix(index, shape)
        assert matrix.min() >= 0
        assert_same(matrix.sum(1), torch.ones(len(matrix), dtype=torch.float64))


def test_average_and_nearest_are_one_operator() -> None:
    nearest = fn.nearest_index((1, 2, 3, 5), scale_factor=3)
    average = fn.average_index(torch.empty(1, 2, 9, 15, dtype=torch.float64), 3)
    assert torch.equal(nearest.positions, average.positions)
    assert torch.equal(*(index_matrix(i, (1, 2, 3, 5)) for i in (nearest, average)))


# --- Eq. 3, learned ------------------------------------------------------------------------------


@st.composite
def deconvolutions(draw: st.DrawFn) -> tuple[Tensor, Tensor, dict[str, int]]:
    """Features, weight and options of a transposed convolution with a non-empty output."""
    n, c_in, c_out = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    height, width = draw(sizes), draw(sizes)
    k_h, k_w = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    stride = draw(st.integers(1, 4))
    options = {
        "stride": stride,
        "padding": draw(st.integers(0, 3)),
        "output_padding": draw(st.integers(0, stride - 1)),
    }
    for size, kernel in ((height, k_h), (width, k_w)):
        smallest = (size - 1) * stride - 2 * options["padding"] + kernel
        assume(smallest + options["output_padding"] > 0)
    seed = draw(seeds)
    x = random((n, c_in, height, width), seed)
    return x, random((c_in, c_out, k_h, k_w), seed + 1), options


@examples
@given(deconvolutions())
def test_deconv_index_is_conv_transpose2d(case: tuple[Tensor, Tensor, dict[str, int]]) -> None:
    x, weight, options = case
    assert_same_with_gradient(
        x,
        lambda x: apply_index(x, fn.deconv_index(weight, x.shape, **options)),
        lambda x: F.conv_transpose2d(x, weight, **options),
    )
    assert_same_with_gradient(
        weight,
        lambda weight: apply_index(x, fn.deconv_index(weight, x.shape, **options)),
        lambda weight: F.conv_transpose2d(x, weight, **options),
    )


@examples
@given(deconvolutions())
def test_deconv_matrix_is_the_transposed_conv2d_matrix(
    case: tuple[Tensor, Tensor, dict[str, int]],
) -> None:
    x, weight, options = case
    deconv = index_matrix(fn.deconv_index(weight, x.shape, **options), x.shape)
    output = F.conv_transpose2d(x[:1], weight, **options).shape
    # Column j of a matrix is what the operator makes of the j-th unit vector.
    units = torch.eye(deconv.shape[0], dtype=torch.float64).view(-1, *output[1:])
    conv = F.conv2d(units, weight, stride=options["stride"], padding=options["padding"])
    assert_same(deconv.T, conv.flatten(1).T)


def test_deconvolution_needs_only_the_taps_that_its_stride_leaves() -> None:
    index = fn.deconv_index(torch.ones(3, 5, 4, 4), (1, 3, 6, 6), stride=2, padding=1)
    assert index.weights.shape == (1, 5, 12, 12, 3 * 2 * 2)


def test_bilinear_is_a_special_case_of_deconvolution() -> None:
    x = random((1, 1, 6, 6))
    share = torch.tensor([0.25, 0.75, 0.75, 0.25], dtype=torch.float64)
    weight = torch.outer(share, share)[None, None]
    deconv = apply_index(x, fn.deconv_index(weight, x.shape, stride=2, padding=1))
    bilinear = apply_index(x, fn.bilinear_index(x.shape, scale_factor=2))
    # At the border the two differ: deconvolution pads with zeros, bilinear repeats the border.
    assert_same(deconv[..., 1:-1, 1:-1], bilinear[..., 1:-1, 1:-1])
    assert not torch.allclose(deconv, bilinear)


# --- Eq. 4 ---------------------------------------------------------------------------------------


@examples
@given(shapes, st.integers(1, 4), seeds)
def test_pixel_shuffle_index_is_pixel_shuffle(shape: Shape, r: int, seed: int) -> None:
    n, channels, height, width = shape
    x = random((n, channels * r**2, height, width), seed)
    assert_same_with_gradient(
        x,
        lambda x: apply_index(x, fn.pixel_shuffle_index(x.shape, r)),
        lambda x: F.pixel_shuffle(x, r),
    )


@examples
@given(shapes, st.integers(1, 3))
def test_pixel_shuffle_is_a_permutation(shape: Shape, r: int) -> None:
    shape = (1, shape[1] * r**2, *shape[2:])
    matrix = index_matrix(fn.pixel_shuffle_index(shape, r), shape)
    assert torch.equal(matrix @ matrix.T, torch.eye(len(matrix), dtype=torch.float64))


# --- apply_index and index_matrix ----------------------------------------------------------------


def every_index(x: Tensor) -> dict[str, Index]:
    """One index of each kind for features x of 4 channels."""
    n, channels, height, width = x.shape
    large = random((1, channels, 2 * height + 1, 2 * width), 3)
    return {
        "max": fn.max_index(large),
        "average": fn.average_index(large),
        "pooling": fn.pooling_index(fn.max_index_map(x[:1])),
        "nearest": fn.nearest_index(x.shape, (7, 5)),
        "bilinear": fn.bilinear_index(x.shape, (7, 5)),
        "bilinear_corners": fn.bilinear_index(x.shape, (7, 5), align_corners=True),
        "deconv": fn.deconv_index(random((channels, 3, 3, 4), 4), x.shape, 2, 1, 1),
        "pixel_shuffle": fn.pixel_shuffle_index(x.shape),
    }


KINDS = (
    "max",
    "average",
    "pooling",
    "nearest",
    "bilinear",
    "bilinear_corners",
    "deconv",
    "pixel_shuffle",
)


@pytest.mark.parametrize("kind", KINDS)
def test_index_matrix_is_apply_index(kind: str) -> None:
    x = random((1, 4, 3, 4))
    index = every_index(x)[kind]
    assert_same(index_matrix(index, x.shape) @ x.flatten(), apply_index(x, index).flatten())


@pytest.mark.parametrize("kind", KINDS)
def test_one_index_serves_a_whole_batch(kind: str) -> None:
    x = random((3, 4, 3, 4))
    index = every_index(x)[kind]
    one_by_one = torch.cat([apply_index(sample[None], index) for sample in x])
    assert torch.equal(apply_index(x, index), one_by_one)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_result_has_the_type_of_the_features(kind: str, dtype: torch.dtype) -> None:
    x = random((2, 4, 3, 4))
    index = every_index(x)[kind]
    y = apply_index(x.to(dtype), index)
    assert y.dtype == dtype
    tolerance = 50 * torch.finfo(dtype).eps
    torch.testing.assert_close(y.double(), apply_index(x, index), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_maps_have_the_type_of_the_features(dtype: torch.dtype) -> None:
    x = random((1, 2, 4, 4), dtype=dtype)
    assert fn.max_index_map(x).dtype == fn.average_index_map(x).dtype == dtype


def test_channels_last_features_and_maps() -> None:
    x = random((2, 4, 6, 6))
    last = x.contiguous(memory_format=torch.channels_last)
    for make in (fn.max_index_map, fn.average_index_map):
        assert torch.equal(make(last), make(x))
        assert torch.equal(
            apply_index(last, fn.pooling_index(make(last))),
            apply_index(x, fn.pooling_index(make(x))),
        )


def test_gradcheck() -> None:
    x = random((2, 2, 3, 4)).requires_grad_()
    weight = random((2, 2, 3, 3), 1).requires_grad_()
    index_map = random((2, 2, 3, 4), 2).requires_grad_()
    large_map = random((2, 2, 6, 9), 3).requires_grad_()

    def deconv(x: Tensor, weight: Tensor) -> Tensor:
        return apply_index(x, fn.deconv_index(weight, x.shape, 2, 1, 1))

    def pool(x: Tensor, index_map: Tensor) -> Tensor:
        return apply_index(x, fn.pooling_index(index_map))

    def upsample(x: Tensor, index_map: Tensor) -> Tensor:
        return apply_index(x, fn.upsampling_index(index_map))

    def matrix(weight: Tensor) -> Tensor:
        return index_matrix(fn.deconv_index(weight, x.shape, 2), x.shape)

    assert torch.autograd.gradcheck(deconv, (x, weight))
    assert torch.autograd.gradgradcheck(deconv, (x, weight))
    assert torch.autograd.gradcheck(pool, (x, index_map))
    assert torch.autograd.gradcheck(upsample, (x, large_map))
    assert torch.autograd.gradcheck(matrix, (weight,))


def test_equal_positions_add_up() -> None:
    index = Index(
        torch.tensor([1, 1, 0]).view(1, 1, 1, 1, 3),
        torch.tensor([0.5, 0.25, 2.0]).expand(1, 1, 1, 1, 3),
    )
    assert index_matrix(index, (1, 1, 1, 2)).tolist() == [[2.0, 0.75]]
    assert apply_index(torch.tensor([[[[10.0, 4.0]]]]), index).item() == 23.0


# --- Mistakes ------------------------------------------------------------------------------------

X = torch.zeros(2, 4, 3, 4)


@pytest.mark.parametrize(
    "mistake, message",
    [
        (lambda: apply_index(X[0], fn.nearest_index(X.shape, 6)), "x must be"),
        (lambda: apply_index(X.long(), fn.nearest_index(X.shape, 6)), "floating-point"),
        (lambda: apply_index(X[..., :2], fn.nearest_index(X.shape, 6)), "reads elements"),
        (lambda: apply_index(X, fn.max_index(torch.zeros(3, 4, 6, 8))), "not for 2 samples"),
        (lambda: apply_index(X[:1], fn.max_index(torch.zeros(3, 4, 6, 8))), "not for 1 samples"),
        (lambda: apply_index(X, Index(torch.zeros(1, 1), torch.zeros(1, 1))), "an index is"),
        (lambda: apply_index(X, Index(*torch.zeros(2, 1, 1, 1, 1, 1))), "int64"),
        (
            lambda: apply_index(
                X, Index(torch.zeros(1, 4, 2, 2, 3).long(), torch.zeros(1, 4, 2, 2, 2))
            ),
            "an index is",
        ),
        (
            lambda: apply_index(
                X, Index(torch.full((1, 1, 1, 1, 1), -1), torch.zeros(1, 1, 1, 1, 1))
            ),
            "reads elements -1",
        ),
        (lambda: apply_index(X, Index(*torch.zeros(2, 1, 1, 1, 1, 0).long())), "an index is"),
        (lambda: index_matrix(fn.max_index(torch.zeros(2, 4, 6, 8)), X.shape), "one sample"),
        (lambda: index_matrix(fn.nearest_index(X.shape, 6), (1, 4, 3, 3)), "reads elements"),
        (lambda: index_matrix(fn.nearest_index(X.shape, 6), (4, 3, 4)), "shape must be"),
        (lambda: fn.max_index_map(X[0]), "floating-point"),
        (lambda: fn.max_index_map(X.long()), "floating-point"),
        (lambda: fn.max_index(X[:0]), "not empty"),
        (lambda: fn.max_index(X, 4), "do not fit"),
        (lambda: fn.average_index(X, 0), "do not fit"),
        (lambda: fn.average_index(X[..., :0]), "not empty"),
        (lambda: fn.average_index_map(X[0]), "floating-point"),
        (lambda: fn.pooling_index(X[0]), "floating-point"),
        (lambda: fn.upsampling_index(X, 5), "do not fit"),
        (lambda: fn.nearest_index((4, 3, 4), 6), "shape must be"),
        (lambda: fn.bilinear_index((1, 4, 0, 4), 6), "size of 0"),
        (lambda: fn.bilinear_index(X.shape), "either output_size or scale_factor"),
        (lambda: fn.bilinear_index(X.shape, 6, 2), "either output_size or scale_factor"),
        (lambda: fn.bilinear_index(X.shape, 0), "above 0"),
        (lambda: fn.bilinear_index(X.shape, (6, -1)), "above 0"),
        (lambda: fn.bilinear_index(X.shape, (6, 6, 6)), "above 0"),
        (lambda: fn.bilinear_index(X.shape, ()), "above 0"),
        (lambda: fn.nearest_index(X.shape, scale_factor=0), "above 0"),
        (lambda: fn.nearest_index(X.shape, scale_factor=1.5), "whole numbers"),
        (lambda: fn.deconv_index(torch.zeros(4, 2, 3), X.shape), "weight must be"),
        (lambda: fn.deconv_index(torch.zeros(3, 2, 3, 3), X.shape), "weight must be"),
        (lambda: fn.deconv_index(torch.zeros(4, 2, 0, 3), X.shape), "weight must be"),
        (lambda: fn.deconv_index(torch.zeros(4, 2, 3, 3), X.shape, 0), "stride >= 1"),
        (lambda: fn.deconv_index(torch.zeros(4, 2, 3, 3), X.shape, 2, -1), "padding >= 0"),
        (lambda: fn.deconv_index(torch.zeros(4, 2, 3, 3), X.shape, 2, 0, 2), "output_padding"),
        (lambda: fn.deconv_index(torch.zeros(4, 2, 3, 3), X.shape, 1, 3), "leaves nothing"),
        (lambda: fn.pixel_shuffle_index((1, 6, 3, 4)), "multiple of r²"),
        (lambda: fn.pixel_shuffle_index(X.shape, 0), "multiple of r²"),
        (lambda: fn.pixel_shuffle_index((1, 0, 3, 4)), "size of 0"),
    ],
)
def test_mistakes_are_named(mistake: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mistake()
