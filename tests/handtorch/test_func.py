"""handtorch.func agrees with derivatives written by hand, nests, and records only what concerns the outside."""

import numpy as np
import pytest

import handtorch
from handtorch import nn
from handtorch.errors import ArgumentError, GradientError, ShapeError
from handtorch.func import functional_call, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp

X = np.random.default_rng(0).standard_normal(4)


def x(requires_grad=False):
    return handtorch.from_numpy(X.copy()).requires_grad_(requires_grad)


def same(got, want):
    np.testing.assert_allclose(got.detach().array, want, rtol=1e-10, atol=1e-12)


def test_grad_is_a_function_and_can_be_taken_again():
    def f(x):
        return x.sin().sum()

    same(grad(f)(x()), np.cos(X))
    same(grad(lambda x: grad(f)(x).sum())(x()), -np.sin(X))
    same(grad(lambda x: grad(lambda x: grad(f)(x).sum())(x).sum())(x()), -np.cos(X))


def test_what_comes_out_is_recorded_only_if_something_outside_wants_gradients():
    def f(x):
        return (x**3).sum()

    assert not grad(f)(x()).requires_grad
    assert not vjp(f, x())[0].requires_grad
    inside = x(requires_grad=True)
    g = grad(f)(inside)
    g.sum().backward()
    same(inside.grad, 6 * X)
    w = handtorch.tensor(2.0, dtype=handtorch.float64, requires_grad=True)
    grad(lambda x: w * f(x))(x()).sum().backward()
    same(w.grad, (3 * X**2).sum())
    with handtorch.no_grad():
        assert not grad(lambda x: w * f(x))(inside).requires_grad
        same(grad(f)(inside), 3 * X**2)


def test_grad_by_several_arguments_and_nests_with_value_and_more():
    (ga, gb), (value, more) = grad_and_value(
        lambda a, b, factor: ((a["w"] * b).sum() * factor, {"a": a["w"]}), argnums=(0, 1), has_aux=True
    )({"w": x()}, x() + 1, factor=3)
    same(ga["w"], 3 * (X + 1))
    same(gb, 3 * X)
    same(value, 3 * (X * (X + 1)).sum())
    assert not more["a"].requires_grad
    g, more = grad(lambda a: (a.sum(), "more"), has_aux=True)(x())
    same(g, np.ones(4))
    assert more == "more"
    same(grad(lambda a, b: b.sum())(x(), x()), np.zeros(4))


def test_vjp_and_jvp_multiply_the_jacobian_from_either_side():
    matrix = np.random.default_rng(1).standard_normal((3, 4))
    m = handtorch.from_numpy(matrix)

    def f(x):
        return (m @ x).exp()

    jacobian = np.exp(matrix @ X)[:, None] * matrix
    v, w = np.arange(3.0), np.arange(4.0)
    y, multiply = vjp(f, x())
    same(y, np.exp(matrix @ X))
    same(multiply(handtorch.from_numpy(v))[0], v @ jacobian)
    same(multiply(handtorch.from_numpy(2 * v))[0], 2 * v @ jacobian)
    y, product = jvp(f, (x(),), (handtorch.from_numpy(w),))
    same(product, jacobian @ w)
    y, push = linearize(f, x())
    same(push(handtorch.from_numpy(3 * w)), 3 * jacobian @ w)
    same(jacrev(f)(x()), jacobian)
    same(jacfwd(f)(x()), jacobian)
    _, product, more = jvp(lambda x: (x * 2, "more"), (x(),), (x(),), has_aux=True)
    same(product, 2 * X)
    assert more == "more"


def test_results_that_do_not_depend_on_the_arguments_have_derivative_zero():
    def f(x):
        return {"a": x * 2, "b": handtorch.ones(2, dtype=handtorch.float64)}

    _, product = jvp(f, (x(),), (x(),))
    same(product["a"], 2 * X)
    same(product["b"], np.zeros(2))
    blocks = jacrev(f)(x())
    same(blocks["a"], 2 * np.eye(4))
    same(blocks["b"], np.zeros((2, 4)))
    assert jacrev(lambda x: x[:0])(x()).shape == (0, 4)


