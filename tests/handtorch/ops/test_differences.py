"""Differences, derivatives and integrals of samples, against NumPy's and SciPy's."""

import numpy as np
import pytest
from scipy import integrate

import handtorch
from handtorch import from_numpy
from handtorch.errors import DtypeError, RangeError, ShapeError

X = np.random.default_rng(0).standard_normal((4, 5))


@pytest.mark.parametrize("n", [0, 1, 2, 9])
@pytest.mark.parametrize("dim", [0, 1])
def test_diff_is_numpys(n, dim):
    np.testing.assert_allclose(from_numpy(X).diff(n, dim).array, np.diff(X, n, dim)[: max(X.shape)])


def test_diff_puts_before_and_behind_and_compares_booleans():
    got = from_numpy(X).diff(dim=0, prepend=from_numpy(X[:1]), append=from_numpy(X))
    np.testing.assert_allclose(got.array, np.diff(X, axis=0, prepend=X[:1], append=X))
    assert handtorch.tensor([True, True, False]).diff().tolist() == [False, True]
    with pytest.raises(ShapeError, match="one-dimensional"):
        handtorch.tensor(1.0).diff()
    with pytest.raises(RangeError, match="non-negative"):
        from_numpy(X).diff(-1)


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize(
    "spacing", [None, 0.5, [2.0, 3.0], [np.array([0, 1, 4, 5.0]), np.array([0, 0.1, 0.2, 0.6, 1])]]
)
def test_gradient_is_numpys(spacing, edge_order):
    numpys = [] if spacing is None else spacing if isinstance(spacing, list) else [spacing]
    ours = [from_numpy(s) if isinstance(s, np.ndarray) else s for s in spacing] if numpys is spacing else spacing
    got = handtorch.gradient(from_numpy(X), spacing=ours, edge_order=edge_order)
    for mine, theirs in zip(got, np.gradient(X, *numpys, edge_order=edge_order), strict=True):
        np.testing.assert_allclose(mine.array, theirs)


def test_gradient_of_chosen_axes_and_what_it_refuses():
    (got,) = handtorch.gradient(from_numpy(X), dim=1)
    np.testing.assert_allclose(got.array, np.gradient(X, axis=1))
    with pytest.raises(ShapeError, match="list of length 2"):
        handtorch.gradient(from_numpy(X), spacing=[1.0])
    with pytest.raises(ShapeError, match="edge_order"):
        handtorch.gradient(handtorch.zeros(2), edge_order=2)
    with pytest.raises(RangeError, match="edge_order"):
        handtorch.gradient(from_numpy(X), edge_order=3)
    with pytest.raises(DtypeError, match="uint8"):
        handtorch.gradient(handtorch.zeros(4, dtype=handtorch.uint8))


@pytest.mark.parametrize("dim", [0, 1])
def test_integrals_are_scipys(dim):
    x = np.cumsum(np.abs(X), dim)
    places = np.sort(np.random.default_rng(1).standard_normal(X.shape[dim]))
    for where in (x, places):
        np.testing.assert_allclose(
            handtorch.trapezoid(from_numpy(X), from_numpy(where), dim=dim).array,
            integrate.trapezoid(X, where, axis=dim),
        )
        np.testing.assert_allclose(
            handtorch.cumulative_trapezoid(from_numpy(X), from_numpy(where), dim=dim).array,
            integrate.cumulative_trapezoid(X, where, axis=dim),
        )
    np.testing.assert_allclose(handtorch.trapz(from_numpy(X), dx=0.3).array, integrate.trapezoid(X, dx=0.3))


def test_integrals_refuse_booleans_and_other_lengths():
    with pytest.raises(DtypeError, match="bool"):
        handtorch.trapezoid(handtorch.tensor([True, False]))
    with pytest.raises(ShapeError, match="each sample point"):
        handtorch.trapezoid(from_numpy(X), handtorch.zeros(3))
