"""The networks of Tables 4 to 6: any pair, any size, and what their settings do."""

import pytest
import torch
from torch import nn

from indexnet_edu.errors import UsageError
from indexnet_edu.records.paper import paper_table
from indexnet_edu.resampling import create_resampler, list_resamplers
from indexnet_edu.tasks.matting.deep_matting import DeepMatting
from indexnet_edu.tasks.matting.encoder_decoder import FUSIONS, EncoderDecoder
from indexnet_edu.tasks.matting.layers import ASPP
from indexnet_edu.tasks.matting.model import VARIANTS, parameter_groups
from indexnet_edu.tasks.matting.recipe import MattingRecipe
from tests.tasks.matting.networks import network


def test_every_row_of_tables_4_to_6_has_a_network() -> None:
    assert len(paper_table(4)) == 11
    assert [row["no"].lower() for row in paper_table(4)] == list(VARIANTS)[:11]
    indexed = [f"{r['family']}-{r['mode']}" for r in paper_table(5) if "family" in r]
    assert len(indexed) == 15 and set(indexed) <= set(VARIANTS)
    for row in paper_table(6):
        name = f"m2o-nonlinear_context-{row['encoder']}"
        if row["encoder"] == "sigmoid+softmax":
            name = "m2o-nonlinear_context"
        with torch.device("meta"):
            assert network(name, width=0.25).down.normalisation == row["encoder"]


@pytest.mark.parametrize("name", [name for name in VARIANTS if "-" not in name])
@pytest.mark.parametrize("size", [(64, 64), (33, 50)])
def test_an_alpha_of_the_images_size(name: str, size: tuple[int, int]) -> None:
    model = network(name, width=1 / 16).eval()
    alpha = model(torch.rand(1, 4, *size))
    assert alpha.shape == (1, 1, *size) and alpha.isfinite().all()


@pytest.mark.parametrize("pair", list_resamplers())
@pytest.mark.parametrize("fusion", FUSIONS)
def test_any_pair(pair: str, fusion: str) -> None:
    # At a quarter the decoder's 24 channels are 8: deep enough for depth-to-space.
    resampler, x = create_resampler(pair), torch.rand(2, 4, 40, 33)
    if (pair, fusion) == ("s2d_d2s", "skip"):
        with pytest.raises(ValueError, match='cannot be added: take fusion "concat"'):
            EncoderDecoder(resampler, fusion=fusion, width=0.25)
        return
    model = EncoderDecoder(resampler, fusion=fusion, width=0.25)
    model(x).sum().backward()
    blind = [n for n, p in model.named_parameters() if p.grad is None]
    assert blind == []


@pytest.mark.parametrize("architecture", ["b3", "b11"])
def test_strides_of_the_networks_own_convolutions_are_refused(architecture: str) -> None:
    pair = create_resampler("conv_carafe", own_convolution=False)
    build = DeepMatting if architecture == "b3" else EncoderDecoder
    with pytest.raises(ValueError, match="own_convolution=True"):
        build(pair, width=1 / 16)


def test_the_masked_skip_is_the_index_times_the_feature() -> None:
    torch.manual_seed(0)
    masked = network("m2o-linear", width=0.25).eval()
    plain = network("m2o-linear", width=0.25, masked_skip=False).eval()
    plain.load_state_dict(masked.state_dict())
    x = torch.rand(1, 4, 32, 32)
    assert not torch.allclose(masked(x), plain(x))
    blind = network("b11", width=0.25).eval()
    before = blind(x)
    blind.masked_skip = False
    assert torch.equal(blind(x), before)


def test_two_learning_rates_and_the_index_blocks_are_not_the_encoders() -> None:
    model = network("m2o-linear", width=0.25)
    (others, whole), (encoder, factor) = parameter_groups(model, MattingRecipe())
    assert (whole, factor) == (1, 0.01)
    names = {id(p): n for n, p in model.named_parameters()}
    assert all(names[id(p)].startswith("encoder.") for p in encoder)
    assert any(names[id(p)].startswith("down.") for p in others)
    found = [id(p) for group in (others, encoder) for p in group]
    assert sorted(found) == sorted(names)
    refined = network("deepmatting_refined", width=1 / 16)
    assert len(parameter_groups(refined, MattingRecipe())[1][0]) == 13 * 4 + 2


def test_frozen_norms_are_the_encoders_only() -> None:
    model = network("b11", width=0.25, encoder_norm_frozen=True).train()
    norms = {n: m.training for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert norms and all(training != n.startswith("encoder.") for n, training in norms.items())


def test_weights_begin_as_in_the_released_code() -> None:
    torch.manual_seed(0)
    model = network("b11", width=0.5)
    weight = model.decoder[0][0].weight.detach()
    assert float(weight.std()) == pytest.approx((2 / (25 * weight.shape[0])) ** 0.5, rel=0.02)


def test_one_image_cannot_train_aspp() -> None:
    with pytest.raises(ValueError, match="batch size of at least 2"):
        ASPP(8, 4, 4).train()(torch.rand(1, 8, 4, 4))
    assert ASPP(8, 4, 4).eval()(torch.rand(1, 8, 4, 4)).shape == (1, 4, 4, 4)


def test_refusals() -> None:
    with pytest.raises(UsageError, match="no variant 'b12'; choose one of its rows .b1, b2"):
        network("b12")
    with pytest.raises(UsageError, match="takes no pair"):
        network("deeplab.m2o-linear")
    with pytest.raises(ValueError, match="unknown fusion"):
        EncoderDecoder(create_resampler("hmi"), fusion="sum")
