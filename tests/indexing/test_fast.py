"""The fast path against the paper's straightforward formulation: values, gradients, statistics."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.utils import prune
from torch.utils.flop_counter import FlopCounterMode

from indexnet_edu.indexing import FAMILIES, MODES, IndexGuide, fast
from indexnet_edu.indexing.fast import blocks as blocks_module
from indexnet_edu.indexing.fast import corners as corners_module
from indexnet_edu.indexing.fast import dispatch
from indexnet_edu.indexing.fast.blocks import blocks
from indexnet_edu.resampling import IndexedPool2d, IndexedUpsample2d
from tests.indexing.paper_operators import PaperOperators

ALL = [(family, mode) for family in FAMILIES for mode in MODES]
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
unpool = IndexedUpsample2d()


def pool_of(family: str, mode: str, channels: int = 3, **options: object) -> IndexedPool2d:
    """Random weights, and a batch normalisation behind whose 1 and 0 nothing can hide."""
    torch.manual_seed(len(family) + len(mode))
    pool = IndexedPool2d(channels, family, mode, **options).double()
    for module in pool.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
    return pool


def features(*shape: int, layout: str = "contiguous") -> Tensor:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    return x.contiguous(memory_format=FORMATS[layout])


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.fixture(autouse=True)
def small_maps_too(monkeypatch):
    """What pays from some size on only, tested at small sizes."""
    monkeypatch.setattr(dispatch, "HOLISTIC_FROM", 0)
    monkeypatch.setattr(dispatch, "CONTEXT_FROM", 0)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks that cut between images, channels and rows, and leave a rest of each."""
    monkeypatch.setattr(blocks_module, "BLOCK", 40)


@pytest.mark.parametrize("temperature", [1.0, 0.3, 0.001])
@pytest.mark.parametrize("family, mode", ALL)
def test_the_form_for_compilers_equals_the_clear_code(family, mode, temperature):
    """Not compiled here, so that float64 shows every difference."""
    pool = pool_of(family, mode, implementation="clear", temperature=temperature)
    x = features(3, 3, 6, 10, layout="channels_last")
    found = []
    for ours in (True, False):
        x = x.detach().clone().requires_grad_()
        if ours:
            y, guide = fast.compiled.pool_and_guide(pool.blocks[0], x, temperature)
            u = fast.compiled.upsample(y.add_(0.1), guide.decoder)  # y may be overwritten
        else:
            y, guide = pool(x)
            u = unpool(y.add_(0.1), guide)
        pool.zero_grad()
        (y.sin().sum() + u.cos().sum() + guide.encoder.square().sum()).backward()
        found.append([y, u, *guide, x.grad, *(p.grad for p in pool.parameters())])
    for mine, expected in zip(*found, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)


def test_the_form_for_compilers_is_for_what_is_compiled():
    assert not fast.compiled.applies(features(1, 3, 4, 4, layout="channels_last"))


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("family, mode", ALL)
def test_equals_the_paper(family, mode, training, layout, small_blocks):
    """Pooled and upsampled features, and the gradients of input and of every parameter."""
    pool = pool_of(family, mode).train(training)
    paper = PaperOperators(pool.blocks[0], 3).train(training)
    x = features(3, 3, 6, 10, layout=layout)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()

    y, guide = pool(ours)
    assert isinstance(guide, fast.ColumnGuide)
    u = unpool(y, guide)
    y_paper, u_paper = paper(theirs)
    assert_close(y, y_paper)
    assert_close(u, u_paper)

    g_y, g_u = torch.randn_like(y), torch.randn_like(u)
    torch.autograd.backward([y, u], [g_y, g_u])
    torch.autograd.backward([y_paper, u_paper], [g_y, g_u])
    assert_close(ours.grad, theirs.grad)

    again = PaperOperators(_with_gradients(pool), 3)
    for mine, wanted in zip(again.parameters(), paper.parameters(), strict=True):
        assert_close(mine, wanted.grad)
    statistics = PaperOperators(pool.blocks[0], 3)
    for mine, wanted in zip(statistics.buffers(), paper.buffers(), strict=True):
        assert_close(mine.double(), wanted.double())


