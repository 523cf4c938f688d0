"""The encoders: features, sizes, strides left out, frozen normalisation."""

import pytest
import torch
from torch import nn

from indexnet_edu.backbones import VGG16, MobileNetV2, scaled
from indexnet_edu.complexity import count
from indexnet_edu.resampling import create_resampler

PAIR = create_resampler("maxpool_maxunpool")


def test_mobilenet_with_its_own_strides_is_the_published_one() -> None:
    with torch.device("meta"):
        cost = count(MobileNetV2(), torch.empty(1, 3, 224, 224))
        encoded = MobileNetV2()(torch.empty(1, 3, 224, 224))
    assert cost.parameters == 1_811_712 and round(cost.paper_gflops, 4) == 0.2602
    sizes = [(f.shape[1], 224 // f.shape[2]) for f in encoded.features]
    assert sizes == [
        (32, 2), (16, 2), (24, 4), (32, 8), (64, 16), (96, 16), (160, 32), (320, 32),
    ]  # fmt: skip
    assert encoded.guides == [] and encoded.deepest is encoded.features[-1]


def test_output_stride_16_dilates_behind_the_stride_that_is_left_out() -> None:
    encoder = MobileNetV2(output_stride=16).eval()
    dilations = [layer.conv[-3][0].dilation[0] for layer in encoder.features[1:]]
    assert dilations == [1] * 14 + [2] * 3
    assert encoder(torch.rand(1, 3, 64, 64)).deepest.shape == (1, 320, 4, 4)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("stride", [16, 32])
def test_where_the_border_is_put_changes_no_size(early: bool, stride: int) -> None:
    encoder = MobileNetV2(output_stride=stride, pad_before_expansion=early).eval()
    sizes = [f.shape[-2:] for f in encoder(torch.rand(1, 3, 65, 97)).features]
    last = (5, 7) if stride == 16 else (3, 4)
    assert sizes[0] == (33, 49) and sizes[-1] == last


def test_a_border_put_before_the_expansion_is_not_zero_behind_it() -> None:
    torch.manual_seed(0)
    late, early = (MobileNetV2(pad_before_expansion=p).eval() for p in (False, True))
    early.load_state_dict(late.state_dict())
    block, other = late.features[2].conv, early.features[2].conv
    nn.init.constant_(block[0][1].bias, 1.0)
    nn.init.constant_(other[0][1].bias, 1.0)
    x = torch.rand(1, 16, 8, 8)
    a, b = late.features[2](x), early.features[2](x)
    torch.testing.assert_close(a[..., 1:, 1:], b[..., 1:, 1:])
    assert not torch.allclose(a[..., 0, :], b[..., 0, :])


@pytest.mark.parametrize("kind", [MobileNetV2, VGG16])
def test_a_pair_in_place_of_the_strides(kind: type) -> None:
    stages = [0, 2, 3, 4, 6] if kind is MobileNetV2 else [0, 1, 2, 3, 4]
    channels = kind.widths(0.25)
    down = PAIR.downsampling([channels[stage] for stage in stages])
    encoder = kind(4, width=0.25, halved_to=down.out_channels).eval()
    deepest, features, guides = encoder(torch.rand(2, 4, 33, 64), down)
    assert [f.shape[1] for f in features] == channels and len(guides) == 5
    assert features[0].shape[-2:] == (33, 64) and deepest.shape[-2:] == (2, 2)
    # The names are the public ones: the pair is no part of the encoder.
    assert all(name.startswith(("features.", "classifier.")) for name in encoder.state_dict())


def test_vgg_needs_a_pair() -> None:
    with pytest.raises(ValueError, match="pass its downsampling"):
        VGG16(width=1 / 16)(torch.rand(1, 3, 32, 32))


def test_no_output_stride_but_two() -> None:
    with pytest.raises(ValueError, match="output_stride"):
        MobileNetV2(output_stride=8)


def test_frozen_norms_keep_their_statistics_and_thaw() -> None:
    encoder = MobileNetV2(width=0.25, norm_frozen=True).train()
    before = {n: b.clone() for n, b in encoder.named_buffers()}
    encoder(torch.rand(2, 3, 32, 32)).deepest.sum().backward()
    assert all(torch.equal(before[n], b) for n, b in encoder.named_buffers())
    assert encoder.training and encoder.features[0][1].weight.grad is not None
    encoder.norm_frozen = False
    encoder.train()(torch.rand(2, 3, 32, 32))
    assert not all(torch.equal(before[n], b) for n, b in encoder.named_buffers())


@pytest.mark.parametrize(
    "channels, width, expected", [(24, 1.4, 33), (256, 1.4, 358), (24, 0.25, 8), (32, 1, 32)]
)
def test_widths(channels: int, width: float, expected: int) -> None:
    assert scaled(channels, width) == expected
