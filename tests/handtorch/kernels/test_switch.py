"""The switch between twins and definitions, and the twins' own mathematics."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.special

from handtorch import kernels
from handtorch.errors import ArgumentError


def test_use_switches_for_a_block_and_back_even_after_an_error():
    assert kernels.enabled()
    with pytest.raises(KeyError), kernels.use("reference"):
        assert not kernels.enabled()
        with kernels.use("fast"):
            assert kernels.enabled()
        raise KeyError
    assert kernels.enabled()


def test_another_word_is_refused():
    with pytest.raises(ArgumentError, match="'fast' or 'reference'"), kernels.use("slow"):
        pass


def test_the_environment_switches_all_twins_off_and_numba_is_never_imported():
    code = (
        "import sys, handtorch as h, handtorch.nn.functional as F;"
        "F.gelu(h.randn(300, 300));"
        "print('numba' in sys.modules, h.kernels.enabled())"
    )
    for value, want in (("reference", "False False"), ("fast", "True True")):
        answer = subprocess.run(
            [sys.executable, "-c", code],
            env={"HANDTORCH_KERNELS": value, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
        )
        assert answer.stdout.strip() == want, answer.stderr


def test_small_networks_never_import_numba():
    code = (
        "import sys, handtorch as h; from handtorch import nn;"
        "m = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3));"
        "nn.CrossEntropyLoss()(m(h.randn(5, 4)), h.tensor([0, 1, 2, 0, 1])).backward();"
        "h.optim.AdamW(m.parameters()).step();"
        "print('numba' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "False", answer.stderr


@pytest.fixture(scope="module")
def mathematics():
    import numba

    from handtorch.kernels.compile import erf, exp

    @numba.njit
    def exps(x, y):
        for i in range(x.size):
            y[i] = exp(x[i])

    @numba.njit
    def erfs(x, y):
        for i in range(x.size):
            y[i] = erf(x[i])

    def on(loop):
        def call(x):
            y = np.empty_like(x)
            loop(x, y)
            return y

        return call

    return on(exps), on(erfs)


def test_vector_exp_is_right_to_two_units_in_the_last_place(mathematics):
    x = np.linspace(-87, 88, 2_000_001).astype(np.float32)
    want = np.exp(x.astype(np.float64))
    error = np.abs(mathematics[0](x) - want) / np.spacing(want.astype(np.float32))
    assert error.max() < 2


def test_vector_exp_keeps_infinities_and_nan(mathematics):
    x = np.array([-np.inf, -1000, 0, 1000, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(mathematics[0](x), np.exp(x.astype(np.float64)).astype(np.float32))


def test_vector_erf_is_right_to_a_few_units_in_the_last_place(mathematics):
    x = np.concatenate([np.linspace(-6, 6, 1_000_001), np.logspace(-30, 0, 1001)]).astype(np.float32)
    np.testing.assert_allclose(mathematics[1](x), scipy.special.erf(x.astype(np.float64)), rtol=5e-7)
    assert np.isnan(mathematics[1](np.array([np.nan], np.float32)))