def _with_gradients(pool: IndexedPool2d) -> nn.Module:
    """The block with its gradients in place of its weights, to be cut into columns alike."""
    block = pool.blocks[0]
    for parameter in block.parameters():
        parameter.grad, gradient = None, parameter.grad
        parameter.data = gradient.contiguous()
    return block


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("family, mode", ALL)
def test_equals_the_clear_path_at_odd_sizes_and_in_any_use(family, mode, layout, small_blocks):
    """Maps for a skip connection, a temperature, ReLU6, and a width of its own for the hidden
    layer."""
    options = {"temperature": 0.3, "activation": "relu6", "expansion": 3}
    quick = pool_of(family, mode, **options)
    clear = pool_of(family, mode, implementation="clear", **options)
    x = 4 * features(2, 3, 7, 5, layout=layout)
    results = []
    for pool in (quick, clear):
        leaf = x.clone().requires_grad_()
        y, guide = pool(leaf)
        out = unpool(y.sin(), guide, output_size=(7, 5)) + pool.skip(leaf, guide).cos()
        out.square().sum().backward()
        results.append([out, leaf.grad, *(p.grad for p in pool.parameters()), *guide])
    for mine, wanted in zip(*results, strict=True):
        assert_close(mine, wanted)


@pytest.mark.parametrize("block", [40, 2 * 5 * 4 * 24, 2**19], ids=["rows", "images", "one"])
@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("family, mode", ALL)
def test_blocks_of_any_size_change_nothing(family, mode, layout, block, monkeypatch):
    monkeypatch.setattr(blocks_module, "BLOCK", block)
    x = features(5, 5, 4, 6, layout=layout)
    for temperature in (1.0, 0.4, 0.04):
        assert_same_as_clear(family, mode, x, temperature=temperature)


STRIDES = {
    "the same image three times": lambda x: x[:1].expand(3, -1, -1, -1),
    "some channels of more": lambda x: x[:, 1:4],
    "every second pixel": lambda x: x[:, :, ::2, ::2],
    "turned": lambda x: x.transpose(2, 3),
    "one channel": lambda x: x[:, :1],
    "one column of regions": lambda x: x[..., :2],
}


@pytest.mark.parametrize("view", STRIDES)
@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("family, mode", ALL)
def test_features_may_lie_in_memory_in_any_way(family, mode, layout, view):
    assert_same_as_clear(family, mode, STRIDES[view](features(3, 5, 8, 8, layout=layout)))


def assert_same_as_clear(family: str, mode: str, x: Tensor, **options: object) -> None:
    """Values and gradients, for an incoming gradient in either layout of memory."""
    for g_layout in FORMATS.values():
        results = []
        for implementation in ("fast", "clear"):
            pool = pool_of(family, mode, x.shape[1], implementation=implementation, **options)
            leaf = x.detach().requires_grad_()  # a leaf that lies where x lies
            y, guide = pool(leaf)
            out = unpool(y, guide)
            g = features(*out.shape).contiguous(memory_format=g_layout)
            results.append(torch.autograd.grad(out, [leaf, *pool.parameters()], g) + (out, y))
        for mine, wanted in zip(*results, strict=True):
            assert_close(mine, wanted)


@st.composite
def placements(draw: st.DrawFn) -> Callable[[Tensor], Tensor]:
    """The same shape somewhere else in memory: its dimensions in any order, with gaps, turned
    round, or one image that stands for all."""
    order = draw(st.permutations(range(4)))
    steps = draw(st.tuples(*[st.sampled_from([1, 1, 2])] * 4))
    flipped = draw(st.lists(st.integers(0, 3), max_size=2, unique=True))
    expanded = draw(st.booleans())

    def place(x: Tensor) -> Tensor:
        room = x.new_zeros([x.shape[k] * steps[k] for k in order])
        room = room.permute([order.index(k) for k in range(4)])
        placed = room[tuple(slice(None, None, step) for step in steps)]
        placed.copy_(x)
        placed = placed.flip(flipped) if flipped else placed
        return placed[:1].expand_as(x) if expanded else placed

    return place


def saved_contiguously(on: bool) -> AbstractContextManager[object]:
    """What is kept for the way back comes back contiguous, as hooks that store it may give it."""
    if not on:
        return contextlib.nullcontext()
    return torch.autograd.graph.saved_tensors_hooks(
        lambda t: t.detach().clone(memory_format=torch.contiguous_format), lambda t: t
    )


