"""Every update rule against its formula, written out for one number at a time in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from handtorch import optim
from handtorch.errors import ArgumentError, DtypeError
from handtorch.optim.muon import newton_schulz, to_bfloat16
from handtorch.tensor import Tensor

Rule = Callable[[float, list[float]], float]


def sgd(lr: float, mu: float = 0, tau: float = 0, decay: float = 0, nesterov: bool = False) -> Rule:
    def walk(p: float, gradients: list[float]) -> float:
        b = None
        for g in gradients:
            g += decay * p
            b = g if b is None else mu * b + (1 - tau) * g
            p -= lr * ((g + mu * b if nesterov else b) if mu else g)
        return p

    return walk


def adam(
    lr: float,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0,
    decoupled: bool = False,
    amsgrad: bool = False,
) -> Rule:
    def walk(p: float, gradients: list[float]) -> float:
        m = v = largest = 0.0
        for t, g in enumerate(gradients, 1):
            if decoupled:
                p -= lr * decay * p
            else:
                g += decay * p
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * g * g
            largest = max(largest, v)
            v_hat = (largest if amsgrad else v) / (1 - b2**t)
            p -= lr * m / (1 - b1**t) / (math.sqrt(v_hat) + eps)
        return p

    return walk


def adadelta(p: float, gradients: list[float]) -> float:
    v = u = 0.0
    for g in gradients:
        v = 0.9 * v + 0.1 * g * g
        d = math.sqrt(u + 1e-6) / math.sqrt(v + 1e-6) * g
        u = 0.9 * u + 0.1 * d * d
        p -= d
    return p


def adagrad(p: float, gradients: list[float]) -> float:
    total = 0.5
    for t, g in enumerate(gradients, 1):
        total += g * g
        p -= 0.1 / (1 + (t - 1) * 0.2) * g / (math.sqrt(total) + 1e-10)
    return p


def adamax(p: float, gradients: list[float]) -> float:
    m = u = 0.0
    for t, g in enumerate(gradients, 1):
        m = 0.9 * m + 0.1 * g
        u = max(0.999 * u, abs(g) + 1e-8)
        p -= 0.01 / (1 - 0.9**t) * m / u
    return p


def nadam(p: float, gradients: list[float]) -> float:
    m = v = 0.0
    product = 1.0
    for t, g in enumerate(gradients, 1):
        mu, ahead = (0.9 * (1 - 0.5 * 0.96 ** (k * 0.004)) for k in (t, t + 1))
        product *= mu
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        m_hat = ahead * m / (1 - product * ahead) + (1 - mu) * g / (1 - product)
        p -= 0.01 * m_hat / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


def radam(p: float, gradients: list[float]) -> float:
    m = v = 0.0
    limit = 2 / (1 - 0.9) - 1
    for t, g in enumerate(gradients, 1):
        m = 0.8 * m + 0.2 * g
        v = 0.9 * v + 0.1 * g * g
        length = limit - 2 * t * 0.9**t / (1 - 0.9**t)
        step = 0.01 * m / (1 - 0.8**t)
        if length > 5:
            r = math.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
            step *= r * math.sqrt(1 - 0.9**t) / (math.sqrt(v) + 1e-8)
        p -= step
    return p


def rmsprop(p: float, gradients: list[float]) -> float:
    v = a = b = 0.0
    for g in gradients:
        v = 0.9 * v + 0.1 * g * g
        a = 0.9 * a + 0.1 * g
        b = 0.5 * b + g / (math.sqrt(v - a * a) + 1e-8)
        p -= 0.01 * b
    return p


def rprop(p: float, gradients: list[float]) -> float:
    size, before = 0.01, 0.0
    for g in gradients:
        if g * before > 0:
            size = min(size * 1.2, 50)
        elif g * before < 0:
            size = max(size * 0.5, 1e-6)
            g = 0.0
        p -= size * ((g > 0) - (g < 0))
        before = g
    return p


def asgd(p: float, gradients: list[float]) -> float:
    eta = 0.1
    for t, g in enumerate(gradients, 1):
        p = (1 - 0.05 * eta) * p - eta * g
        eta = 0.1 / (1 + 0.05 * 0.1 * t) ** 0.75
    return p


RULES: list[tuple[str, dict[str, Any], Rule]] = [
    ("SGD", {"lr": 0.1}, sgd(0.1)),
    ("SGD", {"lr": 0.1, "weight_decay": 0.2}, sgd(0.1, decay=0.2)),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.4}, sgd(0.1, 0.9, 0.4)),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.2}, sgd(0.1, 0.9, 0, 0.2, True)),
    ("Adam", {"lr": 0.1, "weight_decay": 0.2}, adam(0.1, decay=0.2)),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.6), "eps": 0.1, "amsgrad": True}, adam(0.1, 0.5, 0.6, 0.1, amsgrad=True)),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}, adam(0.1, decay=0.2, decoupled=True)),
    ("Adadelta", {}, adadelta),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "initial_accumulator_value": 0.5}, adagrad),
    ("Adamax", {"lr": 0.01}, adamax),
    ("NAdam", {"lr": 0.01}, nadam),
    ("RAdam", {"lr": 0.01, "betas": (0.8, 0.9)}, radam),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "momentum": 0.5, "centered": True}, rmsprop),
    ("Rprop", {"lr": 0.01}, rprop),
    ("ASGD", {"lr": 0.1, "lambd": 0.05}, asgd),
]
IDS = [f"{name}-{'-'.join(options)}" for name, options, _ in RULES]


def walk(name: str, options: dict[str, Any], start: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    p = Tensor.of(start.copy()).requires_grad_()
    optimizer = getattr(optim, name)([p], **options)
    for g in gradients:
        p.grad = Tensor.of(g.copy())
        optimizer.step()
        assert np.array_equal(p.grad.array, g), "the gradient is the user's"
    return p.array


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
@pytest.mark.parametrize(("name", "options", "rule"), RULES, ids=IDS)
def test_rule_is_its_formula_on_every_element(
    name: str, options: dict[str, Any], rule: Rule, shape: tuple[int, ...], dtype: Any
) -> None:
    generator = np.random.default_rng(7)
    start = np.array(generator.standard_normal(shape), dtype)
    gradients = np.array(generator.standard_normal((30, *shape)), dtype)
    result = walk(name, options, start, gradients)
    assert result.dtype == dtype
    expected = [rule(float(p), gs.tolist()) for p, gs in zip(start.ravel(), gradients.reshape(30, -1).T, strict=True)]
    tolerance = 1e-4 if dtype is np.float32 else 1e-7  # ASGD's rate is kept in float32, as PyTorch keeps it
    np.testing.assert_allclose(result.ravel(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "options", "rule"), RULES, ids=IDS)
def test_maximize_is_minimizing_the_negative(name: str, options: dict[str, Any], rule: Rule) -> None:
    generator = np.random.default_rng(8)
    start, gradients = generator.standard_normal(4), generator.standard_normal((10, 4))
    up = walk(name, {**options, "maximize": True}, start, gradients)
    np.testing.assert_array_equal(up, walk(name, options, start, -gradients))


@pytest.mark.parametrize(("name", "options", "rule"), RULES, ids=IDS)
def test_a_complex_parameter_is_two_real_ones(name: str, options: dict[str, Any], rule: Rule) -> None:
    generator = np.random.default_rng(9)
    start = generator.standard_normal((4, 2)).view(complex)[:, 0]
    gradients = generator.standard_normal((10, 4, 2)).view(complex)[..., 0]
    result = walk(name, options, start, gradients)
    np.testing.assert_allclose(result.real, walk(name, options, start.real, gradients.real), rtol=1e-12)
    np.testing.assert_allclose(result.imag, walk(name, options, start.imag, gradients.imag), rtol=1e-12)


CONVERGING = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("Adam", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.0}),
    ("Adadelta", {"lr": 1.0, "eps": 1e-3}),
    ("Adafactor", {"lr": 0.5}),
    ("Adagrad", {"lr": 1.0}),
    ("Adamax", {"lr": 0.1}),
    ("NAdam", {"lr": 0.02}),
    ("RAdam", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("Rprop", {"lr": 0.1}),
    ("ASGD", {"lr": 0.2, "lambd": 0.0}),
]


@pytest.mark.parametrize(("name", "options"), CONVERGING)
def test_least_squares_is_solved(name: str, options: dict[str, Any]) -> None:
    generator = np.random.default_rng(10)
    a, y = generator.standard_normal((30, 4)), generator.standard_normal(30)
    solution = np.linalg.lstsq(a, y, rcond=None)[0]
    p = Tensor.of(np.zeros(4)).requires_grad_()
    optimizer = getattr(optim, name)([p], **options)
    for _ in range(1000):
        p.grad = Tensor.of(a.T @ (a @ p.array - y) / 30)
        optimizer.step()
    np.testing.assert_allclose(p.array, solution, atol=0.03)


def test_adafactor_of_a_matrix_is_its_formula() -> None:
    generator = np.random.default_rng(11)
    p, gradients = generator.standard_normal((3, 4)), generator.standard_normal((8, 3, 4))
    result = walk("Adafactor", {"lr": 0.1, "weight_decay": 0.2, "eps": (1e-4, 1e-3)}, p, gradients)
    row, column = np.zeros(3), np.zeros(4)
    for t, g in enumerate(gradients, 1):
        w = t**-0.8
        alpha = max(1e-3, math.sqrt((p**2).mean())) * min(0.1, 1 / math.sqrt(t))
        p = p - 0.1 * 0.2 * p
        row = (1 - w) * row + w * (g**2).mean(axis=1)
        column = (1 - w) * column + w * (g**2).mean(axis=0)
        u = g / np.sqrt(np.outer(row, column) / row.mean())
        p = p - alpha * u / max(1, math.sqrt((u**2).mean()))
    np.testing.assert_allclose(result, p, rtol=1e-6)


def test_adafactor_keeps_a_row_and_a_column_of_a_matrix() -> None:
    p = Tensor.of(np.ones((2, 3, 5))).requires_grad_()
    p.grad = Tensor.of(np.ones((2, 3, 5)))
    optimizer = optim.Adafactor([p])
    optimizer.step()
    assert {k: v.array.shape for k, v in optimizer.state[p].items()} == {
        "step": (),
        "row_var": (2, 3, 1),
        "col_var": (2, 1, 5),
    }


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4)])
def test_newton_schulz_keeps_singular_vectors_and_brings_singular_values_to_about_one(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(12)
    u, _, vt = np.linalg.svd(generator.standard_normal(shape), full_matrices=False)
    matrix = u * np.linspace(1, 3, min(shape)) @ vt
    result = newton_schulz(matrix, (3.4445, -4.775, 2.0315), 5, 1e-7, rounded=np.asarray)
    values = np.diag(u.T @ result @ vt.T)
    np.testing.assert_allclose(u * values @ vt, result, atol=1e-10)
    assert values.min() > 0.6 and values.max() < 1.25
    in_bfloat16 = newton_schulz(matrix, (3.4445, -4.775, 2.0315), 5, 1e-7)
    assert np.linalg.norm(in_bfloat16 - result) < 0.05 * np.linalg.norm(result)


def test_rounding_to_bfloat16_keeps_8_bits_and_takes_the_even_of_two_neighbours() -> None:
    one, step = 1.0, 2.0**-7  # 1 and the distance to the next number
    assert to_bfloat16(one + 0.49 * step) == one
    assert to_bfloat16(one + 0.5 * step) == one
    assert to_bfloat16(one + 0.51 * step) == one + step
    assert to_bfloat16(one + 1.5 * step) == one + 2 * step
    assert np.isinf(to_bfloat16(3.4e38))
    np.testing.assert_array_equal(to_bfloat16(np.array([0.0, -0.0, np.inf])), [0, 0, np.inf])


@pytest.mark.parametrize(("kind", "factor"), [(None, math.sqrt(2)), ("match_rms_adamw", 0.2 * math.sqrt(8))])
def test_muon_is_its_formula(kind: str | None, factor: float) -> None:
    generator = np.random.default_rng(13)
    p, gradients = generator.standard_normal((8, 4)), generator.standard_normal((3, 8, 4))
    result = walk("Muon", {"lr": 0.1, "adjust_lr_fn": kind}, p, gradients)
    b = np.zeros_like(p)
    for g in gradients:
        b = 0.95 * b + 0.05 * g
        o = newton_schulz(0.05 * g + 0.95 * b, (3.4445, -4.775, 2.0315), 5, 1e-7)
        p = (1 - 0.1 * 0.1) * p - 0.1 * factor * o
    np.testing.assert_allclose(result, p, rtol=1e-10)


def test_muon_takes_matrices_only() -> None:
    with pytest.raises(ArgumentError, match="only supports 2D"):
        optim.Muon([Tensor.of(np.ones(3)).requires_grad_()])
    with pytest.raises(ArgumentError, match="less than 100"):
        newton_schulz(np.ones((2, 2)), (1, 1, 1), 100, 1e-7)
    with pytest.raises(ArgumentError, match="exactly 3"):
        newton_schulz(np.ones((2, 2)), (1, 1), 5, 1e-7)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Muon", "Adafactor"])
def test_rules_on_norms_refuse_complex_parameters(name: str) -> None:
    p = Tensor.of(np.ones((2, 2), complex)).requires_grad_()
    p.grad = Tensor.of(np.ones((2, 2), complex))
    with pytest.raises(DtypeError, match="complex"):
        getattr(optim, name)([p]).step()


def test_asgd_averages_from_t0_on() -> None:
    p = Tensor.of(np.zeros(1)).requires_grad_()
    optimizer = optim.ASGD([p], lr=1.0, lambd=0.0, t0=3)
    seen = []
    for g in (1.0, 2.0, 3.0, 4.0, 5.0):
        p.grad = Tensor.of(np.array([g]))
        optimizer.step()
        seen.append(p.array.item())
    # μ is 1 up to step t0 + 1, so the average starts with the value of step 4 and takes in step 5 at 1/1 too,
    # since each step uses the μ that the one before has set.
    assert optimizer.state[p]["ax"].array.item() == pytest.approx(seen[-1])
    p.grad = Tensor.of(np.array([6.0]))
    optimizer.step()
    assert optimizer.state[p]["ax"].array.item() == pytest.approx((seen[-1] + p.array.item()) / 2)
