"""Counting in bins, against NumPy's."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy
from handtorch.errors import DtypeError, RangeError, ShapeError

X = np.random.default_rng(0).standard_normal((50, 3))
WEIGHTS = np.random.default_rng(1).uniform(size=50)


def test_bincount_counts_or_adds_weights():
    x = np.array([1, 4, 1, 0])
    assert handtorch.tensor(x).bincount(minlength=7).tolist() == np.bincount(x, minlength=7).tolist()
    weighted = handtorch.bincount(handtorch.tensor(x), handtorch.tensor([1.0, 2.0, 4.0, 8.0]))
    assert weighted.tolist() == [8.0, 5.0, 0.0, 0.0, 2.0] and weighted.dtype is handtorch.float32
    for wrong in ([-1, 2], [[1]], [1.0]):
        with pytest.raises(ShapeError, match="non-negative integral"):
            handtorch.tensor(wrong).bincount()


@pytest.mark.parametrize("limits", [(0, 0), (-1, 1), (0.5, 0.5)])
def test_histc_counts_what_lies_between_the_limits(limits):
    low, high = limits if limits[0] < limits[1] else (X.min(), X.max())
    got = from_numpy(X).histc(7, *limits)
    np.testing.assert_array_equal(got.array, np.histogram(X, 7, (low, high))[0])
    assert got.dtype is handtorch.float64


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("bins", [5, np.array([-1.0, 0, 0.1, 3])])
def test_histogram_is_numpys(bins, density):
    x = X[:, 0]
    ours = from_numpy(bins) if isinstance(bins, np.ndarray) else bins
    got = from_numpy(x).histogram(ours, weight=from_numpy(WEIGHTS), density=density)
    hist, edges = np.histogram(x, bins, weights=WEIGHTS, density=density)
    np.testing.assert_allclose(got.hist.array, hist)
    np.testing.assert_allclose(got.bin_edges.array, edges)


@pytest.mark.parametrize("density", [False, True])
def test_histogramdd_is_numpys(density):
    got = handtorch.histogramdd(
        from_numpy(X), [2, 3, 4], [-1.0, 1, -2, 2, 0, 3], weight=from_numpy(WEIGHTS), density=density
    )
    hist, edges = np.histogramdd(X, [2, 3, 4], [(-1, 1), (-2, 2), (0, 3)], weights=WEIGHTS, density=density)
    np.testing.assert_allclose(got.hist.array, hist)
    for mine, theirs in zip(got.bin_edges, edges, strict=True):
        np.testing.assert_allclose(mine.array, theirs)


def test_numbers_on_an_inner_edge_belong_to_the_upper_bin_and_on_the_last_to_the_last():
    x = handtorch.tensor([0.0, 1.0, 2.0])
    assert x.histogram(handtorch.tensor([0.0, 1.0, 2.0])).hist.tolist() == [1.0, 2.0]


def test_histograms_refuse_what_makes_no_bins():
    x = from_numpy(X)
    for call, kind in (
        (lambda: x.histc(0), RangeError),
        (lambda: x.histc(3, 2, 1), RangeError),
        (lambda: (x * np.inf).histc(3), RangeError),
        (lambda: handtorch.tensor([1, 2]).histc(3), DtypeError),
        (lambda: x.histogram(3, weight=from_numpy(WEIGHTS)), ShapeError),
        (lambda: x.histogram(handtorch.zeros(2, 2)), ShapeError),
        (lambda: handtorch.histogramdd(x, [1, 2]), ShapeError),
    ):
        with pytest.raises(kind):
            call()