@pytest.mark.parametrize("family, mode", ALL)
@settings(max_examples=12, deadline=None)
@given(
    of_x=placements(),
    of_d=placements(),
    of_g=placements(),
    layout=st.sampled_from(list(FORMATS.values())),
    dense=st.booleans(),
    hooks=st.booleans(),
    size=st.sampled_from([40, 2**19]),
)
def test_no_order_of_memory_changes_a_gradient(
    family, mode, of_x, of_d, of_g, layout, dense, hooks, size
):
    """Features, decoder features and gradients anywhere in memory, weights in either layout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks_module, "BLOCK", size)
        _assert_no_order_matters(family, mode, of_x, of_d, of_g, layout, dense, hooks)


def _assert_no_order_matters(family, mode, of_x, of_d, of_g, layout, dense, hooks):
    results = []
    for implementation in ("fast", "clear"):
        pool = pool_of(family, mode, implementation=implementation).to(memory_format=layout)
        x = features(3, 3, 4, 4)
        leaf = (x.contiguous(memory_format=layout) if dense else of_x(x)).requires_grad_()
        with saved_contiguously(hooks):
            y, guide = pool(leaf)
            d = (y.detach() if dense else of_d(y.detach())).requires_grad_()
            u = unpool(d, guide)
        outputs, inputs = [y, u], [leaf, d, *pool.parameters()]
        gradients = torch.autograd.grad(outputs, inputs, [of_g(t.detach()) for t in outputs])
        results.append([y, u, *gradients])
    for mine, wanted in zip(*results, strict=True):
        assert_close(mine, wanted)


@pytest.mark.parametrize("family, mode", ALL)
def test_gradcheck_of_weights_and_input(family, mode, small_blocks):
    pool = pool_of(family, mode, channels=2)
    names = [name for name, _ in pool.named_parameters()]
    weights = [p.detach().clone().requires_grad_() for p in pool.parameters()]
    x = features(2, 2, 4, 6).requires_grad_()

    def call(x: Tensor, *weights: Tensor) -> Tensor:
        state = dict(zip(names, weights, strict=True))
        y, guide = torch.func.functional_call(pool, state, (x,))
        return unpool(y, guide)

    assert torch.autograd.gradcheck(call, (x, *weights), fast_mode=True)


@pytest.mark.parametrize("momentum", [0.3, None])
def test_running_statistics_are_pytorchs(momentum):
    quick = pool_of("o2o_modelwise", "nonlinear")
    clear = pool_of("o2o_modelwise", "nonlinear", implementation="clear")
    for pool in (quick, clear):
        pool.blocks[0].layers[1].momentum = momentum
        for seed in range(3):
            torch.manual_seed(seed)
            pool(torch.randn(2, 3, 4, 4, dtype=torch.float64))
    for mine, wanted in zip(quick.buffers(), clear.buffers(), strict=True):
        assert_close(mine.double(), wanted.double())


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_normalisation_without_running_statistics(training):
    results = []
    for implementation in ("fast", "clear"):
        pool = pool_of("o2o_modelwise", "nonlinear", implementation=implementation).train(training)
        norm = pool.blocks[0].layers[1]
        norm.running_mean = norm.running_var = norm.num_batches_tracked = None
        results.append(pool(features(2, 3, 4, 4))[0])
    assert_close(*results)


@pytest.mark.parametrize("implementation", ["fast", "clear"])
def test_one_value_has_no_statistics(implementation):
    pool = pool_of("holistic", "nonlinear", implementation=implementation)
    with pytest.raises(ValueError, match="more than 1 value per channel when training"):
        pool(features(1, 3, 2, 2))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_pooled_features_alone_and_the_guide_alone_have_gradients(family):
    for use in (0, 1):
        results = []
        for implementation in ("fast", "clear"):
            pool = pool_of(family, "linear", implementation=implementation)
            x = features(2, 3, 4, 4).requires_grad_()
            y, guide = pool(x)
            (unpool(torch.ones_like(y), guide) if use else y).square().sum().backward()
            results.append(x.grad)
        assert_close(*results)


def test_frozen_parts_get_no_gradient():
    pool = pool_of("o2o_modelwise", "nonlinear_context").requires_grad_(False)
    x = features(1, 3, 4, 4).requires_grad_()
    pool(x)[0].sum().backward()
    assert x.grad is not None and all(p.grad is None for p in pool.parameters())


@pytest.mark.parametrize("temperature", [1e-6, 0.005, 0.01, 0.05, 20.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_no_temperature_overflows(family, temperature):
    """In float32, whose exp overflows from 88.7 on: at 0.01 a sigmoid near 1 becomes e¹⁰⁰."""
    torch.manual_seed(0)
    pool = IndexedPool2d(3, family, "linear", temperature=temperature)
    x = 50 * torch.randn(1, 3, 4, 4)
    compiled = fast.compiled.pool_and_guide(pool.blocks[0], x, temperature)
    for y, guide in (pool(x), compiled):
        assert y.isfinite().all() and guide.encoder.isfinite().all()


def test_two_runs_are_bit_identical():
    x = torch.randn(3, 4, 8, 8)
    gradients = []
    for _ in range(2):
        torch.manual_seed(0)
        pool = IndexedPool2d(4, "o2o_modelwise", "nonlinear_context")
        y, guide = pool(x)
        unpool(y, guide).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in pool.parameters()]))
    assert torch.equal(*gradients)


# --- where it applies ----------------------------------------------------------------------------


def test_one_argument_chooses():
    x = torch.randn(1, 3, 4, 4)
    assert isinstance(IndexedPool2d(3)(x)[1], fast.ColumnGuide)
    assert isinstance(IndexedPool2d(3, implementation="clear")(x)[1], IndexGuide)
    with pytest.raises(ValueError, match="unknown implementation 'quick'; choose from fast, clear"):
        IndexedPool2d(3, implementation="quick")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_holistic_index_is_pooled_fast_on_large_maps_only(family, monkeypatch):
    monkeypatch.setattr(dispatch, "HOLISTIC_FROM", 2 * 3 * 8 * 8)
    pool = IndexedPool2d(3, family, "linear")
    assert isinstance(pool(torch.randn(2, 3, 8, 8))[1], fast.ColumnGuide)
    small = pool(torch.randn(2, 3, 8, 6))[1]
    assert isinstance(small, IndexGuide if family == "holistic" else fast.ColumnGuide)


@pytest.mark.parametrize("mode", MODES)
def test_small_maps_take_the_layers_of_a_block_with_context(mode, monkeypatch):
    monkeypatch.setattr(dispatch, "CONTEXT_FROM", 6)
    block = pool_of("o2o_modelwise", mode).blocks[0]
    assert dispatch._is_fused(block, features(1, 3, 6, 6))
    assert dispatch._is_fused(block, features(1, 3, 4, 6)) == (mode != "nonlinear_context")
    assert dispatch._is_fused(block, features(1, 3, 4, 6, layout="channels_last"))
    assert_same_as_clear("o2o_unshared_stagewise", mode, features(2, 3, 4, 6))


def test_elsewhere_the_clear_path_is_taken():
    x = torch.randn(2, 3, 4, 4)
    pool = IndexedPool2d(3, "m2o", "linear")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert isinstance(pool(x)[1], IndexGuide)
    with FlopCounterMode(display=False):
        assert isinstance(pool(x)[1], IndexGuide)
    assert isinstance(IndexedPool2d(3, normalisation="softmax")(x)[1], IndexGuide)
    assert isinstance(pool.to(torch.bfloat16)(x.bfloat16())[1], IndexGuide)
    pool = IndexedPool2d(3, "m2o", "linear").to("meta")
    assert isinstance(pool(x.to("meta"))[1], IndexGuide)


@pytest.mark.parametrize("family, mode", ALL)
def test_forward_mode_takes_the_clear_path(family, mode):
    pool = pool_of(family, mode)
    x, direction = features(2, 3, 4, 4), features(2, 3, 4, 4).cos()

    def round_trip(x: Tensor) -> Tensor:
        return unpool(*pool(x))

    with forward_ad.dual_level():
        out = forward_ad.unpack_dual(round_trip(forward_ad.make_dual(x, direction)))
    leaf = x.requires_grad_()
    u = round_trip(leaf)
    g = torch.randn_like(u)
    (back,) = torch.autograd.grad(u, leaf, g)
    assert_close((out.tangent * g).sum(), (back * direction).sum())


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("family, mode", ALL)
def test_what_is_returned_may_be_overwritten(family, mode, layout):
    """As by an activation in place, which max pooling takes too."""
    results = []
    for implementation in ("fast", "clear"):
        pool = pool_of(family, mode, implementation=implementation)
        leaf = features(2, 3, 4, 6, layout=layout).requires_grad_()
        y, guide = pool(leaf)
        u = unpool(nn.ReLU(inplace=True)(y), guide)
        nn.ReLU(inplace=True)(u.sub_(0.2)).square().sum().backward()
        results.append([u, leaf.grad, *(p.grad for p in pool.parameters())])
    for mine, wanted in zip(*results, strict=True):
        assert_close(mine, wanted)


@pytest.mark.parametrize("form", ["fast", "compiled"])
@pytest.mark.parametrize("family, mode", ALL)
def test_pruned_weights_are_used(family, mode, form):
    """Pruning makes a layer's weight in a hook, so the layer must be called."""
    x = features(2, 3, 4, 6, layout="channels_last")
    results = []
    for ours in (True, False):
        pool = pool_of(family, mode, implementation="fast" if ours else "clear")
        first = pool.blocks[0].layers[0]
        mask = torch.arange(first.weight.numel()).view_as(first.weight) % 3 > 0
        prune.custom_from_mask(first, "weight", mask)
        with torch.no_grad():
            first.weight_orig += 0.5  # as a step of an optimiser does
        leaf = x.clone().requires_grad_()
        if ours and form == "compiled":
            y, _ = fast.compiled.pool_and_guide(pool.blocks[0], leaf, 1.0)
        else:
            y, _ = pool(leaf)
        y.sin().sum().backward()
        results.append([y, leaf.grad, first.weight_orig.grad])
    for mine, wanted in zip(*results, strict=True):
        assert_close(mine, wanted)


