"""Quantiles and covariances against NumPy's, medians and modes at the edges."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy
from handtorch.autograd import gradcheck
from handtorch.errors import DtypeError, RangeError, ShapeError

X = np.random.default_rng(0).standard_normal((3, 4, 5))
HOLES = np.where(X > 0.9, np.nan, X)
Q = np.array([0.0, 0.25, 0.6, 1.0])


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [None, 0, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_quantiles_are_numpys(interpolation, dim, keepdim):
    for name, x in (("quantile", X), ("quantile", HOLES), ("nanquantile", HOLES)):
        for q in (0.3, Q):
            ours = from_numpy(q) if isinstance(q, np.ndarray) else q
            got = getattr(handtorch, name)(from_numpy(x), ours, dim, keepdim, interpolation=interpolation)
            want = getattr(np, name)(x, q, axis=dim, keepdims=keepdim, method=interpolation)
            np.testing.assert_allclose(got.array, want)


def test_quantiles_have_gradients_by_the_numbers_and_by_q():
    q = handtorch.tensor([0.2, 0.7], dtype=handtorch.float64, requires_grad=True)
    gradcheck(lambda x, q: handtorch.quantile(x, q, 1), (from_numpy(X.copy()).requires_grad_(), q))


def test_quantiles_refuse_what_they_cannot_answer():
    x = from_numpy(X)
    for call, kind in (
        (lambda: x.quantile(1.5), RangeError),
        (lambda: x.quantile(0.5, interpolation="cubic"), RangeError),
        (lambda: x.quantile(from_numpy(X)), ShapeError),
        (lambda: x.quantile(handtorch.tensor([0.5])), DtypeError),
        (lambda: handtorch.tensor([1, 2]).quantile(0.5), DtypeError),
        (lambda: handtorch.zeros(0).quantile(0.5), ShapeError),
    ):
        with pytest.raises(kind):
            call()


def test_the_median_of_an_even_number_is_the_smaller_of_the_two_in_the_middle():
    assert handtorch.tensor([4.0, 1.0, 3.0, 2.0]).median().item() == 2.0
    values, indices = handtorch.tensor([[4, 1, 3, 2], [0, 0, 9, 9]]).median(1)
    assert (values.tolist(), indices.tolist()[0]) == ([2, 0], 3)


def test_nan_is_the_median_unless_it_is_skipped():
    x = handtorch.tensor([5.0, float("nan"), 1.0])
    assert np.isnan(x.median().item()) and x.median(0).indices.item() == 1
    assert x.nanmedian().item() == 1.0 and x.nanmedian(0).indices.item() == 2
    assert np.isnan(handtorch.zeros(0).median().item())


def test_the_mode_of_equally_frequent_numbers_is_the_smallest():
    assert tuple(v.item() for v in handtorch.tensor([3, 1, 3, 1, 2]).mode()) == (1, 3)


def test_covariances_are_numpys():
    x = X[0]
    times, weights = np.array([1, 2, 0, 3, 1]), np.array([0.5, 1, 2, 0.1, 1])
    for options in ({}, {"fweights": times}, {"aweights": weights}, {"fweights": times, "aweights": weights}):
        for correction in (0, 1):
            ours = {name: from_numpy(value) for name, value in options.items()}
            got = from_numpy(x).cov(correction=correction, **ours)
            np.testing.assert_allclose(got.array, np.cov(x, ddof=correction, **options))
    np.testing.assert_allclose(from_numpy(x).corrcoef().array, np.corrcoef(x))
    np.testing.assert_allclose(from_numpy(x + 1j * x[::-1]).corrcoef().array, np.corrcoef(x + 1j * x[::-1]))
    assert from_numpy(x[0]).cov().item() == pytest.approx(np.cov(x[0]))


def test_covariances_refuse_wrong_weights():
    x = from_numpy(X[0])
    with pytest.raises(ShapeError, match="two or fewer"):
        from_numpy(X).cov()
    with pytest.raises(DtypeError, match="integral"):
        x.cov(fweights=handtorch.ones(5))
    with pytest.raises(ShapeError, match="5 elements"):
        x.cov(aweights=handtorch.ones(4))
    with pytest.raises(RangeError, match="negative"):
        x.cov(aweights=-handtorch.ones(5))
    with pytest.raises(RangeError, match="zero"):
        x.cov(aweights=handtorch.zeros(5))
