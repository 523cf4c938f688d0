"""What every pair promises: sizes, guides, messages, and that a model may treat them all alike."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from indexnet_edu.indexing import FAMILIES
from indexnet_edu.resampling import (
    Downsampling,
    Resampler,
    Upsampling,
    create_resampler,
    list_resamplers,
    register_resampler,
)

#: Every pair, and every family of the index networks.
RESAMPLERS = [create_resampler(name) for name in list_resamplers() if name != "indexnet"] + [
    create_resampler("indexnet", family=family, mode="nonlinear_context") for family in FAMILIES
]
SIZES = [(6, 6), (7, 6), (6, 5), (5, 7), (3, 3), (2, 2), (2, 3)]

every_pair = pytest.mark.parametrize("resampler", RESAMPLERS, ids=str)


def round_trip(down: Downsampling, up: Upsampling, x: Tensor) -> tuple[Tensor, Tensor]:
    y, guide = down(x)
    return y, up(y, guide, output_size=x.shape[-2:])


def build(resampler: Resampler, channels: int = 4) -> tuple[Downsampling, Upsampling]:
    torch.manual_seed(0)
    down = resampler.downsampling([channels])
    up = resampler.upsampling(down.out_channels[0], down.guide_channels[0])
    return down.eval(), up.eval()


# --- sizes ---------------------------------------------------------------------------------------


@every_pair
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [1, 3])
def test_down_halves_and_up_comes_back(resampler, size, batch):
    down, up = build(resampler)
    x = torch.randn(batch, 4, *size)
    y, x_hat = round_trip(down, up, x)
    assert y.shape == (batch, down.out_channels[0], -(-size[0] // 2), -(-size[1] // 2))
    assert up.out_channels == 4 and x_hat.shape == x.shape
    assert x_hat.isfinite().all()


@every_pair
def test_without_output_size_the_size_doubles(resampler):
    down, up = build(resampler)
    y, guide = down(torch.randn(1, 4, 5, 7))
    assert up(y, guide).shape[-2:] == (6, 8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "resampler",
    [r for r in RESAMPLERS if not r.name.startswith("conv_") and r.name != "s2d_d2s"],
    ids=str,
)
def test_pooling_conserves_a_constant_image_at_any_size(resampler, size):
    """Replicated borders keep the full weight of an odd region; zeros would take some away."""
    down, _ = build(resampler)
    y, _ = down.double()(torch.full((1, 4, *size), 3.0, dtype=torch.float64))
    torch.testing.assert_close(y, torch.full_like(y, 3.0), rtol=0, atol=1e-12)


@every_pair
def test_a_stride_in_the_models_own_convolution(resampler):
    """With ``conv_stride`` 2 the model's convolution halves and the pair leaves features alone."""
    down, _ = build(resampler)
    assert down.conv_stride == 1
    if resampler.name.startswith("conv_"):
        down = create_resampler(resampler.name, own_convolution=False).downsampling([4])
        x = torch.randn(1, 4, 3, 3)
        assert down.conv_stride == 2 and down(x) == (x, None)
        assert not list(down.parameters())


# --- guides --------------------------------------------------------------------------------------


@every_pair
def test_the_guide_is_as_wide_as_announced(resampler):
    down, _ = build(resampler)
    x = torch.randn(2, 4, 6, 6)
    _, guide = down(x)
    if down.guide_channels[0] is None:
        assert guide is None
    elif not isinstance(guide, Tensor):
        assert {m.shape for m in guide} == {(2, down.guide_channels[0], 6, 6)}
    else:
        assert guide.shape == (2, down.guide_channels[0], 3, 3)


@every_pair
def test_blind_pairs_ignore_the_guide_and_guided_ones_need_it(resampler):
    down, up = build(resampler)
    y, guide = down(torch.randn(2, 4, 6, 6))
    if not resampler.pair.guided:
        assert torch.equal(up(y, None), up(y, guide))
    else:
        with pytest.raises(ValueError, match="needs the guide that (indexed|max) pooling returned"):
            up(y, None)


@every_pair
def test_gradients_reach_every_parameter(resampler):
    down, up = build(resampler)
    x = torch.randn(2, 4, 6, 6, requires_grad=True)
    _, x_hat = round_trip(down.train(), up.train(), x)
    x_hat.square().sum().backward()
    assert x.grad is not None and x.grad.isfinite().all() and x.grad.any()
    for parameter in [*down.parameters(), *up.parameters()]:
        assert parameter.grad is not None and parameter.grad.isfinite().all()


@every_pair
def test_skip_is_the_feature_or_its_masked_self(resampler):
    down, _ = build(resampler)
    for size in ((6, 6), (5, 7)):
        x = torch.randn(2, 4, *size)
        _, guide = down(x)
        skip = down.skip(x, guide)
        if resampler.name.startswith("indexnet"):
            assert torch.equal(skip, x * guide.encoder[..., : size[0], : size[1]])
        else:
            assert skip is x


