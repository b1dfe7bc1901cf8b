"""Norms against NumPy's; where they have no derivative; what is refused."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy
from handtorch.errors import DtypeError, RangeError, ShapeError

X = np.random.default_rng(0).standard_normal((3, 4))


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, np.inf, -np.inf, -1])
def test_norm_is_numpys_along_an_axis_and_over_all(p):
    np.testing.assert_allclose(from_numpy(X).norm(p, 1).array, np.linalg.norm(X, p, axis=1))
    np.testing.assert_allclose(from_numpy(X).norm(p).array, np.linalg.norm(X.ravel(), p))
    np.testing.assert_allclose(from_numpy(X + 1j).norm(p, 0, True).array, np.linalg.norm(X + 1j, p, 0, True))


def test_fro_is_the_length_and_other_words_are_refused():
    for length in (from_numpy(X).norm(), from_numpy(X).norm("fro", (0, 1)), from_numpy(X).norm(None)):
        assert length.item() == pytest.approx(np.linalg.norm(X))
    with pytest.raises(RangeError, match="found 'max'"):
        from_numpy(X).norm("max")
    with pytest.raises(DtypeError, match="floating point"):
        handtorch.tensor([1, 2]).norm()
    with pytest.raises(ShapeError, match="no largest"):
        handtorch.zeros(0).norm(float("inf"))


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, np.inf])
def test_the_gradient_at_zero_is_zero(p):
    x = handtorch.zeros(3, requires_grad=True)
    x.norm(p).backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_dist_is_the_norm_of_the_difference():
    assert handtorch.dist(from_numpy(X), from_numpy(X[0]), 3).item() == pytest.approx(
        np.linalg.norm((X - X[0]).ravel(), 3)
    )


def test_renorm_shortens_what_is_too_long_and_leaves_the_rest():
    x = np.array([[3.0, 4.0], [0.3, 0.4]])
    t = from_numpy(x.copy())
    np.testing.assert_allclose(t.renorm(2, 0, 1).array, [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    assert t.renorm_(1, 1, 1e9) is t and t.tolist() == x.tolist()
    with pytest.raises(RangeError, match="p > 0"):
        t.renorm(0, 0, 1)
    with pytest.raises(ShapeError, match="at least 2"):
        t[0].renorm(2, 0, 1)
