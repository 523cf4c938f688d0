"""What the matting networks cost, from the real modules: the paper's figures, and exact ones."""

from functools import cache

import pytest
import torch

from indexnet_edu.complexity import as_printed, count
from indexnet_edu.complexity.counter import Cost
from indexnet_edu.records.paper import paper_table
from indexnet_edu.tasks.matting.deep_matting import RefinementStage
from indexnet_edu.tasks.matting.segmentation_networks import DeepLabV3Plus
from tests.tasks.matting.networks import network


@cache
def cost(name: str, **settings: object) -> Cost:
    with torch.device("meta"):
        return count(network(name, **settings), torch.empty(1, 4, 224, 224))


# Table 4 prints no costs; these are the exact ones (docs/paper.md).
EXACT = {
    "b1": (6_149_443, 11.0944), "b2": (3_254_587, 1.4316),
    "b3": (130_545_345, 32.3387), "b4": (130_545_345, 32.3387),
    "b5": (2_520_939, 2.4088), "b6": (2_520_939, 2.4088), "b7": (3_097_259, 2.4312),
    "b8": (2_520_939, 2.4088), "b9": (3_097_259, 2.4312),
    "b10": (3_176_939, 4.0584), "b11": (3_753_259, 4.0808),
    "b11_1.4": (7_254_215, 7.6733), "b11_carafe": (4_062_047, 5.0083), "hmi": (3_753_259, 4.0808),
    "avgpool_nearest": (3_753_259, 4.0808), "conv_bilinear": (4_044_763, 4.2276),
    "s2d_d2s": (7_353_691, 3.6540),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_exact_costs(name: str) -> None:
    found = cost(name)
    assert (found.parameters, round(found.paper_gflops, 4)) == EXACT[name]


def test_exact_costs_of_other_settings() -> None:
    with torch.device("meta"):
        narrow = count(DeepLabV3Plus(kernel_size=3), torch.empty(1, 4, 224, 224))
    assert (narrow.parameters, round(narrow.paper_gflops, 4)) == (3_855_683, 4.3952)
    usual = [cost(name, pad_before_expansion=False) for name in ("b1", "b2", "b11")]
    assert [round(c.paper_gflops, 4) for c in usual[:2]] == [11.0206, 1.3990]
    assert round(usual[2].paper_gflops, 2) == 4.03
    with torch.device("meta"):
        images = torch.empty(1, 3, 224, 224), torch.empty(1, 1, 224, 224)
        stage = count(RefinementStage(), *images)
    assert (stage.parameters, round(stage.paper_gflops, 4)) == (76_801, 3.5799)
    refined = cost("deepmatting_refined")
    assert refined.parameters == EXACT["b3"][0] + stage.parameters


BASELINES = {
    "B3 (DeepMatting, VGG16)": "b3", "B11": "b11", "B11-carafe": "b11_carafe",
    "HMI (holistic max index)": "hmi",
}  # fmt: skip


#: But one that is not reproduced and one that is not printed.
REPRODUCED = [row for row in paper_table(5) if row.get("method") in BASELINES or "family" in row]


def test_how_many_rows_of_table_5_are_reproduced() -> None:
    assert len(paper_table(5)) - 2 == len(REPRODUCED) == 19


@pytest.mark.parametrize("row", REPRODUCED, ids=lambda r: r.get("method") or str(r["mode"]))
def test_the_costs_of_table_5_are_the_papers_to_the_printed_digit(row: dict) -> None:
    if "family" in row:
        found = cost(f"{row['family']}-{row['mode']}")
        added, printed = found.parameters - EXACT["b11"][0], row["extra_params_text"]
        assert as_printed(added, like=printed) == printed
    else:
        found = cost(BASELINES[row["method"]])
        assert as_printed(found.parameters, "3.75M") == f"{row['params'] / 1e6:.2f}M"
    assert as_printed(found.paper_gflops, "4.08") == f"{row['gflops']:.2f}"


def test_b11_1_4_is_known_not_to_come_out() -> None:
    (row,) = [row for row in paper_table(5) if row.get("method") == "B11-1.4"]
    found = cost("b11_1.4")
    assert found.parameters < row["params"] and found.paper_gflops > row["gflops"]
