"""Pairs by one word."""

import pytest

from indexnet_edu.indexing import FAMILIES, MODES
from indexnet_edu.resampling import create_resampler, list_resamplers, named_resampler


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("mode", MODES)
def test_family_and_mode_name_an_indexnet(family, mode):
    expected = create_resampler("indexnet", family=family, mode=mode)
    assert named_resampler(f"{family}-{mode}") == expected


@pytest.mark.parametrize("name", list_resamplers())
def test_a_registered_name_is_a_pair_with_its_defaults(name):
    assert named_resampler(name) == create_resampler(name)


@pytest.mark.parametrize("name", ["", "m2o", "m2o-cubic", "o3o-linear", "m2o-linear-linear"])
def test_anything_else_lists_what_there_is(name):
    with pytest.raises(ValueError, match=r"maxpool_maxunpool.*o2o_modelwise.*nonlinear_context"):
        named_resampler(name)
