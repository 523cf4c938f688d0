"""Indexed pooling and upsampling as modules: modelwise sharing, one's own network, compilers."""

from __future__ import annotations

import io
import shutil

import pytest
import torch
from torch import Tensor, nn

from indexnet_edu.indexing import FAMILIES, MODES, IndexGuide, create_index_block, normalise_index
from indexnet_edu.resampling import IndexedPool2d, IndexedUpsample2d, create_resampler


class Autoencoder(nn.Module):
    """Two stages, enough to tell a shared block from two; returns the first guide as well."""

    def __init__(self, name: str = "indexnet", **options: str) -> None:
        super().__init__()
        resampler = create_resampler(name, **options)
        self.down = resampler.downsampling([4, 4])
        guides = self.down.guide_channels
        self.ups = nn.ModuleList(resampler.upsampling(4, g) for g in guides)

    def forward(self, x: Tensor) -> tuple[Tensor, IndexGuide]:
        y, outer = self.down(x, 0)
        z, inner = self.down(y, 1)
        d = self.ups[1](z, inner, output_size=y.shape[-2:])
        return self.ups[0](d, outer, output_size=x.shape[-2:]), outer


# --- what the module computes --------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_the_module_is_its_block_and_the_two_operators(family):
    torch.manual_seed(0)
    pool = IndexedPool2d(3, family, "nonlinear", temperature=0.5).double().eval()
    x = torch.randn(2, 3, 6, 4, dtype=torch.float64)
    y, guide = pool(x)
    expected = normalise_index(pool.blocks[0](x), temperature=0.5)
    for index_map, wanted in zip(guide, expected, strict=True):
        torch.testing.assert_close(index_map, wanted, rtol=0, atol=1e-12)
    assert torch.equal(pool.index(x).encoder, expected.encoder)
    regions = (x * guide.encoder).unfold(2, 2, 2).unfold(3, 2, 2)
    torch.testing.assert_close(y, regions.sum((-2, -1)), rtol=0, atol=1e-12)
    up = IndexedUpsample2d()(y, guide)
    nearest = y.repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(up, nearest * expected.decoder, rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("mode", MODES)
def test_gradcheck_through_pool_and_unpool(family, mode):
    torch.manual_seed(0)
    pool, unpool = IndexedPool2d(2, family, mode).double(), IndexedUpsample2d()
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor) -> Tensor:
        y, guide = pool(x)
        return unpool(y, guide, output_size=(5, 4))

    assert torch.autograd.gradcheck(run, (x,), fast_mode=True)


@pytest.mark.parametrize("implementation", ["fast", "clear"])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_odd_size_is_padded_by_repeating_the_border(family, implementation):
    """Not by mirroring, which would repeat the row before the last."""
    torch.manual_seed(0)
    pool = IndexedPool2d(3, family, "linear", implementation=implementation).double()
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    padded = torch.cat([x, x[:, :, -1:]], 2)
    padded = torch.cat([padded, padded[..., -1:]], 3)
    y, guide = pool(x)
    expected, expected_guide = pool(padded)
    assert torch.equal(y, expected)
    assert torch.equal(guide.encoder, expected_guide.encoder)


def test_the_control_cuts_the_path_but_pools_alike():
    torch.manual_seed(0)
    guided = create_resampler("indexnet", family="m2o").downsampling([4]).eval()
    control = create_resampler("indexnet_bilinear", family="m2o").downsampling([4]).eval()
    control.load_state_dict(guided.state_dict())
    x = torch.randn(1, 4, 6, 6)
    assert torch.equal(guided(x)[0], control(x)[0])


def test_modules_introduce_themselves():
    assert "family=m2o" in repr(IndexedPool2d(4)) and "[4]" in repr(IndexedPool2d(4))
    assert repr(IndexedUpsample2d(4, 1)) == "IndexedUpsample2d(4)"


# --- modelwise -----------------------------------------------------------------------------------


def test_a_modelwise_index_network_is_one_module():
    block = create_index_block(1, "o2o_modelwise", "nonlinear_context")
    resampler = create_resampler("indexnet", family="o2o_modelwise", mode="nonlinear_context")
    for stages in (1, 3, 5):
        down = resampler.downsampling([8 * 2**k for k in range(stages)])
        assert len(down.state_dict()) == len(block.state_dict())
        assert sum(p.numel() for p in down.parameters()) == 152
    pointers = [tensor.data_ptr() for tensor in down.state_dict().values()]
    assert len(set(pointers)) == len(pointers)