def test_hessian_is_the_jacobian_of_the_gradient():
    same(hessian(lambda x: (x**3).sum())(x()), np.diag(6 * X))
    (aa, ab), (ba, bb) = hessian(lambda a, b: (a * b).sum(), argnums=(0, 1))(x(), x())
    same(ab, np.eye(4))
    same(ba, np.eye(4))
    same(aa, np.zeros((4, 4)))
    same(bb, np.zeros((4, 4)))


def test_jacobian_of_a_gradient_with_respect_to_what_is_closed_over_is_right():
    def outer(a):
        return grad(lambda b: (a * b**2).sum())(x())

    same(jacrev(outer)(x()), np.diag(2 * X))


def test_functional_call_computes_with_other_tensors_and_leaves_the_module():
    net = nn.Linear(4, 2, dtype=handtorch.float64)
    before = net.weight
    weights = {name: handtorch.ones_like(p).requires_grad_() for name, p in net.named_parameters()}
    y = functional_call(net, weights, x())
    same(y, np.full(2, X.sum() + 1))
    y.sum().backward()
    same(weights["weight"].grad, np.stack([X, X]))
    assert net.weight is before
    assert net.weight.grad is None
    params = {name: p.detach() for name, p in net.named_parameters()}
    g = grad(lambda params: functional_call(net, params, (x(),)).sum())(params)
    same(g["weight"], np.stack([X, X]))
    same(functional_call(net, [{"weight": weights["weight"]}, {"bias": weights["bias"]}], x()), y.detach().array)


def test_functional_call_comes_back_after_an_error_and_updates_buffers_outside():
    net = nn.BatchNorm1d(3)
    before = net.running_mean
    state = {"running_mean": handtorch.zeros(3)}
    functional_call(net, state, handtorch.ones(4, 3))
    assert net.running_mean is before
    assert before.tolist() == [0, 0, 0]
    np.testing.assert_allclose(state["running_mean"].array, 0.1, rtol=1e-6)
    with pytest.raises(RuntimeError):
        functional_call(net, state, handtorch.ones(4, 5))
    assert net.running_mean is before


def test_tied_parameters_are_replaced_under_both_names():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    two = 2 * handtorch.eye(2)
    assert functional_call(net, {"0.weight": two}, handtorch.ones(2)).tolist() == [4, 4]
    with handtorch.no_grad():
        net[0].weight.copy_(handtorch.eye(2))
    assert functional_call(net, {"0.weight": two}, handtorch.ones(2), tie_weights=False).tolist() == [2, 2]
    with pytest.raises(ArgumentError, match="tied"):
        functional_call(net, {"0.weight": two, "1.weight": two + 1}, handtorch.ones(2))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: grad(lambda x: x * 2)(x()), ShapeError),
        (lambda: grad(lambda x: 3.0)(x()), GradientError),
        (lambda: grad(lambda x: x.sum(), argnums=1)(x()), GradientError),
        (lambda: grad(lambda x: x)(3.0), ArgumentError),
        (lambda: grad(lambda x: x.sum())(handtorch.arange(3)), RuntimeError),
        (lambda: vjp(lambda x: (x, x), x())[1](x()), ShapeError),
        (lambda: jvp(lambda x: x, x(), x()), GradientError),
        (lambda: jvp(lambda x: x, (x(),), (x()[:1],)), ShapeError),
        (lambda: functional_call(nn.Linear(2, 2), {"weight": handtorch.eye(2)}, (), strict=True), GradientError),
        (lambda: functional_call(nn.Linear(2, 2), [{"weight": 1}, {"weight": 2}], ()), ArgumentError),
        (lambda: functional_call(nn.Linear(2, 2), 3, ()), ArgumentError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error):
        call()