# --- formats and precisions ----------------------------------------------------------------------


@every_pair
def test_channels_last_changes_nothing(resampler):
    down, up = build(resampler)
    x = torch.randn(2, 4, 8, 8)
    y, x_hat = round_trip(down, up, x)
    down, up = (module.to(memory_format=torch.channels_last) for module in (down, up))
    y_last, x_hat_last = round_trip(down, up, x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(y_last, y)
    torch.testing.assert_close(x_hat_last, x_hat)
    if resampler.name.startswith("indexnet"):
        assert y_last.is_contiguous(memory_format=torch.channels_last)


@every_pair
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_finite_and_close(resampler, dtype):
    down, up = build(resampler)
    # Distinct multiples of 1/8 are exact in both formats, so no maximum moves.
    x = (torch.randperm(2 * 4 * 6 * 6).reshape(2, 4, 6, 6) - 144) / 64
    x = x.to(dtype).float()
    y, x_hat = round_trip(down, up, x)
    down, up = down.to(dtype), up.to(dtype)
    y_half, x_hat_half = round_trip(down, up, x.to(dtype))
    assert y_half.dtype == x_hat_half.dtype == dtype
    torch.testing.assert_close(y_half.float(), y, rtol=0.05, atol=0.05)
    torch.testing.assert_close(x_hat_half.float(), x_hat, rtol=0.05, atol=0.05)


@every_pair
def test_autocast(resampler):
    down, up = build(resampler)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, x_hat = round_trip(down, up, torch.randn(2, 4, 6, 6))
    assert x_hat.isfinite().all()


@every_pair
def test_a_copied_state_gives_the_same_output(resampler):
    down, up = build(resampler)
    x = torch.randn(1, 4, 6, 6)
    expected = round_trip(down, up, x)[1]
    others = copy.deepcopy(down), copy.deepcopy(up)
    torch.testing.assert_close(round_trip(*others, x)[1], expected, rtol=0, atol=0)
    fresh = build(resampler)
    for new, old in zip(fresh, (down, up), strict=True):
        new.load_state_dict(old.state_dict())
    torch.testing.assert_close(round_trip(*fresh, x)[1], expected, rtol=0, atol=0)


# --- messages ------------------------------------------------------------------------------------


@every_pair
def test_down_says_what_is_wrong(resampler):
    down = resampler.downsampling([4, 8])
    with pytest.raises(ValueError, match="stage 2: this encoder has stages 0 to 1"):
        down(torch.zeros(1, 4, 4, 4), 2)
    with pytest.raises(ValueError, match=r"stage 1 takes \(N, 8, H, W\), got \(1, 4, 4, 4\)"):
        down(torch.zeros(1, 4, 4, 4), 1)
    with pytest.raises(ValueError, match=r"stage 0 takes \(N, 4, H, W\)"):
        down(torch.zeros(4, 4, 4))
    for size in ((1, 1), (1, 8), (8, 1)):
        with pytest.raises(ValueError, match=r"cannot halve .* use a larger image"):
            down(torch.zeros(1, 4, *size))


@every_pair
@pytest.mark.parametrize("size", [(4, 6), (7, 6), (6, 4), (12, 12)])
def test_up_refuses_an_impossible_size(resampler, size):
    down, up = build(resampler)
    y, guide = down(torch.randn(1, 4, 6, 6))
    with pytest.raises(ValueError, match="possible are 5 or 6 by 5 or 6"):
        up(y, guide, output_size=size)


GUIDED = [r for r in RESAMPLERS if r.pair.guided]


@pytest.mark.parametrize("resampler", GUIDED, ids=str)
def test_a_guide_of_another_size_or_batch_is_refused(resampler):
    down, up = build(resampler)
    y, _ = down(torch.randn(1, 4, 6, 6))
    for shape in ((1, 4, 8, 8), (2, 4, 6, 6)):
        _, guide = down(torch.randn(shape))
        with pytest.raises(ValueError, match=r"guide|index must be"):
            up(y, guide)


@pytest.mark.parametrize("resampler", GUIDED, ids=str)
def test_a_guide_of_another_width_is_refused_when_built(resampler):
    down = resampler.downsampling([8])
    if down.guide_channels[0] == 1:
        return  # holistic: fits every decoder
    with pytest.raises(ValueError, match="guide_channels=8"):
        resampler.upsampling(4, down.guide_channels[0])
    with pytest.raises(ValueError, match="guide_channels=None"):
        resampler.upsampling(4)


@pytest.mark.parametrize("resampler", GUIDED, ids=str)
def test_one_channel_is_not_broadcast(resampler):
    down, up = build(resampler)
    _, guide = down(torch.randn(1, 4, 6, 6))
    if down.guide_channels[0] == 1:
        assert up(torch.randn(1, 9, 3, 3), guide).shape == (1, 9, 6, 6)
    else:
        with pytest.raises(ValueError):
            up(torch.randn(1, 1, 3, 3), guide)


def test_depth_to_space_needs_four_channels():
    with pytest.raises(ValueError, match="multiple of 4 channels, got 6"):
        create_resampler("s2d_d2s").upsampling(6)


# --- the factory ---------------------------------------------------------------------------------


@every_pair
def test_a_resampler_is_a_value(resampler):
    again = create_resampler(resampler.name, **dict(reversed(resampler.options)))
    assert again == resampler and hash(again) == hash(resampler)
    assert pickle.loads(pickle.dumps(resampler)) == resampler
    assert str(resampler).startswith(resampler.name)
    with pytest.raises(AttributeError):
        resampler.name = "other"


def test_the_pairs_of_the_paper_and_their_kind():
    pairs = list_resamplers()
    guided = {name for name, pair in pairs.items() if pair.guided}
    assert guided == {"maxpool_maxunpool", "hmi", "indexnet"}
    assert set(pairs) - guided == {
        "avgpool_nearest", "conv_bilinear", "conv_deconv", "s2d_d2s", "conv_carafe",
        "avgpool_carafe", "maxpool_carafe", "maxpool_bilinear", "indexnet_bilinear",
    }  # fmt: skip
    pairs.clear()
    assert list_resamplers()  # a copy


def test_unknown_names_and_options_list_the_valid_ones():
    with pytest.raises(ValueError) as error:
        create_resampler("lanczos")
    assert "'lanczos'" in str(error.value)
    assert all(name in str(error.value) for name in list_resamplers())
    with pytest.raises(ValueError, match="indexnet has no option 'famly'; its options are family,"):
        create_resampler("indexnet", famly="m2o")
    with pytest.raises(ValueError, match="avgpool_nearest has no option 'family'; it has none"):
        create_resampler("avgpool_nearest", family="m2o")


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("indexnet", {"family": "o3o"}, "unknown family 'o3o'; choose from holistic, "),
        ("indexnet", {"mode": "cubic"}, "unknown mode 'cubic'; choose from linear, "),
        ("indexnet", {"activation": "elu"}, "unknown activation 'elu'; choose from relu, relu6"),
        ("indexnet", {"normalisation": "max"}, "unknown normalisation 'max'; choose from sigmoid"),
        ("indexnet", {"temperature": 0}, "temperature must be above 0"),
        ("indexnet", {"expansion": 0}, "at least 1"),
        ("conv_carafe", {"kernel_size": 4}, "must be odd, got 4"),
    ],
)
def test_a_wrong_value_is_refused_when_described(name, options, message):
    with pytest.raises(ValueError, match=message):
        create_resampler(name, **options)


