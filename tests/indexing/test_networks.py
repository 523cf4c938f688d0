"""The index blocks against the paper's own drawing of them: four columns, each with its own layers.

The oracle below follows Fig. 6 and 7 and Sec. 4.2 and 4.3 word by word: separate convolutions a
column, batch normalisation in each, slices folded into the batch where they share a function. It
takes its weights from the block under test.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from indexnet_edu.indexing import FAMILIES, MODES, columns_to_map, create_index_block
from indexnet_edu.indexing.networks import SharedSliceBatchNorm2d, SharedSliceConv2d

ALL = [(family, mode) for family in FAMILIES for mode in MODES]
SHARED = ("o2o_modelwise", "o2o_shared_stagewise")
#: Picks what belongs to one column from the leading dimension of a tensor of the block.
Pick = Callable[[Tensor], Tensor]


class Column(nn.Module):
    """One column: (conv, BN, activation,) conv, as in Fig. 7."""

    def __init__(
        self, first: nn.Conv2d, hidden: int, second: nn.Conv2d | None, activation: nn.Module
    ) -> None:
        super().__init__()
        self.first, self.second = first, second
        if second is not None:
            self.norm, self.activation = nn.BatchNorm2d(hidden), activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x if self.second is None else self.second(self.activation(self.norm(x)))


class PaperIndexBlock(nn.Module):
    """x (N, C, H, W) → logits (N, 1 or C, H, W), composed by periodic shuffling."""

    def __init__(self, channels, family, mode, expansion=2, activation=nn.ReLU) -> None:
        super().__init__()
        self.family = family
        kernel, padding = (4, 1) if mode == "nonlinear_context" else (2, 0)
        linear = mode == "linear"

        def column(inputs: int, hidden: int, outputs: int, groups: int) -> Column:
            first = nn.Conv2d(
                inputs, outputs if linear else hidden, kernel, 2, padding, groups=groups, bias=False
            )
            second = None if linear else nn.Conv2d(hidden, outputs, 1, groups=groups, bias=False)
            return Column(first, hidden, second, activation())

        c, e = channels, expansion
        sizes = {
            "holistic": (c, 2 * c, 4, 1),
            "m2o": (c, e * c, c, 1),
            "o2o_unshared_stagewise": (c, e * c, c, c),
        }.get(family, (1, e, 1, 1))
        self.columns = nn.ModuleList(
            column(*sizes) for _ in range(1 if family == "holistic" else 4)
        )

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        if self.family == "holistic":
            return F.pixel_shuffle(self.columns[0](x), 2)
        if self.family in SHARED:
            x = x.transpose(0, 1).reshape(c * n, 1, height, width)  # "C × H × W × 1"
        maps = [column(x) for column in self.columns]
        if self.family in SHARED:
            maps = [m.reshape(c, n, *m.shape[2:]).transpose(0, 1) for m in maps]
        return F.pixel_shuffle(torch.stack(maps, dim=2).flatten(1, 2), 2)


def picks(family: str, channels: int, expansion: int) -> list[tuple[Pick, Pick]]:
    """For each column: its share of the first layer's outputs and of the second's."""

    def slices(tensor: Tensor, groups: int, inner: int, p: int) -> Tensor:
        # Leading dimension (groups · 4 · inner): slice by slice, column by column.
        return tensor.reshape(groups, 4, inner, *tensor.shape[1:])[:, p].flatten(0, 1)

    if family == "holistic":
        return [(lambda t: t, lambda t: t)]
    groups = channels if family == "o2o_unshared_stagewise" else 1
    width = channels if family == "m2o" else 1

    def of_column(p: int) -> tuple[Pick, Pick]:
        return (
            lambda t: slices(t, groups, t.shape[0] // (4 * groups), p),
            lambda t: slices(t, groups, width, p),
        )

    return [of_column(p) for p in range(4)]


def pairs_of_tensors(
    block: nn.Module, oracle: PaperIndexBlock, channels: int, expansion: int
) -> list[tuple[Tensor, Tensor, Pick]]:
    """(tensor of the oracle, tensor of the block, which part of the latter it is)."""
    result = []
    for column, (hidden, output) in zip(
        oracle.columns, picks(oracle.family, channels, expansion), strict=True
    ):
        result.append((column.first.weight, block.layers[0].weight, hidden))
        if column.second is not None:
            norm = block.layers[1]
            for name in ("weight", "bias", "running_mean", "running_var"):
                result.append((getattr(column.norm, name), getattr(norm, name), hidden))
            result.append((column.second.weight, block.layers[3].weight, output))
    return result


def twins(family, mode, channels=3, expansion=2, activation="relu"):
    torch.manual_seed(len(family) + len(mode))
    block = create_index_block(channels, family, mode, expansion, activation).double()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):  # nothing may hide behind 1 and 0
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
    kind = {"relu": nn.ReLU, "relu6": nn.ReLU6}[activation]
    oracle = PaperIndexBlock(channels, family, mode, expansion, kind).double()
    pairs = pairs_of_tensors(block, oracle, channels, expansion)
    with torch.no_grad():
        for theirs, ours, pick in pairs:
            theirs.copy_(pick(ours))
    return block, oracle, pairs


def assert_twins(block, oracle, pairs, x):
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    out, expected = columns_to_map(block(ours)), oracle(theirs)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-10)
    weight = torch.randn_like(expected)
    (out * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-10)
    for of_oracle, of_block, pick in pairs:
        torch.testing.assert_close(pick(of_block.data), of_oracle.data, rtol=0, atol=1e-10)
        if of_block.requires_grad:
            torch.testing.assert_close(pick(of_block.grad), of_oracle.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("family, mode", ALL)
def test_block_is_the_papers(family, mode, training):
    """Outputs, gradients of input and weights, and in training the running statistics."""
    block, oracle, pairs = twins(family, mode)
    x = torch.randn(2, 3, 6, 4, dtype=torch.float64)
    assert_twins(block.train(training), oracle.train(training), pairs, x)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("expansion, activation", [(1, "relu6"), (3, "relu")])
def test_other_expansions_and_activations(family, expansion, activation):
    block, oracle, pairs = twins(family, "nonlinear_context", 2, expansion, activation)
    x = 8 * torch.randn(2, 2, 4, 4, dtype=torch.float64)  # far enough for relu6 to clip
    assert_twins(block, oracle, pairs, x)


@pytest.mark.parametrize("family, mode", ALL)
def test_gradcheck(family, mode):
    torch.manual_seed(0)
    block = create_index_block(2, family, mode).double()
    names = [name for name, _ in block.named_parameters()]
    weights = [p.detach().clone().requires_grad_() for p in block.parameters()]
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        return functional_call(block, dict(zip(names, weights, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *weights), fast_mode=True)


@settings(max_examples=20, deadline=None)
@given(c=st.integers(1, 9), n=st.integers(1, 3), h=st.integers(1, 4), w=st.integers(1, 4))
def test_parameters_and_shapes(c, n, h, w):
    formulas = {
        "holistic": lambda k2: (4 * k2 * c, 2 * k2 * c**2 + 12 * c),
        "m2o": lambda k2: (4 * k2 * c**2, 4 * (2 * k2 * c**2 + 4 * c + 2 * c**2)),
        "o2o_unshared_stagewise": lambda k2: (4 * k2 * c, 4 * c * (2 * k2 + 6)),
        "o2o_shared_stagewise": lambda k2: (4 * k2, 4 * (2 * k2 + 6)),
        "o2o_modelwise": lambda k2: (4 * k2, 4 * (2 * k2 + 6)),
    }
    for family, mode in ALL:
        with torch.device("meta"):
            block = create_index_block(c, family, mode)
            columns = block.eval()(torch.empty(n, c, 2 * h, 2 * w))
        linear, nonlinear = formulas[family](16 if mode == "nonlinear_context" else 4)
        expected = linear if mode == "linear" else nonlinear
        assert sum(p.numel() for p in block.parameters()) == expected
        assert columns.shape == (n, 4, 1 if family == "holistic" else c, h, w)


@pytest.mark.parametrize("family", ("o2o_unshared_stagewise", "m2o"))
def test_expansion_one_is_the_released_code(family):
    """The hidden width is C instead of 2C; holistic blocks keep 2C, see Table 5's best model."""
    c, k2 = 6, 16
    block = create_index_block(c, family, "nonlinear_context", expansion=1)
    expected = 4 * c * (k2 + 3) if family.startswith("o2o") else 4 * (k2 * c**2 + 2 * c + c**2)
    assert sum(p.numel() for p in block.parameters()) == expected
    holistic = [create_index_block(c, "holistic", "nonlinear", expansion=e) for e in (1, 2)]
    assert len({sum(p.numel() for p in block.parameters()) for block in holistic}) == 1


