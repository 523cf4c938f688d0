"""DnCNN and DnCNN-SegNet with every pair: the paper's costs, sizes, widths."""

import pytest
import torch
from torch import nn

from indexnet_edu.complexity import as_printed, count
from indexnet_edu.errors import UsageError
from indexnet_edu.records import paper_table
from indexnet_edu.resampling import create_resampler, list_resamplers
from indexnet_edu.tasks import get_task
from indexnet_edu.tasks.denoising.model import DnCNN, DnCNNSegNet
from indexnet_edu.tasks.denoising.recipe import DenoisingRecipe

TASK = get_task("denoising")
ROWS = {TASK.tables[0].variant_of(row): row for row in paper_table(7)}

# Nothing but 3×3 convolutions and BN; CARAFE adds 64C + 57,764 a module.
PARAMETERS = {
    "dncnn": 556_032,
    "dncnn_segnet": 7_087_873,
    "dncnn_max_carafe": 7_289_837,
    "dncnn_avg_carafe": 7_289_837,
    "dncnn_conv_carafe": 7_289_837,
}


def network(variant: str, width: float = 1.0) -> nn.Module:
    return TASK.build_model(TASK.variant(variant), DenoisingRecipe(width=width))


def test_all_twenty_rows_of_table_7() -> None:
    assert list(TASK.variants) == list(ROWS) and len(ROWS) == 20


@pytest.mark.parametrize("variant", ROWS)
def test_the_costs_are_the_papers_to_the_printed_digit(variant: str) -> None:
    row, image = ROWS[variant], torch.empty(1, 1, 224, 224, device="meta")
    with torch.device("meta"):
        cost = count(network(variant), image)
    if variant in PARAMETERS:
        assert cost.parameters == PARAMETERS[variant]
        assert as_printed(cost.parameters, "7.09M") == f"{row['params'] / 1e6:.2f}M"
    else:
        added = cost.parameters - PARAMETERS["dncnn_segnet"]
        assert as_printed(added, row["extra_params_text"]) == row["extra_params_text"]
    assert as_printed(cost.paper_gflops, "18.14") == f"{row['gflops']:.2f}"


@pytest.mark.parametrize("name", list(list_resamplers()))
@pytest.mark.parametrize("size", [(40, 40), (41, 23), (5, 16)])
def test_any_pair_at_any_size_gives_the_size_back(name: str, size: tuple[int, int]) -> None:
    model = DnCNNSegNet(create_resampler(name), widths=(4, 8, 16)).eval()
    x = torch.rand(2, 1, *size)
    y = model(x)
    assert y.shape == x.shape and y.isfinite().all()


def test_a_stride_inside_the_encoders_convolutions() -> None:
    model = DnCNNSegNet(create_resampler("conv_carafe", own_convolution=False), widths=(4, 8, 16))
    x = torch.rand(1, 1, 41, 23)
    assert model.eval()(x).shape == x.shape


def test_odd_sizes_are_mirrored_below_and_to_the_right() -> None:
    model = DnCNNSegNet(create_resampler("maxpool_maxunpool"), widths=(4, 4, 4)).eval()
    x = torch.rand(1, 1, 21, 18)
    rows = [*range(21), 19, 18, 17]
    columns = [*range(18), 16, 15, 14, 13, 12, 11]
    mirrored = x[:, :, rows][..., columns]
    assert mirrored.shape[-2:] == (24, 24)
    torch.testing.assert_close(model(x), model(mirrored)[..., :21, :18])


@pytest.mark.parametrize("variant", ["dncnn", "dncnn_segnet", "s2d_d2s", "m2o-linear"])
def test_every_parameter_learns(variant: str) -> None:
    model = network(variant, width=1 / 16)
    model(torch.rand(2, 1, 16, 16)).square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("variant", ["dncnn", "dncnn_segnet"])
def test_a_network_that_predicts_no_noise_gives_its_input(variant: str) -> None:
    model, x = network(variant, width=1 / 16), torch.rand(1, 1, 19, 24)
    last = model.body[-1] if isinstance(model, DnCNN) else model.head
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(model(x), x)


def test_weights_begin_as_he_et_al_say() -> None:
    torch.manual_seed(0)
    model = network("dncnn_segnet", width=0.5)
    conv = model.bottleneck[1][0]  # 256 → 256
    assert float(conv.weight.detach().std()) == pytest.approx((2 / (9 * 256)) ** 0.5, rel=0.02)
    assert not conv.bias.any()


@pytest.mark.parametrize(
    "width, channels", [(1.0, [64, 128, 256]), (0.25, [16, 32, 64]), (0.1, [8, 12, 24])]
)
def test_width_is_a_share_of_the_papers_channels(width: float, channels: list[int]) -> None:
    with torch.device("meta"):
        assert network("dncnn_segnet", width).down.channels == channels
        assert network("dncnn", width).body[0].out_channels == channels[0]


def test_the_gpu_profile_is_the_papers_schedule() -> None:
    recipe = TASK.profile("gpu")
    assert (recipe.epochs, recipe.batch_size, recipe.lr, recipe.width) == (60, 128, 1e-3, 1.0)
    assert [round(f * recipe.epochs) for f in recipe.lr_drops] == [45, 55]
    assert recipe.train_images is recipe.train_patches is recipe.test_images is None
    assert recipe.data == "real" and recipe.sigma == 25 and recipe.precision == "float32"


@pytest.mark.parametrize(
    "change", [{"sigma": 0}, {"width": -1.0}, {"train_patches": 0}, {"eval_batch_size": 2}]
)
def test_settings_that_make_no_sense_are_refused(change: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        DenoisingRecipe(**change)
