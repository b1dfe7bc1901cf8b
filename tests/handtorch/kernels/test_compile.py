"""The functions of one number that kernels share, against Python's own."""

import math

import numpy as np
import pytest

from handtorch.kernels.compile import exp, expm1, kernel, tanh


@kernel
def exp_of(x, y):
    for i in range(x.size):
        y[i] = exp(x[i])


@kernel
def expm1_of(x, y):
    for i in range(x.size):
        y[i] = expm1(x[i])


@kernel
def tanh_of(x, y):
    for i in range(x.size):
        y[i] = tanh(x[i])


def distance(got, want):
    """The largest distance in units in the last place."""
    return float(np.max(np.abs(got.astype(np.longdouble) - want) / np.spacing(np.abs(want.astype(got.dtype)))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_is_within_two_units_in_the_last_place(dtype):
    bound = 87 if dtype == np.float32 else 708
    x = np.linspace(-bound, bound, 20001).astype(dtype)
    y = np.empty_like(x)
    exp_of(x, y)
    assert distance(y, np.exp(x.astype(np.longdouble))) < 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_meets_zero_infinity_and_nan(dtype):
    x = np.array([-np.inf, -1e30, 0, 1e30, np.inf, np.nan], dtype)
    y = np.empty_like(x)
    exp_of(x, y)
    np.testing.assert_array_equal(y, [0, 0, 1, np.inf, np.inf, np.nan])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_expm1_keeps_its_digits_near_zero_and_meets_exp_where_its_series_ends(dtype):
    x = np.concatenate([np.logspace(-30, 1, 500), -np.logspace(-30, 1, 500), np.linspace(-0.36, 0.36, 999)]).astype(
        dtype
    )
    y = np.empty_like(x)
    expm1_of(x, y)
    assert distance(y, np.array([math.expm1(v) for v in x.astype(float)])) < 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_keeps_its_digits_near_zero_and_up_to_where_it_is_one(dtype):
    x = np.concatenate([np.logspace(-30, 1.3, 500), -np.logspace(-30, 1.3, 500), np.linspace(-20, 20, 20001)])
    x = x.astype(dtype)
    y = np.empty_like(x)
    tanh_of(x, y)
    assert distance(y, np.tanh(x.astype(np.longdouble))) < 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_meets_its_limits_and_nan(dtype):
    x = np.array([-np.inf, -1e30, 0, 1e30, np.inf, np.nan], dtype)
    y = np.empty_like(x)
    tanh_of(x, y)
    np.testing.assert_array_equal(y, [-1, -1, 0, 1, 1, np.nan])