def test_no_convolution_has_a_bias():
    for family, mode in ALL:
        for module in create_index_block(4, family, mode).modules():
            assert getattr(module, "bias", None) is None or isinstance(module, nn.BatchNorm2d)


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_who_looks_at_whom(family):
    """An O2O index depends on its own channel only, an M2O index on all (Sec. 4.1)."""
    torch.manual_seed(0)
    block = create_index_block(4, family, "linear")
    x = torch.randn(1, 4, 4, 4, requires_grad=True)
    block(x)[:, :, 1].sum().backward()
    reached = x.grad.abs().amax(dim=(0, 2, 3)) > 0
    assert reached.tolist() == ([True] * 4 if family == "m2o" else [False, True, False, False])


def test_a_shared_block_fits_any_number_of_channels():
    block = create_index_block(4, "o2o_modelwise")
    for channels in (1, 3, 32):
        assert block(torch.randn(2, channels, 4, 4)).shape == (2, 4, channels, 2, 2)


def test_shared_slices_equal_slices_in_the_batch():
    """The building stones of the shared blocks, with slices of two channels."""
    torch.manual_seed(0)
    conv = SharedSliceConv2d(2, 6, kernel_size=3, stride=2, padding=1, groups=2).double()
    norm = SharedSliceBatchNorm2d(6).double()
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    in_batch = F.conv2d(x.reshape(8, 2, 5, 5), conv.weight, stride=2, padding=1, groups=2)
    y = conv(x)
    torch.testing.assert_close(y.reshape(in_batch.shape), in_batch, rtol=0, atol=1e-12)
    plain = nn.BatchNorm2d(6).double()
    torch.testing.assert_close(norm(y).reshape(in_batch.shape), plain(in_batch), rtol=0, atol=1e-12)
    torch.testing.assert_close(norm.running_var, plain.running_var, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "options, names",
    [
        ({"family": "o3o"}, FAMILIES),
        ({"mode": "cubic"}, MODES),
        ({"activation": "tanh"}, ("relu", "relu6")),
    ],
)
def test_unknown_names_list_the_known(options, names):
    with pytest.raises(ValueError) as error:
        create_index_block(4, **options)
    message = str(error.value)
    assert all(value in message for value in options.values())
    assert all(name in message for name in names)


@pytest.mark.parametrize("options", [{"channels": 0}, {"channels": 4, "expansion": 0}])
def test_widths_are_checked(options):
    with pytest.raises(ValueError, match="at least 1"):
        create_index_block(**options)
