import numpy as np
import pytest
from scipy.spatial import distance

import handtorch
from handtorch import from_numpy
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError
from handtorch.nn import functional as F


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


@pytest.mark.parametrize("p", [1, 2, 3.5, np.inf])
@pytest.mark.parametrize("rows", [5, 30])
def test_distances_of_all_pairs_agree_with_scipy(p, rows):
    x, z = numbers(rows, 4), numbers(7, 4, seed=1)
    name, options = ("chebyshev", {}) if p == np.inf else ("minkowski", {"p": p})
    np.testing.assert_allclose(
        handtorch.cdist(from_numpy(x), from_numpy(z), p).array, distance.cdist(x, z, name, **options), rtol=1e-10
    )
    np.testing.assert_allclose(F.pdist(from_numpy(x), p).array, distance.pdist(x, name, **options), rtol=1e-10)


def test_distances_have_batches_that_broadcast():
    x, z = numbers(2, 1, 30, 4), numbers(3, 5, 4, seed=1)
    y = handtorch.cdist(from_numpy(x), from_numpy(z)).array
    assert y.shape == (2, 3, 30, 5)
    np.testing.assert_allclose(y[1, 2], distance.cdist(x[1, 0], z[2]), rtol=1e-10)


def test_the_mode_decides_between_a_product_and_differences():
    x = (1e4 + numbers(3, 4)).astype(np.float32)
    exact = distance.cdist(x.astype(np.float64), x.astype(np.float64))
    direct = handtorch.cdist(from_numpy(x), from_numpy(x), compute_mode="donot_use_mm_for_euclid_dist").array
    product = handtorch.cdist(from_numpy(x), from_numpy(x), compute_mode="use_mm_for_euclid_dist").array
    np.testing.assert_allclose(direct, exact, rtol=1e-3)
    assert np.abs(product - exact).max() > 0.5


@pytest.mark.parametrize("mode", ["use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"])
def test_the_distance_of_a_row_to_itself_has_gradient_zero(mode):
    x = from_numpy(np.array([[1.0, 2.0], [4.0, 6.0]])).requires_grad_()
    handtorch.cdist(x, x.detach(), compute_mode=mode).sum().backward()
    np.testing.assert_allclose(x.grad.array, [[-0.6, -0.8], [0.6, 0.8]])


def test_similarity_is_the_cosine_of_the_angle():
    x, z = numbers(6, 4), numbers(6, 4, seed=1)
    got = F.cosine_similarity(from_numpy(x), from_numpy(z)).array
    np.testing.assert_allclose(got, [1 - distance.cosine(a, b) for a, b in zip(x, z, strict=True)])
    both = F.cosine_similarity(from_numpy(x[:, None]), from_numpy(z[None]), dim=-1)
    np.testing.assert_allclose(both.array, 1 - distance.cdist(x, z, "cosine"))


def test_mistakes_are_named():
    x = handtorch.ones(3, 4)
    with pytest.raises(ShapeError, match=r"same number of columns\. X1: 4 X2: 3"):
        handtorch.cdist(x, handtorch.ones(2, 3))
    with pytest.raises(ShapeError, match="at least 2D tensors, X2 got: 1D"):
        handtorch.cdist(x, x[0])
    with pytest.raises(RangeError, match="non-negative p"):
        F.pdist(x, -1)
    with pytest.raises(DtypeError, match="floating"):
        handtorch.cdist(x.long(), x.long())
    with pytest.raises(DtypeError, match="floating point"):
        F.cosine_similarity(x.long(), x.long())
    with pytest.raises(ArgumentError, match="compute_mode"):
        handtorch.cdist(x, x, compute_mode="fast")