@pytest.mark.parametrize("layout", FORMATS)
def test_hooks_on_layers_run_and_other_activations_are_applied(layout):
    x = features(2, 3, 4, 6, layout=layout)
    quick, clear = (
        pool_of("o2o_modelwise", "nonlinear", implementation=name).eval()
        for name in ("fast", "clear")
    )
    seen: list[Tensor] = []
    handle = quick.blocks[0].layers[3].register_forward_hook(lambda m, i, o: seen.append(o))
    quick(x)
    assert len(seen) == 1
    handle.remove()
    for pool in (quick, clear):
        pool.blocks[0].layers[2] = nn.GELU()
    assert_close(quick(x)[0], clear(x)[0])


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("family, mode", ALL)
def test_an_infinite_feature_spreads_no_further_than_on_the_clear_path(family, mode, layout, value):
    x = features(2, 3, 6, 8, layout=layout)
    x[1, 2, 2, 3] = value
    results = []
    for implementation in ("fast", "clear"):
        pool = pool_of(family, mode, implementation=implementation).eval()
        y, guide = pool(x)
        results.append([y, unpool(y, guide), *guide])
    for mine, wanted in zip(*results, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=0, atol=1e-10, equal_nan=True)


def test_functional_transforms_work():
    pool = pool_of("o2o_modelwise", "linear")
    x = features(2, 3, 4, 4)

    def loss(x: Tensor) -> Tensor:
        return pool(x)[0].square().sum()

    leaf = x.clone().requires_grad_()
    loss(leaf).backward()
    assert_close(torch.func.grad(loss)(x), leaf.grad)


