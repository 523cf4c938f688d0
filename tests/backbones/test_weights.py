"""Public weights: torchvision's names, a fourth channel, files, converted ones, refusals."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from indexnet_edu.backbones import (
    VGG16,
    MobileNetV2,
    load_pretrained,
    read_converted,
    read_weights,
)
from indexnet_edu.backbones.weights import IMAGENET_MEAN, IMAGENET_STD, _for_standardised_images
from indexnet_edu.datasets import get_dataset
from indexnet_edu.errors import UserError
from tests.backbones.torchvision_names import mobilenet_v2, vgg16_bn


@pytest.fixture(scope="module")
def public() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: torch.rand(shape) if shape else torch.tensor(7) for name, shape in mobilenet_v2()}


def test_torchvisions_mobilenet_fits_and_a_fourth_channel_begins_at_zero(
    public: dict[str, torch.Tensor],
) -> None:
    encoder = MobileNetV2(4)
    load_pretrained(encoder, public)
    stem = encoder.features[0][0].weight
    assert torch.equal(stem[:, :3], public["features.0.0.weight"]) and not stem[:, 3:].any()
    loaded = encoder.state_dict()
    rest = [name for name in loaded if name != "features.0.0.weight"]
    assert all(torch.equal(loaded[name], public[name]) for name in rest)
    left_out = {name for name in public if name not in loaded}
    assert all(name.startswith(("features.18.", "classifier.")) for name in left_out)


def test_torchvisions_vgg_has_the_same_names_and_shapes() -> None:
    public = dict(vgg16_bn())
    with torch.device("meta"):
        ours = {name: tuple(value.shape) for name, value in VGG16(fc6=True).state_dict().items()}
        convolutional = VGG16().state_dict()
    assert set(ours) == {n for n in public if not n.startswith(("classifier.3", "classifier.6"))}
    assert ours.pop("classifier.0.weight") == (4096, 512, 7, 7)
    assert all(public[name] == shape for name, shape in ours.items())
    assert not any(name.startswith("classifier") for name in convolutional)


def test_fc6_as_a_convolution_computes_the_fully_connected_layer() -> None:
    encoder = VGG16(width=1 / 16, fc6=True)
    weights = {name: torch.rand_like(v) for name, v in encoder.state_dict().items() if v.ndim}
    linear = weights["classifier.0.weight"].flatten(1)  # (out, C·7·7), as torchvision keeps it
    load_pretrained(encoder, weights | {"classifier.0.weight": linear})
    x = torch.rand(1, linear.shape[1] // 49, 7, 7)
    bias = weights["classifier.0.bias"]
    expected = F.relu(F.linear(x.flatten(1), linear, bias))
    torch.testing.assert_close(encoder.classifier(x)[..., 3, 3], expected)


def test_what_does_not_fit_is_refused_with_the_first_keys_and_changes_nothing(
    public: dict[str, torch.Tensor],
) -> None:
    encoder = MobileNetV2(4, width=0.5)
    before = encoder.features[1].conv[1].weight.clone()
    with pytest.raises(UserError, match=r"features.0.0.weight is 32×3×3×3, not 16×4.* more") as one:
        load_pretrained(encoder, public)
    assert "\n" not in str(one.value) and torch.equal(encoder.features[1].conv[1].weight, before)
    fewer = {n: v for n, v in public.items() if n != "features.3.conv.2.weight"}
    with pytest.raises(UserError, match="features.3.conv.2.weight is missing"):
        load_pretrained(MobileNetV2(), fewer)
    with pytest.raises(UserError, match="stem.weight is unknown"):
        load_pretrained(MobileNetV2(), public | {"stem.weight": torch.ones(1)})


def test_checkpoints_without_counters_fit(public: dict[str, torch.Tensor]) -> None:
    old = {n: v for n, v in public.items() if not n.endswith("num_batches_tracked")}
    load_pretrained(MobileNetV2(), old)


def test_files(tmp_path: Path) -> None:
    weights = {"a": torch.arange(3.0)}
    torch.save(weights, tmp_path / "a.pth")
    save_file(weights, tmp_path / "a.safetensors")
    for name in ("a.pth", "a.safetensors"):
        assert torch.equal(read_weights(tmp_path / name)["a"], weights["a"])
    torch.save({"epoch": 1, "model": weights}, tmp_path / "nested.pth")
    (tmp_path / "broken.pth").write_bytes(b"nothing")
    with pytest.raises(UserError, match="holds no state dict"):
        read_weights(tmp_path / "nested.pth")
    for name in ("broken.pth", "missing.pth", "missing.safetensors"):
        with pytest.raises(UserError, match=f"cannot read weights from .*{name}") as one:
            read_weights(tmp_path / name)
        assert "\n" not in str(one.value)


def test_rewriting_the_stem_is_the_same_function_inside_the_border() -> None:
    torch.manual_seed(0)
    plain = MobileNetV2().eval().features[0]
    weights = {f"features.0.{name}": value for name, value in plain.state_dict().items()}
    rewritten = MobileNetV2().eval().features[0]
    changed = _for_standardised_images(weights)
    rewritten.load_state_dict({n.removeprefix("features.0."): v for n, v in changed.items()})
    image = torch.rand(1, 3, 21, 20)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        expected, found = plain(2 * image - 1), rewritten((image - mean) / std)
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-5, rtol=1e-5)


def test_the_converted_weights_know_a_cat(monkeypatch: pytest.MonkeyPatch) -> None:
    import skimage.data

    from tests.conftest import DATA

    monkeypatch.setenv("INDEXNET_DATA", str(DATA))
    if get_dataset("backbones").status() != "present":
        pytest.skip("the real backbones are not on this machine")
    weights = read_converted()
    encoder = MobileNetV2().eval()
    load_pretrained(encoder, weights)
    cat = torch.from_numpy(skimage.data.chelsea()[:300, 75:375]).permute(2, 0, 1)[None].float()
    cat = F.interpolate(cat / 255, (224, 224), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    # Their strides pad at the right and bottom only: a picture moved by a pixel comes close.
    with torch.no_grad():
        x = encoder((cat - mean) / std).deepest
        x = F.conv2d(x, weights["features.18.0.weight"])
        shift, scale = weights["features.18.1.bias"], weights["features.18.1.weight"]
        pooled = F.relu6(x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)).mean((2, 3))
        logits = F.linear(pooled, weights["classifier.1.weight"], weights["classifier.1.bias"])
    names = (DATA / "backbones" / "imagenet_labels.txt").read_text().splitlines()
    best = [names[i].lower() for i in logits[0].topk(3).indices.tolist()]
    assert any("cat" in name or "tabby" in name for name in best), best
