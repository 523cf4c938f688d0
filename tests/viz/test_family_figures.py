"""Fig. 3 to 7 say what the modules are; the other figures of notebooks 03 and 04 can be drawn."""

import xml.etree.ElementTree as ET

import pytest
import torch

from indexnet_edu.indexing import FAMILIES, MODES, create_index_block
from indexnet_edu.viz.figures import families
from indexnet_edu.viz.figures.imitation import agreement_strips
from indexnet_edu.viz.figures.normalisation import encoder_index_range


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.text]


def weights(family: str) -> torch.Tensor:
    return families.dependence(create_index_block(3, family, "linear"), 3)


def test_who_looks_at_whom():
    diagonal = torch.eye(3).bool()
    assert weights("holistic").shape == (1, 3)
    assert (weights("m2o") != 0).all()
    for family in FAMILIES[1:4]:
        assert torch.equal(weights(family) != 0, diagonal)


def test_who_shares():
    shared, unshared = weights("o2o_shared_stagewise"), weights("o2o_unshared_stagewise")
    assert len(shared.diag().unique()) == 1 and len(unshared.diag().unique()) == 3


def test_the_weight_that_is_drawn_is_the_block_s():
    block = create_index_block(3, "m2o", "linear")
    assert torch.allclose(families.dependence(block, 3), block.layers[0].weight[:3, :, 0, 0])


def test_sharing_diagram_counts_weights():
    counts = [w for w in words(families.sharing_diagram()) if w.endswith("here")]
    assert [int(w.split()[0]) for w in counts] == [6, 1, 2, 6, 18]


def test_taxonomy_reads_the_modules():
    said = words(families.taxonomy([32, 64, 128]))
    assert "344,064 parameters" in said and "16 parameters" in said and "48 parameters" in said
    assert "maps of 1, 1, 1 channels" in said


def test_stages_call_the_blocks_they_have():
    said = words(families.stage_diagram([32, 64, 128]))
    assert said.count("index block") == 1 + 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_block_diagram(family: str, mode: str):
    said = words(families.block_diagram(family, mode, channels=8, size=8))
    block = create_index_block(8, family, mode)
    count = sum(parameter.numel() for parameter in block.parameters())
    assert f"{count:,} parameters" in said
    assert said.count("ReLU") == (mode != "linear")
    assert ("1×8×8" if family == "holistic" else "8×8×8") in said


def test_layers_are_those_that_run():
    layers = families.block_layers(create_index_block(8, "m2o", "nonlinear_context"), 8)
    assert [layer.shape for layer in layers] == [(64, 4, 4)] * 3 + [(32, 4, 4)]
    assert "groups 4" in layers[-1].details


def test_charts_keep_their_text_inside():
    strips = {"maximum": {"linear": [0.9, 1.0], "nonlinear, 8 hidden units": [0.5, 0.7]}}
    figures = [
        encoder_index_range(),
        encoder_index_range(0.2),
        agreement_strips(strips, ceilings={"maximum": (0.5, "ceiling")}),
    ]
    for figure in figures:
        figure.canvas.draw()
        box = figure.get_tightbbox()
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.get_figwidth() and box.y1 <= figure.get_figheight()


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="no trainings"):
        agreement_strips({})