def test_differentiating_twice_is_refused():
    x = torch.randn(1, 3, 4, 4, requires_grad=True)
    y = IndexedPool2d(3)(x)[0].sum()
    with pytest.raises(RuntimeError, match="differentiate once.*implementation"):
        torch.autograd.grad(y, x, create_graph=True)


# --- blocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("all_channels", [False, True])
@pytest.mark.parametrize("size", [1, 7, 40, 300, 10**6])
def test_blocks_cover_everything_once(all_channels, size, monkeypatch):
    monkeypatch.setattr(blocks_module, "BLOCK", size)
    seen = torch.zeros(3, 4, 5, 4, 3)
    for block in blocks(seen[:, 0], all_channels):
        part = block.of(seen).add_(1)
        assert part.numel() <= max(size, 4 * 3 * (5 if all_channels else 1))
        assert part.shape[2] == 5 or not all_channels
        assert len(part) == 1 or part.shape[2:] == (5, 4, 3)  # whole images, or a part of one
    assert (seen == 1).all()


def test_an_index_for_all_channels_is_in_every_block_of_them():
    block = blocks_module.Block(slice(1, 2), slice(2, 4), slice(0, 3))
    assert block.of(torch.zeros(3, 4, 5, 4, 3)).shape == (1, 4, 2, 3, 3)
    assert block.of(torch.zeros(3, 4, 1, 4, 3)).shape == (1, 4, 1, 3, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0, 1])
def test_pairs_are_split_and_joined_wherever_they_lie(dtype, offset):
    memory = torch.randn(offset + 3 * 4 * 10, dtype=dtype)
    memory[offset] = float("nan")
    memory[offset + 1] = float("inf")
    pairs = memory[offset:].view(3, 4, 10)[:, ::2]  # (3, 2, 10), its rows two apart
    left, right = torch.empty(2, 3, 2, 5, dtype=dtype)
    corners_module._split_pairs(pairs, left, right)
    exact = {"rtol": 0, "atol": 0, "equal_nan": True}
    torch.testing.assert_close(left, pairs[..., 0::2], **exact)
    torch.testing.assert_close(right, pairs[..., 1::2], **exact)
    back = torch.full_like(memory, -1)
    corners_module._join_pairs(left, right, back[offset:].view(3, 4, 10)[:, ::2])
    torch.testing.assert_close(back[offset:].view(3, 4, 10)[:, ::2], pairs, **exact)
    assert (back[offset:].view(3, 4, 10)[:, 1::2] == -1).all()
