"""Ten random calls of each family; ``python -m tests.conformance.fuzz`` makes as many as one likes."""

import numpy as np
import pytest
import torch

import handtorch
from tests.conformance.compare import Mismatch
from tests.conformance.fuzz.__main__ import failures
from tests.conformance.fuzz.draw import Call, Dice
from tests.conformance.fuzz.families import FAMILIES
from tests.conformance.fuzz.hold import hold


@pytest.mark.parametrize("family", list(FAMILIES))
def test_random_calls_agree_with_pytorch(family):
    assert list(failures(family, 3, range(10))) == []


def test_a_call_follows_from_its_seed():
    first, again, other = (str(FAMILIES["convolution"](Dice(seed))) for seed in (7, 7, 8))
    assert first == again != other


@pytest.mark.parametrize("kernel", [3, 30])  # a call that both take, and one that both refuse
def test_a_wrong_result_and_a_missing_error_are_found(monkeypatch, kernel):
    call = Call("nn.functional.avg_pool1d", (torch.arange(12.0).reshape(1, 12), kernel))
    hold(call, Dice(0))
    right = handtorch.nn.functional.avg_pool1d
    monkeypatch.setattr(handtorch.nn.functional, "avg_pool1d", lambda x, kernel: right(x, 3) + 0.01)
    with pytest.raises(Mismatch):
        hold(call, Dice(0))


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_a_picture_that_keeps_its_lengths_under_a_factor(mode):
    _agree(scale_factor=(1.2, 1.2), mode=mode)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_an_axis_that_keeps_its_length_under_a_factor_with_antialiasing(mode):
    _agree(scale_factor=(1.2, 2.0), mode=mode, antialias=True)


def _agree(**options):
    x = np.random.default_rng(0).standard_normal((2, 3, 3, 4))
    mine, theirs = (lib.nn.functional.interpolate(lib.from_numpy(x), **options).numpy() for lib in (handtorch, torch))
    np.testing.assert_allclose(mine, theirs, atol=1e-12)