def test_a_pair_of_ones_own():
    class Subsampling(Downsampling):
        def downsample(self, x, stage):
            return x[..., ::2, ::2], None

    class Bicubic(Upsampling):
        def __init__(self, channels, guide_channels=None, *, align_corners=False):
            super().__init__(channels)
            self.align_corners = align_corners

        def upsample(self, d, guide):
            corners = self.align_corners
            return F.interpolate(d, scale_factor=2, mode="bicubic", align_corners=corners)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexnet_edu.resampling.factory._PAIRS", list_resamplers())
        register_resampler("subsample_bicubic", Subsampling, Bicubic, "ours", guided=False)
        down, up = build(create_resampler("subsample_bicubic", align_corners=True))
        assert up.align_corners
        assert round_trip(down, up, torch.randn(1, 4, 5, 5))[1].shape == (1, 4, 5, 5)
        with pytest.raises(ValueError, match="there is a resampler named 'subsample_bicubic'"):
            register_resampler("subsample_bicubic", Subsampling, Bicubic, "again", guided=False)
    assert "subsample_bicubic" not in list_resamplers()


# --- blind pairs are what they say ---------------------------------------------------------------


def test_blind_pairs_are_pytorchs_operators():
    x, d = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 3, 3)
    down, up = build(create_resampler("avgpool_nearest"))
    assert torch.equal(down(x)[0], nn.AvgPool2d(2)(x))
    assert torch.equal(up(d), nn.UpsamplingNearest2d(scale_factor=2)(d))
    _, up = build(create_resampler("conv_bilinear"))
    assert torch.equal(up(d), nn.Upsample(scale_factor=2, mode="bilinear")(d))
    down, up = build(create_resampler("s2d_d2s"))
    assert torch.equal(up(down(x)[0]), x)  # nothing is lost


def test_strided_convolution_and_deconvolution_have_the_geometry_we_document():
    down, up = build(create_resampler("conv_deconv"), channels=8)
    conv, norm, activation = down.convolutions[0]
    assert conv.weight.shape == (8, 8, 3, 3) and conv.stride == (2, 2) and conv.bias is None
    assert isinstance(norm, nn.BatchNorm2d) and isinstance(activation, nn.ReLU)
    deconvolution = up.deconvolution
    assert deconvolution.weight.shape == (8, 8, 4, 4) and deconvolution.bias is None
