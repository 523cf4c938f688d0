"""The counter against formulas and PyTorch's own; the rows of the cost tables against the paper."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from indexnet_edu.complexity import (
    GIGA,
    Baseline,
    Cost,
    as_printed,
    count,
    family_cost,
    format_tables,
    resampler_cost,
    table_rows,
)
from indexnet_edu.indexing import FAMILIES, MODES
from indexnet_edu.resampling import create_resampler, list_resamplers
from indexnet_edu.tasks import COST_TABLES

SHARED = ("o2o_modelwise", "o2o_shared_stagewise")


@pytest.fixture(scope="module")
def rows():
    return [row for table in COST_TABLES for row in table_rows(table)]


# --- the counter ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer, macs, paper_macs",
    [
        (nn.Conv2d(3, 8, 3, stride=2, padding=1), 3 * 8 * 9 * 16, 3 * 8 * 9 * 16),
        (nn.Conv2d(4, 8, 3, padding=1, groups=4), 8 * 9 * 64, 8 * 9 * 64),
        # Every input pixel meets every weight; the paper's formula takes the output's size.
        (nn.ConvTranspose2d(3, 5, 4, 2, 1), 3 * 5 * 16 * 64, 3 * 5 * 16 * 256),
        (nn.BatchNorm2d(3), 0, 0),
    ],
)
@pytest.mark.parametrize("batch", [1, 5])
def test_layers(layer, macs, paper_macs, batch):
    channels = getattr(layer, "in_channels", 3)
    parameters = sum(p.numel() for p in layer.parameters())
    assert count(layer, torch.empty(batch, channels, 8, 8)) == Cost(parameters, macs, paper_macs)


def test_a_layer_used_twice_costs_twice_and_is_one():
    conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
    once, twice = (count(nn.Sequential(*[conv] * k), torch.empty(1, 4, 8, 8)) for k in (1, 2))
    assert twice == Cost(once.parameters, 2 * once.macs, 2 * once.paper_macs)


def test_counting_leaves_the_network_as_it_was():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    net[2].eval()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    count(net, torch.randn(2, 3, 8, 8))
    assert net.training and net[1].training and not net[2].training
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert all(p.requires_grad and p.device.type == "cpu" for p in net.parameters())
    assert not net[0]._forward_hooks


def test_a_failing_network_is_left_as_it_was_too():
    net = nn.Sequential(nn.Conv2d(3, 4, 3))
    with pytest.raises(RuntimeError):
        count(net, torch.randn(2, 5, 8, 8))
    assert net.training and not net[0]._forward_hooks


def test_costs_add():
    assert Cost(1, 2, 3) + Cost(10, 20, 30) == Cost(11, 22, 33)
    assert Cost(paper_macs=3 * 2**29).paper_gflops == 1.5


def flops_by_pytorch(module: nn.Module, *inputs: object) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(*inputs)
    return counter.get_total_flops()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("mode", MODES)
def test_true_macs_are_half_of_pytorchs_flops(family, mode):
    down = create_resampler("indexnet", family=family, mode=mode).downsampling([8])
    x = torch.randn(1, 8, 16, 16)
    assert count(down, x).macs == flops_by_pytorch(down, x) / 2


@pytest.mark.parametrize("name", ["conv_deconv", "conv_carafe", "conv_bilinear"])
def test_so_are_those_of_blind_pairs(name):
    up = create_resampler(name).upsampling(8)
    d = torch.randn(1, 8, 4, 4)
    assert count(up, d).macs == flops_by_pytorch(up, d) / 2


# --- resamplers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, o2o, m2o, hin", [
    ("linear", lambda c: 16 * c, lambda c: 16 * c**2, lambda c: 16 * c),
    ("nonlinear", lambda c: 40 * c, lambda c: 40 * c**2, lambda c: 8 * c**2 + 8 * c),
    ("nonlinear_context", lambda c: 136 * c, lambda c: 136 * c**2, lambda c: 32 * c**2 + 8 * c),
])  # fmt: skip
def test_macs_a_low_resolution_pixel(mode, o2o, m2o, hin):
    channels, size = [4, 6], 16
    for family in FAMILIES:
        formula = {"holistic": hin, "m2o": m2o}.get(family, o2o)
        cost = family_cost(channels, size, family, mode)
        for c, pixels, stage in zip(channels, (8 * 8, 4 * 4), cost.stages, strict=True):
            assert stage.cost.macs == formula(c) * pixels
            # The paper's counter does not see channels that were folded into the batch.
            assert stage.cost.paper_macs == stage.cost.macs // (c if family in SHARED else 1)


def test_stages_add_up_and_a_modelwise_block_counts_once():
    cost = family_cost([4, 6, 8], 16, "o2o_modelwise", "nonlinear")
    assert [stage.cost.parameters for stage in cost.stages] == [56, 0, 0]
    assert [(stage.channels, stage.size) for stage in cost.stages] == [(4, 16), (6, 8), (8, 4)]
    assert cost.cost.macs == sum(stage.cost.macs for stage in cost.stages)
    shared = family_cost([4, 6, 8], 16, "o2o_shared_stagewise", "nonlinear")
    assert [stage.cost.parameters for stage in shared.stages] == [56, 56, 56]
    assert shared.cost.macs == cost.cost.macs


def test_expansion_is_passed_on():
    assert family_cost([4], 8, "m2o", "nonlinear", expansion=1).cost.parameters == 4 * (64 + 8 + 16)


@pytest.mark.parametrize(
    "family, maps", [("holistic", 2 * 1), ("m2o", 2 * 6), ("o2o_modelwise", 2 * 6)]
)
def test_bytes_of_the_guide(family, maps):
    assert family_cost([6], 8, family, "linear").guide_bytes == 4 * maps * 8 * 8


def test_bytes_of_other_guides():
    assert resampler_cost(create_resampler("maxpool_maxunpool"), [6], 8).guide_bytes == 8 * 6 * 16
    assert resampler_cost(create_resampler("avgpool_nearest"), [6], 8).guide_bytes == 0
    one_map = create_resampler("indexnet", normalisation="softmax", mode="linear")
    assert resampler_cost(one_map, [6], 8).guide_bytes == 4 * 6 * 8 * 8


@pytest.mark.parametrize("name", list_resamplers())
def test_every_pair_has_a_cost(name):
    resampler = create_resampler(name)
    cost = resampler_cost(resampler, [4, 8], 11)
    down = resampler.downsampling([4, 8])
    ups = [resampler.upsampling(down.out_channels[k], down.guide_channels[k]) for k in range(2)]
    expected = sum(p.numel() for m in (down, *ups) for p in m.parameters())
    assert cost.cost.parameters == expected
    assert [stage.size for stage in cost.stages] == [11, 6]


# --- the paper's tables --------------------------------------------------------------------------


def test_all_sixty_index_networks_are_there(rows):
    networks = [(r["table"], r["family"], r["mode"]) for r in rows if "family" in r]
    assert len(networks) == len(set(networks)) == 60
    assert all(("variant" in row) != ("family" in row) for row in rows)


def test_every_parameter_cell_is_the_papers(rows):
    assert all(row["agrees"]["params"] for row in rows if "family" in row)


def test_exactly_four_gflops_cells_are_not_the_papers(rows):
    """Table 10, modelwise and shared: the paper prints 1.02 where its own count gives 1.01."""
    misses = [r for r in rows if "family" in r and not r["agrees"]["gflops"]]
    assert {(r["table"], r["family"], r["mode"]) for r in misses} == {
        (10, family, mode) for family in SHARED for mode in ("linear", "nonlinear")
    }
    assert len(misses) == 4
    for row in misses:
        assert row["paper"]["gflops"] == 1.02 and f"{row['paper_gflops']:.2f}" == "1.01"


def test_the_only_baseline_that_disagrees_could_not_be_reproduced(rows):
    misses = [r for r in rows if "variant" in r and not all(r["agrees"].values())]
    assert [row["variant"] for row in misses] == ["B11-1.4"]


def test_rows_are_whole_networks_over_their_baseline(rows):
    base = {5: "B11", 7: "DnCNN-SegNet", 8: "SegNet", 10: "FastDepth-P-NNConv5"}
    for number, name in base.items():
        [baseline] = [r for r in rows if r["table"] == number and r.get("variant") == name]
        assert baseline["extra_params"] == 0
        for row in (r for r in rows if r["table"] == number):
            assert row["parameters"] - row["extra_params"] == baseline["parameters"]
            assert isinstance(row["extra_params"], int) and isinstance(row["macs"], int)
            assert row["baseline_source"] == ("counted" if number in (5, 7) else "notes")
            if row.get("family") in SHARED:
                assert row["macs"] > row["paper_gflops"] * GIGA
            elif "family" in row:
                assert row["macs"] == round(row["paper_gflops"] * GIGA)


def test_a_shared_networks_true_cost_is_the_unshared_ones(rows):
    macs = {(r["table"], r["family"], r["mode"]): r["macs"] for r in rows if "family" in r}
    for (number, family, mode), value in macs.items():
        if family in SHARED:
            assert value == macs[number, "o2o_unshared_stagewise", mode]


def test_the_best_matting_models_parameters(rows):
    """8.15M in the paper, 5.95M in the released code, whose hidden width is half."""
    [best] = [
        r for r in rows
        if (r["table"], r.get("family"), r.get("mode")) == (5, "m2o", "nonlinear_context")
    ]  # fmt: skip
    released = family_cost([32, 24, 32, 64, 160], 224, "m2o", "nonlinear_context", expansion=1)
    assert as_printed(best["parameters"], "8.15M") == "8.15M"
    released_total = best["parameters"] - best["extra_params"] + released.cost.parameters
    assert as_printed(released_total, "5.95M") == "5.95M"


def test_table_10_counts_depthwise_rows_on_both_bases(rows):
    for row in rows:
        depthwise = row["table"] == 10 and row.get("family", "holistic") != "holistic"
        assert ("depthwise_base" in row) == depthwise
        if depthwise:
            second = row["depthwise_base"]
            assert second["base_gflops"] == 1.3526
            difference = second["paper_gflops"] - row["paper_gflops"]
            assert difference == pytest.approx(1.3526 - 1.0129, abs=1e-9)


def test_a_tasks_own_network_replaces_the_notes():
    baseline = Baseline("ours", 1, 1.0, network=lambda: nn.Conv2d(3, 8, 3, padding=1, bias=False))
    assert baseline.source == "counted"
    macs = 3 * 8 * 9 * 224 * 224
    assert baseline.cost(in_channels=3) == Cost(3 * 8 * 9, macs, macs)


def test_denoising_baseline_layer_by_layer(rows):
    """DnCNN-SegNet is Sec. 6.2.1's layers, as docs/paper.md reads them."""
    layers = [  # in, out, size
        (1, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112),
        (128, 256, 56), (256, 256, 56), (256, 256, 56), (256, 512, 28), (512, 512, 28),
        (512, 256, 28), (256, 128, 56), (128, 128, 56), (128, 64, 112), (64, 64, 112),
        (64, 64, 224), (64, 64, 224), (64, 1, 224),
    ]  # fmt: skip
    assert len(layers) == 17
    macs = {r["variant"]: r["macs"] for r in rows if r["table"] == 7 and "variant" in r}
    assert macs["DnCNN-SegNet"] == sum(9 * i * o * size**2 for i, o, size in layers)
    saved = sum(9 * c**2 * (s**2 - (s // 2) ** 2) for c, s in ((64, 224), (128, 112), (256, 56)))
    assert macs["DnCNN-max-carafe"] - macs["DnCNN-conv-carafe"] == saved


def test_a_table_without_costs_is_refused(cli):
    refused = cli("complexity", "--table", "3")
    assert refused.returncode == 2
    assert "Table 3 has no costs to count; choose from 5, 7, 8, 10" in refused.stderr


@pytest.mark.parametrize(
    "value, like, printed",
    [
        (4992, "+4.99K", "+4.99K"),
        (25_088, "+25.1K", "+25.1K"),
        (16, "+16", "+16"),
        (1_297_792, "+1.30M", "+1.30M"),
        (3_753_259, "9.99M", "3.75M"),
        (4.1003, "4.10", "4.10"),
        (1.015, "1.02", "1.01"),  # the float lies below
        (2.5, "3", "3"),
    ],
)
def test_figures_are_written_as_the_paper_writes_them(value, like, printed):
    assert as_printed(value, like) == printed


def test_the_text_is_aligned_and_marks_what_disagrees():
    text = format_tables(*COST_TABLES)
    lines = text.split("\n")
    assert all(len(line) <= 100 for line in lines)
    marked = [line for line in lines if "≠" in line and "printed:" not in line]
    assert len(marked) == 5  # the four, and B11-1.4
    assert sum(line.startswith("Table ") for line in lines) == 5  # and the note on Table 10
    m2o = next(line for line in lines if line.startswith("m2o") and "nonlinear_context" in line)
    assert m2o.split()[2:] == ["+4,400,512", "+4.40M", "6.2988", "6.30", "6.2988"]
    assert "1.3526" in text and "1.3526" not in format_tables(COST_TABLES[2])
