"""L-BFGS: it finds minima that SciPy finds, and its line search keeps the Wolfe conditions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from handtorch import optim
from handtorch.errors import ArgumentError
from handtorch.optim.lbfgs import Trial, cubic_minimum, strong_wolfe
from handtorch.tensor import Tensor


def run_on(function: Any, gradient: Any, x: np.ndarray, steps: int, **options: Any) -> tuple[Tensor, optim.LBFGS]:
    p = Tensor.of(x.copy()).requires_grad_()
    optimizer = optim.LBFGS([p], **options)

    def closure() -> float:
        p.grad = Tensor.of(gradient(p.array))
        return float(function(p.array))

    for _ in range(steps):
        optimizer.step(closure)
    return p, optimizer


def test_rosenbrocks_valley_is_walked_to_its_end() -> None:
    start = np.array([-1.2, 1.0, -0.5, 0.8])
    p, _ = run_on(optimize.rosen, optimize.rosen_der, start, 5, line_search_fn="strong_wolfe")
    expected = optimize.minimize(optimize.rosen, start, jac=optimize.rosen_der, method="L-BFGS-B").x
    np.testing.assert_allclose(p.array, expected, atol=1e-3)
    np.testing.assert_allclose(p.array, 1.0, atol=1e-6)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_quadratic_is_solved_in_one_call(search: str | None) -> None:
    generator = np.random.default_rng(0)
    root = generator.standard_normal((6, 6))
    a, b = root @ root.T + np.eye(6), generator.standard_normal(6)
    options: dict[str, Any] = {"line_search_fn": search, "max_iter": 100, "tolerance_change": 1e-14}
    p, _ = run_on(lambda x: 0.5 * x @ a @ x - b @ x, lambda x: a @ x - b, np.zeros(6), 1, **options)
    np.testing.assert_allclose(p.array, np.linalg.solve(a, b), atol=1e-6)


def test_several_tensors_are_one_vector_and_missing_gradients_are_zero() -> None:
    a, b, c = (Tensor.of(np.ones(shape)).requires_grad_() for shape in ((2, 3), (), (4,)))
    optimizer = optim.LBFGS([a, b, c], line_search_fn="strong_wolfe")

    def closure() -> float:
        a.grad, b.grad = Tensor.of(2 * (a.array - 5)), Tensor.of(np.array(2 * (b.array + 2)))
        return float(((a.array - 5) ** 2).sum() + (b.array + 2) ** 2)

    optimizer.step(closure)
    np.testing.assert_allclose(a.array, 5)
    np.testing.assert_allclose(b.array, -2)
    np.testing.assert_allclose(c.array, 1)


def test_nothing_moves_at_the_minimum() -> None:
    p, optimizer = run_on(lambda x: (x**2).sum(), lambda x: 2 * x, np.zeros(3), 2)
    assert (p.array == 0).all()
    assert optimizer.state[p]["func_evals"] == 2 and optimizer.state[p]["n_iter"] == 0


def test_evaluations_and_memory_stay_within_their_limits() -> None:
    p, optimizer = run_on(
        optimize.rosen,
        optimize.rosen_der,
        np.array([-1.2, 1.0]),
        1,
        line_search_fn="strong_wolfe",
        max_iter=15,
        max_eval=12,
        history_size=3,
    )
    state = optimizer.state[p]
    assert state["func_evals"] <= 13  # a line search that runs out has taken one evaluation to start
    assert len(state["old_dirs"]) == len(state["old_stps"]) == len(state["ro"]) <= 3


def test_misuse_is_refused() -> None:
    p, q = (Tensor.of(np.ones(2)).requires_grad_() for _ in range(2))
    with pytest.raises(ArgumentError, match="parameter groups"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(TypeError, match="needs a closure"):
        optim.LBFGS([p]).step()
    with pytest.raises(RuntimeError, match="only 'strong_wolfe'"):
        optim.LBFGS([p], line_search_fn="golden").step(lambda: 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.05, 20),
    st.floats(0.1, 3),
    st.floats(-0.9, 0.9),
    st.floats(0.01, 50),
    st.sampled_from(["parabola", "cosh"]),
)
def test_the_line_search_keeps_the_strong_wolfe_conditions(
    scale: float, width: float, tilt: float, first: float, kind: str
) -> None:
    def f(t: float) -> float:
        x = width * t - 1
        curve = float(np.logaddexp(x, -x)) if kind == "cosh" else 1 + 0.5 * x**2
        return scale * (curve + 0.1 * tilt * math.sin(width * t))

    def slope(t: float) -> float:
        bend = math.tanh(width * t - 1) if kind == "cosh" else width * t - 1
        return scale * width * (bend + 0.1 * tilt * math.cos(width * t))

    def evaluate(t: float) -> Trial:
        return Trial(t, f(t), np.zeros(1), slope(t))

    start = evaluate(0.0)
    assert start.slope < 0
    found, evaluations = strong_wolfe(evaluate, start, first / scale, 1.0, max_trials=60)
    assert evaluations <= 61
    assert found.loss <= start.loss + 1e-4 * found.t * start.slope + 1e-12
    assert abs(found.slope) <= 0.9 * abs(start.slope) + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=3, max_size=3), st.integers(1, 20), st.integers(-20, 19))
def test_the_interpolated_minimum_is_that_of_the_cubic(lower: list[int], leading: int, left: int) -> None:
    curve = np.polynomial.Polynomial([*lower, leading])
    slope, bend = curve.deriv(), curve.deriv(2)
    a, b = (Trial(t, float(curve(t)), np.zeros(1), float(slope(t))) for t in (left / 10, left / 10 + 1.5))
    t = cubic_minimum(a, b)
    assert a.t <= t <= b.t and t == cubic_minimum(b, a)
    minima = [root.real for root in slope.roots() if abs(root.imag) < 1e-9 and bend(root.real) > 0.1]
    if minima:
        assert t == pytest.approx(min(max(minima[0], a.t), b.t), abs=1e-6)
