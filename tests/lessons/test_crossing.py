"""Shapes of the network, and what crosses beside the bottleneck."""

import pytest
import torch

from indexnet_edu.indexing import IndexGuide
from indexnet_edu.lessons.crossing import crossing_map, guides_of, read_off, trace
from indexnet_edu.tasks import get_task
from indexnet_edu.tasks.reconstruction import RECONSTRUCTION
from indexnet_edu.tasks.reconstruction.model import ReconstructionNet
from indexnet_edu.viz.encoder_decoder import encoder_decoder


def network(variant: str) -> ReconstructionNet:
    torch.manual_seed(0)
    model = RECONSTRUCTION.build_model(
        RECONSTRUCTION.variant(variant), RECONSTRUCTION.profile("smoke")
    )
    assert isinstance(model, ReconstructionNet)
    return model.eval()


def test_the_trace_is_the_papers_layout() -> None:
    layers = trace(network("indexed_holistic"), torch.zeros(1, 1, 32, 32))
    names = "input C(32) D C(64) D C(128) D C(256) C(128) U C(64) U C(32) U C(1)"
    assert [layer.name for layer in layers] == names.split()
    assert layers[0].shape == layers[-1].shape == (1, 32, 32)
    assert layers[7].shape == (256, 4, 4)
    assert [layer.guide for layer in layers if layer.guide] == [(1, 32, 32), (1, 16, 16), (1, 8, 8)]
    assert "hands over 1 × 32 × 32" in str(layers[2])


def test_a_blind_network_hands_nothing_over_and_is_drawn_without_arcs() -> None:
    image = torch.zeros(1, 1, 32, 32)
    blind = trace(network("s2d_d2s"), image)
    assert not any(layer.guide for layer in blind)
    assert "guide" not in encoder_decoder(blind)
    guided = trace(network("maxpool_maxunpool"), image)
    assert guided[2].guide == (32, 16, 16)  # one place a region and channel
    assert encoder_decoder(guided).count("guide 32 × 16 × 16") == 1


def test_the_drawing_has_a_name() -> None:
    layers = trace(network("avgpool_nearest"), torch.zeros(1, 1, 32, 32))
    assert 'aria-label="a network"' in encoder_decoder(layers, alt="a network")
    assert "C(256) 256 × 4 × 4" in encoder_decoder(layers)


def test_crossing_maps() -> None:
    assert crossing_map(None) is None
    guide = IndexGuide(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
    assert crossing_map(guide) is guide.decoder
    where = torch.tensor([[[[0, 3], [12, 15]]]])
    marked = crossing_map(where)
    assert marked is not None
    assert marked.sum() == 4
    assert all(marked[0, 0, r, c] == 1 for r in (0, 3) for c in (0, 3))


def test_guides_are_taken_without_changing_the_network() -> None:
    model, images = network("indexed_m2o"), torch.rand(2, 1, 32, 32)
    before = model(images)
    guides = guides_of(model, images)
    assert [tuple(g.decoder.shape) for g in guides if hasattr(g, "decoder")] == [
        (2, 32, 32, 32),
        (2, 64, 16, 16),
        (2, 128, 8, 8),
    ]
    assert torch.equal(model(images), before)


def test_read_off_is_zero_for_blind_and_finds_a_copy() -> None:
    images = torch.rand(4, 1, 32, 32)
    assert read_off(network("conv_bilinear"), images) == 0
    model = network("indexed_holistic")

    def copy(_: object, __: object, output: tuple[object, IndexGuide]) -> object:
        y, guide = output
        first = guide.decoder.shape[-1] == 32
        return y, IndexGuide(guide.encoder, 0.3 * images + 0.2) if first else guide

    model.down.register_forward_hook(copy)  # comes before read_off's own
    assert read_off(model, images) == pytest.approx(1)


def test_read_off_bears_a_dead_map() -> None:
    model = network("indexed_holistic")
    with torch.no_grad():
        for weight in model.down.parameters():
            weight.zero_()
    assert read_off(model, torch.rand(2, 1, 32, 32)) == pytest.approx(0, abs=1e-6)


def test_the_trace_of_a_deeper_network_counts_its_convolutions() -> None:
    task = get_task("denoising")
    model = task.build_model(task.variant("m2o-linear"), task.profile("gpu"))
    layers = trace(model, torch.zeros(1, 1, 32, 32))
    names = "input|2 C(64)|D|2 C(128)|D|3 C(256)|D|3 C(256)|U|2 C(128)|U|2 C(64)|U|2 C(64)|C(1)"
    assert [layer.name for layer in layers] == names.split("|")
    assert layers[8].shape == (256, 8, 8) and layers[6].guide == (256, 8, 8)
    assert {len(str(layer)) for layer in layers if not layer.guide} == {23}


def test_a_target_of_its_own_is_looked_for_in_the_guide() -> None:
    images, noise = torch.rand(4, 1, 32, 32), torch.randn(4, 1, 32, 32)
    model = network("indexed_holistic")

    def carries_noise(_: object, __: object, output: tuple[object, IndexGuide]) -> object:
        y, guide = output
        first = guide.decoder.shape[-1] == 32
        return y, IndexGuide(guide.encoder, 0.1 * noise + 0.5) if first else guide

    model.down.register_forward_hook(carries_noise)
    assert read_off(model, images, noise) == pytest.approx(1)
    assert read_off(model, images) < 0.05
