"""Windows agree with SciPy's, symmetric and periodic, under both of their names."""

import numpy as np
import pytest
import scipy.signal.windows as scipys

import handtorch
from handtorch.errors import ArgumentError, DeviceError, DtypeError, ShapeError
from handtorch.signal import windows

PLAIN = ["bartlett", "blackman", "cosine", "hamming", "hann", "nuttall"]
WITH_SETTINGS = [
    ("exponential", {"tau": 3.0}, {"tau": 3.0}),
    ("exponential", {"tau": 2.0, "center": 1.5, "sym": False}, {"tau": 2.0, "center": 1.5, "sym": False}),
    ("gaussian", {"std": 2.5}, {"std": 2.5}),
    ("general_cosine", {"a": [0.4, 0.3, 0.2, 0.1]}, {"a": [0.4, 0.3, 0.2, 0.1]}),
    ("general_hamming", {"alpha": 0.7}, {"alpha": 0.7}),
    ("kaiser", {"beta": 8.0}, {"beta": 8.0}),
]


@pytest.mark.parametrize("M", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize("name", PLAIN)
def test_plain_windows_agree_with_scipy(name, sym, M):
    got = getattr(windows, name)(M, sym=sym, dtype=handtorch.float64)
    np.testing.assert_allclose(got.array, getattr(scipys, name)(M, sym=sym), atol=1e-15)


@pytest.mark.parametrize("M", [5, 8])
@pytest.mark.parametrize(("name", "ours", "theirs"), WITH_SETTINGS)
def test_windows_with_settings_agree_with_scipy(name, ours, theirs, M):
    got = getattr(windows, name)(M, **ours, dtype=handtorch.float64)
    np.testing.assert_allclose(got.array, getattr(scipys, name)(M, **theirs), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hann", "kaiser"])
def test_older_names_are_periodic_unless_asked_otherwise(name):
    settings = {"beta": 12.0} if name == "kaiser" else {}
    older = getattr(handtorch, f"{name}_window")
    for periodic in (True, False):
        got = older(9, periodic, dtype=handtorch.float64)
        want = getattr(scipys, name)(9, sym=not periodic, **settings)
        np.testing.assert_allclose(got.array, want, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(older(9).array, older(9, periodic=True).array)
    assert older(1).tolist() == [1.0]
    assert older(0).shape == (0,)


def test_hamming_window_takes_both_coefficients():
    n = np.arange(6)
    got = handtorch.hamming_window(6, True, 0.7, 0.2, dtype=handtorch.float64)
    np.testing.assert_allclose(got.array, 0.7 - 0.2 * np.cos(2 * np.pi * n / 6), rtol=1e-14)


def test_type_and_gradient_are_as_asked():
    assert windows.hann(4).dtype == handtorch.float32
    assert handtorch.hann_window(4, dtype=handtorch.float16).dtype == handtorch.float16
    assert windows.hann(4, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: windows.hann(-1), ArgumentError),
        (lambda: windows.hann(4, dtype=handtorch.float16), ArgumentError),
        (lambda: windows.hann(4, dtype=handtorch.bfloat16), ArgumentError),
        (lambda: windows.hann(4, layout=handtorch.sparse_coo), ArgumentError),
        (lambda: windows.hann(4, device="cuda"), DeviceError),
        (lambda: windows.general_cosine(4, a=[]), ArgumentError),
        (lambda: windows.general_cosine(4, a=0.5), TypeError),
        (lambda: windows.gaussian(4, std=0), ArgumentError),
        (lambda: windows.exponential(4, tau=0), ArgumentError),
        (lambda: windows.exponential(4, center=1.0), ArgumentError),
        (lambda: windows.kaiser(4, beta=-1), ArgumentError),
        (lambda: handtorch.hann_window(-1), ShapeError),
        (lambda: handtorch.hann_window(4, dtype=handtorch.int64), DtypeError),
        (lambda: handtorch.hann_window(4, dtype=handtorch.bfloat16), DtypeError),
        (lambda: handtorch.zeros(2, layout=handtorch.sparse_coo), ArgumentError),
    ],
)
def test_what_no_window_can_be_is_refused(call, error):
    with pytest.raises(error):
        call()
