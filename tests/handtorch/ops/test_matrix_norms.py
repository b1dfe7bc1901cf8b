"""linalg's norms against NumPy's; which of them there is for which shape; what is refused."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy, linalg
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError

X = np.random.default_rng(0).standard_normal((2, 3, 4))
INF = np.inf


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [(-2, -1), (0, 2), (2, 0)])
@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_norm_of_matrices_is_numpys(ord, dim, keepdim):
    for x in (X, X + 1j * X[::-1]):
        want = np.linalg.norm(x, ord, dim, keepdim)
        np.testing.assert_allclose(linalg.matrix_norm(from_numpy(x), ord, dim, keepdim).array, want)
        np.testing.assert_allclose(linalg.norm(from_numpy(x), ord, dim, keepdim).array, want)


@pytest.mark.parametrize("ord", [0, 0.5, 1, 2, 3, -1, INF, -INF])
def test_norm_of_vectors_is_numpys(ord):
    np.testing.assert_allclose(linalg.vector_norm(from_numpy(X), ord, 1).array, np.linalg.norm(X, ord, axis=1))
    np.testing.assert_allclose(linalg.vector_norm(from_numpy(X), ord).array, np.linalg.norm(X.ravel(), ord))
    np.testing.assert_allclose(linalg.norm(from_numpy(X[0, 0]), ord).array, np.linalg.norm(X[0, 0], ord))


def test_norm_without_an_order_is_the_length_of_all_numbers():
    np.testing.assert_allclose(linalg.norm(from_numpy(X)).array, np.linalg.norm(X.ravel()))
    np.testing.assert_allclose(linalg.norm(from_numpy(X), dim=(0, 2)).array, np.sqrt((X**2).sum(axis=(0, 2))))


def test_a_matrix_without_numbers_has_the_largest_norms_0_and_no_smallest():
    for ord in ("fro", 1, INF):
        for shape in ((0, 0), (2, 0), (0, 2)):
            assert linalg.matrix_norm(handtorch.ones(shape), ord).item() == 0
    assert linalg.matrix_norm(handtorch.ones(0, 2), -1).item() == 0
    for ord in (-1, -INF):
        with pytest.raises(DimensionError, match="non-zero size"):
            linalg.matrix_norm(handtorch.ones(0, 0), ord)
    for ord in (-1, INF, -INF):
        with pytest.raises(ShapeError, match="not have an identity"):
            linalg.vector_norm(handtorch.ones(0, 2), ord, dim=0)
    assert linalg.vector_norm(handtorch.ones(0, 2), INF, dim=1).shape == (0,)


def test_the_type_may_be_widened_but_not_narrowed():
    x = handtorch.ones(2, 2)
    for function in (linalg.vector_norm, linalg.matrix_norm, linalg.norm, handtorch.norm):
        assert function(x, dtype=handtorch.float64).dtype is handtorch.float64
        with pytest.raises(DtypeError, match="narrowing"):
            function(x.double(), dtype=handtorch.float32)
        with pytest.raises(DtypeError, match="real for real"):
            function(x, dtype=handtorch.complex64)
        with pytest.raises(DtypeError, match="complex for complex"):
            function(x + 1j, dtype=handtorch.float32)
        with pytest.raises(DtypeError, match="floating point"):
            function(x, dtype=handtorch.int64)
        with pytest.raises(DtypeError, match="loating point"):
            function(x.int())


def test_norms_that_there_are_not_are_refused():
    x = handtorch.ones(2, 2)
    for ord in (0, 3, "max"):
        with pytest.raises(RangeError, match=f"Order {ord} not supported"):
            linalg.matrix_norm(x, ord)
    for dim in ((0, 0), (0,), 1):
        with pytest.raises(RangeError, match="dim"):
            linalg.matrix_norm(x, dim=dim)
    with pytest.raises(DimensionError):
        linalg.matrix_norm(x, dim=(0, 5))
    with pytest.raises(ShapeError, match="at least 2"):
        linalg.norm(x[0], "fro")
    with pytest.raises(RangeError, match=r"1D or 2D\. Got 3D"):
        linalg.norm(handtorch.ones(2, 2, 2), 2)
    with pytest.raises(RangeError, match="length 1 or 2"):
        linalg.norm(x, 1, dim=(0, 1, 1))
    with pytest.raises(TypeError, match="must be a number"):
        linalg.vector_norm(x, "fro")


@pytest.mark.parametrize("p", [0.5, 1.5, 2])
def test_the_second_derivative_at_zero_is_nan_where_there_is_none(p):
    x = handtorch.zeros(2, requires_grad=True)
    (slope,) = handtorch.autograd.grad(linalg.vector_norm(x, p), x, create_graph=True)
    assert slope.tolist() == [0, 0]
    (curvature,) = handtorch.autograd.grad(slope.sum(), x)
    assert np.isnan(curvature.array).all()
