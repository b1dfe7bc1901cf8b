"""Jacobians, Hessians and their products, against formulas and against each other."""

import numpy as np
import pytest

import handtorch
from handtorch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp
from handtorch.errors import GradientError, ShapeError


def numbers(*shape, seed=0):
    return handtorch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def test_the_jacobian_of_a_linear_map_is_its_matrix():
    a, x = numbers(3, 4), numbers(4, seed=1)
    np.testing.assert_allclose(jacobian(lambda v: a @ v, x).array, a.array)


def test_jacobians_of_several_inputs_and_outputs_are_nested_outputs_outside():
    x, y = numbers(3), numbers(2, seed=1)
    found = jacobian(lambda p, q: (p * 2, q.sum() * p), (x, y))
    np.testing.assert_allclose(found[0][0].array, 2 * np.eye(3))
    np.testing.assert_allclose(found[0][1].array, np.zeros((3, 2)))
    np.testing.assert_allclose(found[1][1].array, np.outer(x.array, np.ones(2)))


def test_the_hessian_of_a_quadratic_form_is_its_matrix():
    a = numbers(4, 4)
    x = numbers(4, seed=1)
    np.testing.assert_allclose(hessian(lambda v: v @ (a @ v), x).array, a.array + a.array.T)


def test_the_hessian_of_two_inputs_has_mixed_blocks():
    x, y = numbers(2), numbers(2, seed=1)
    blocks = hessian(lambda p, q: (p * p * q).sum(), (x, y))
    np.testing.assert_allclose(blocks[0][0].array, np.diag(2 * y.array))
    np.testing.assert_allclose(blocks[0][1].array, np.diag(2 * x.array))
    np.testing.assert_allclose(blocks[1][1].array, np.zeros((2, 2)))


def curve(v):
    return (v.exp() * v[[1, 2, 0]]).tanh()


def test_products_agree_with_the_jacobian():
    x, u, w = numbers(3), numbers(3, seed=1), numbers(3, seed=2)
    j = jacobian(curve, x).array
    y, product = vjp(curve, x, u)
    np.testing.assert_allclose(y.array, curve(x).array)
    np.testing.assert_allclose(product.array, u.array @ j)
    np.testing.assert_allclose(jvp(curve, x, w)[1].array, j @ w.array)


def test_products_agree_with_the_hessian():
    x, v = numbers(3), numbers(3, seed=1)

    def energy(p):
        return (curve(p) ** 2).sum()

    h = hessian(energy, x).array
    np.testing.assert_allclose(h, h.T, atol=1e-12)
    np.testing.assert_allclose(vhp(energy, x, v)[1].array, v.array @ h)
    np.testing.assert_allclose(hvp(energy, x, v)[1].array, h @ v.array)


def test_results_are_differentiable_when_asked():
    x = numbers(3).requires_grad_()
    jacobian(lambda v: v**3, x, create_graph=True).sum().backward()
    np.testing.assert_allclose(x.grad.array, 6 * x.array)
    assert not jacobian(lambda v: v**3, x).requires_grad


def test_independence_is_zeros_or_with_strict_an_error():
    x, y = numbers(2), numbers(2, seed=1)
    assert jacobian(lambda p, q: p * 2, (x, y))[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(GradientError, match="does not depend"):
        jacobian(lambda p, q: p * 2, (x, y), strict=True)
    with pytest.raises(GradientError, match="does not depend"):
        vjp(lambda p: handtorch.ones(1), x, handtorch.ones(1), strict=True)


def test_wrong_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"expected v of shape \(2,\), got \(3,\)"):
        vjp(lambda p: p * 2, numbers(2), numbers(3))
    with pytest.raises(ShapeError, match="single number"):
        hessian(lambda p: p * 2, numbers(2))
    with pytest.raises(ShapeError, match="left out"):
        jvp(lambda p: p * 2, numbers(2))