def test_stagewise_networks_have_a_block_a_stage():
    for family in FAMILIES:
        down = create_resampler("indexnet", family=family).downsampling([4, 8, 16])
        assert len(down.blocks) == (1 if family == "o2o_modelwise" else 3)


def test_a_modelwise_network_learns_from_all_stages():
    torch.manual_seed(0)
    resampler = create_resampler("indexnet", family="o2o_modelwise", mode="nonlinear")
    down = resampler.downsampling([2, 3, 5]).double().eval()
    xs = [torch.randn(2, c, 6, 6, dtype=torch.float64) for c in (2, 3, 5)]

    def gradient(*stages: int) -> Tensor:
        down.zero_grad()
        sum(down(xs[k], k)[0].square().sum() for k in stages).backward()
        return torch.cat([p.grad.flatten() for p in down.parameters()])

    alone = [gradient(k) for k in range(3)]
    assert all(g.abs().max() > 0 for g in alone)
    torch.testing.assert_close(gradient(0, 1, 2), sum(alone), rtol=1e-10, atol=1e-10)


# --- compilers -----------------------------------------------------------------------------------

NETWORKS = {family: {"family": family} for family in FAMILIES}


@pytest.fixture
def fresh_dynamo():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("family", FAMILIES)
def test_compiles_without_a_graph_break(family, layout, fresh_dynamo):
    torch.manual_seed(0)
    model = Autoencoder(family=family)
    x = torch.randn(2, 4, 10, 7).contiguous(memory_format=layout)
    expected, _ = model.eval()(x)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[0], expected)
    compiled(x)[0].sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("name", ["maxpool_maxunpool", "hmi", "conv_carafe"])
def test_other_pairs_compile_too(name, fresh_dynamo):
    torch.manual_seed(0)
    model = Autoencoder(name).eval()
    x = torch.randn(2, 4, 8, 8)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[0], model(x)[0])


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="inductor needs a C++ compiler")
def test_compiles_to_machine_code(fresh_dynamo):
    torch.manual_seed(0)
    pool, unpool = IndexedPool2d(4, "o2o_modelwise", "linear"), IndexedUpsample2d()

    def round_trip(x: Tensor) -> Tensor:
        y, guide = pool(x)
        return unpool(torch.relu_(y), guide)

    compiled = torch.compile(round_trip)
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(2, 4, 8, 8).contiguous(memory_format=layout)
        ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        result, expected = compiled(ours), round_trip(theirs)
        torch.testing.assert_close(result, expected)
        result.square().sum().backward()
        expected.square().sum().backward()
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("family", ["o2o_modelwise", "holistic", "m2o"])
def test_exports_with_the_guide_as_output(family):
    torch.manual_seed(0)
    model = Autoencoder(family=family).eval()
    x = torch.randn(2, 4, 8, 8)
    program = torch.export.export(model, (x,))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    x_hat, guide = loaded(x)
    expected, expected_guide = model(x)
    assert isinstance(guide, IndexGuide)
    torch.testing.assert_close(x_hat, expected)
    torch.testing.assert_close(guide.encoder, expected_guide.encoder)
    assert set(program.state_dict) == set(model.state_dict())


def test_a_guide_survives_checkpointing():
    """Non-reentrant checkpointing; the reentrant one would detach a tuple silently."""
    torch.manual_seed(0)
    pool, unpool = IndexedPool2d(4, "m2o", "linear"), IndexedUpsample2d()
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    y, guide = torch.utils.checkpoint.checkpoint(pool, x, use_reentrant=False)
    unpool(y, guide).sum().backward()
    checkpointed, x.grad = x.grad, None
    unpool(*pool(x)).sum().backward()
    torch.testing.assert_close(checkpointed, x.grad)


# --- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("guide_channels", [None, 3, 8])
def test_widths_are_checked_when_given(guide_channels):
    with pytest.raises(ValueError, match="needs a guide of 1 or 4 channels"):
        IndexedUpsample2d(4, guide_channels)
    IndexedUpsample2d(4, 1), IndexedUpsample2d(4, 4)


def test_the_masked_skip_needs_its_guide():
    pool = IndexedPool2d(4)
    with pytest.raises(ValueError, match="needs its guide"):
        pool.skip(torch.zeros(1, 4, 4, 4), None)


def test_a_guide_of_max_pooling_is_not_an_index():
    _, positions = torch.nn.functional.max_pool2d(torch.randn(1, 4, 4, 4), 2, return_indices=True)
    with pytest.raises(ValueError, match="needs the guide that indexed pooling returned"):
        IndexedUpsample2d()(torch.zeros(1, 4, 2, 2), positions)
