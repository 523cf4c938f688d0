"""The network of Sec. 5.3 with every pair: sizes, widths and parameter counts."""

import pytest
import torch

from indexnet_edu.engine import Recipe
from indexnet_edu.records.paper import paper_table
from indexnet_edu.resampling import create_resampler, list_resamplers
from indexnet_edu.tasks import TASKS, get_task
from indexnet_edu.tasks.reconstruction.model import ReconstructionNet

TASK = get_task("reconstruction")

# Worked out by hand: nine 3×3 convolutions with BN, the head's bias, and what the pair adds.
PARAMETERS = {
    "avgpool_nearest": 776_129,
    "conv_bilinear": 970_113,
    "s2d_d2s": 1_868_009,
    "conv_deconv": 1_314_177,
    "conv_carafe": 1_157_741,
    "maxpool_maxunpool": 776_129,
    "indexed_o2o_modelwise": 776_129 + 152,
    "indexed_holistic": 776_129 + sum(32 * c * c + 12 * c for c in (32, 64, 128)),
    "indexed_m2o": 776_129 + sum(4 * (32 * c * c + 4 * c + 2 * c * c) for c in (32, 64, 128)),
}


def test_all_rows_of_table_3_and_the_control() -> None:
    printed = [row["method"] for row in paper_table(3)]
    assert list(TASK.variants) == [*printed, "indexed_bilinear"]


@pytest.mark.parametrize("variant", PARAMETERS)
def test_parameters(variant: str) -> None:
    with torch.device("meta"):
        model = TASK.build_model(TASK.variant(variant), TASK.profile("smoke"))
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[variant]


def test_a_stride_inside_the_encoders_convolutions_needs_fewer() -> None:
    resampler = create_resampler("conv_carafe", own_convolution=False)
    model = ReconstructionNet(resampler)
    assert sum(p.numel() for p in model.parameters()) == 963_757
    x = torch.rand(2, 1, 32, 32)
    assert model(x).shape == x.shape


@pytest.mark.parametrize("name", list(list_resamplers()))
@pytest.mark.parametrize("size", [(32, 32), (28, 28), (9, 13), (31, 17)])
def test_any_pair_at_any_size_gives_the_size_back(name: str, size: tuple[int, int]) -> None:
    model = ReconstructionNet(create_resampler(name), widths=(4, 8, 16)).eval()
    x = torch.rand(1, 1, *size)
    y = model(x)
    assert y.shape == x.shape and y.isfinite().all()


@pytest.mark.parametrize("name", list(list_resamplers()))
def test_every_parameter_learns(name: str) -> None:
    model = ReconstructionNet(create_resampler(name), widths=(4, 8, 16))
    model(torch.rand(2, 1, 32, 32)).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_an_image_too_small_to_halve_three_times_is_refused() -> None:
    model = ReconstructionNet(create_resampler("maxpool_maxunpool"))
    with pytest.raises(ValueError, match="cannot halve a 1×1 feature map"):
        model.eval()(torch.rand(1, 1, 2, 2))


def test_the_gpu_profile_is_the_papers_schedule() -> None:
    recipe: Recipe = TASK.profile("gpu")
    assert (recipe.epochs, recipe.batch_size, recipe.lr) == (100, 100, 0.01)
    assert [round(f * recipe.epochs) for f in recipe.lr_drops] == [50, 70, 85]
    assert recipe.train_images is None and recipe.test_images is None and recipe.data == "real"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_the_three_profiles(name: str) -> None:
    for network in get_task(name).networks.values():
        assert list(network.profiles) == ["smoke", "cpu", "gpu"]
