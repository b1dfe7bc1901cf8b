"""Two dozen random calls of each family; ``python -m tests.conformance.fuzz`` makes as many as one likes."""

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
    assert list(failures(family, 3, range(24))) == []


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


@pytest.mark.parametrize("options", [{}, {"antialias": True}], ids=["plain", "antialiased"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("factors", [(1.2, 1.2), (1.2, 2.0)])
def test_an_axis_that_keeps_its_length_under_a_factor(mode, options, factors):
    if (mode == "nearest" and options) or (mode == "lanczos" and not options):
        pytest.skip("PyTorch has no such mode")
    x = np.random.default_rng(0).standard_normal((2, 3, 3, 4))
    mine, theirs = (
        lib.nn.functional.interpolate(lib.from_numpy(x), scale_factor=factors, mode=mode, **options).numpy()
        for lib in (handtorch, torch)
    )
    np.testing.assert_allclose(mine, theirs, atol=1e-12)
