"""The compiled twins of SGD and Adam: the plain rule's numbers, and nothing compiled before it pays."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest

from handtorch import kernels, optim
from handtorch.kernels import threads
from handtorch.tensor import Tensor

SHAPES = [(300, 70), (7,), (0, 3), (), (64, 65), (1,)]
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"weight_decay": 0.1, "maximize": True}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.4, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"betas": (0.4, 0.5), "maximize": True, "eps": 1e-2}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "amsgrad": True, "maximize": True}),
]


def params_of(dtype: Any, shapes: list[tuple[int, ...]] = SHAPES) -> list[Tensor]:
    generator = np.random.default_rng(1)
    return [Tensor.of(np.array(generator.standard_normal(shape), dtype)).requires_grad_() for shape in shapes]


def run(name: str, options: dict[str, Any], params: list[Tensor], choice: str, steps: int = 4) -> Any:
    generator = np.random.default_rng(2)
    optimizer = getattr(optim, name)(params, lr=0.01, **options)
    with kernels.use(choice):
        for _ in range(steps):
            for p in params:
                p.grad = Tensor.of(np.array(generator.standard_normal(p.array.shape), p.array.dtype))
            optimizer.step()
    return optimizer


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "options"), SETTINGS)
def test_twin_and_rule_agree(
    name: str, options: dict[str, Any], dtype: Any, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handtorch.kernels import optim as twins

    monkeypatch.setattr(twins, "GRAIN", 1000)
    before = threads.get_num_threads()
    threads.set_num_threads(workers)
    try:
        fast, plain = params_of(dtype), params_of(dtype)
        a, b = run(name, options, fast, "fast"), run(name, options, plain, "reference")
    finally:
        threads.set_num_threads(before)
    tolerance = 2e-6 if dtype is np.float32 else 1e-14
    for p, q in zip(fast, plain, strict=True):
        assert p.array.dtype == dtype
        np.testing.assert_allclose(p.array, q.array, rtol=tolerance, atol=tolerance)
        assert a.state[p].keys() == b.state[q].keys()
        for key in a.state[p]:
            np.testing.assert_allclose(
                a.state[p][key].array, b.state[q][key].array, rtol=10 * tolerance, atol=tolerance
            )


@pytest.mark.parametrize(("name", "options"), [("SGD", {"momentum": 0.9, "dampening": 0.5}), ("AdamW", {"eps": 1e-3})])
def test_arrays_that_are_not_plain_memory_are_left_to_the_rule(name: str, options: dict[str, Any]) -> None:
    def params() -> list[Tensor]:
        big = np.random.default_rng(3).standard_normal((200, 200)).astype(np.float32)
        return [
            Tensor.of(big.copy()).requires_grad_(),
            Tensor.of(big.T.copy().T).requires_grad_(),
            Tensor.of(big.astype(np.float16)).requires_grad_(),
            Tensor.of(big[:, ::2]).requires_grad_(),
        ]

    fast, plain = params(), params()
    a = run(name, options, fast, "fast")
    run(name, options, plain, "reference")
    for p, q in zip(fast, plain, strict=True):
        np.testing.assert_allclose(p.array, q.array, rtol=1e-5, atol=1e-6)
    if name == "AdamW":
        assert all(a.state[p]["step"].array == 4 for p in fast)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "options"), [("SGD", {"momentum": 0.9}), ("AdamW", {"amsgrad": True})])
def test_a_gradient_that_is_not_finite_shows_in_both(name: str, options: dict[str, Any], value: float) -> None:
    results = []
    for choice in ("fast", "reference"):
        p = Tensor.of(np.ones(20000, np.float32)).requires_grad_()
        optimizer = getattr(optim, name)([p], **options)
        with kernels.use(choice), np.errstate(all="ignore"):
            for g in (value, 1.0):
                p.grad = Tensor.of(np.full(20000, 0.5, np.float32))
                p.grad.array[7] = g
                optimizer.step()
        results.append(p.array)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    assert np.isfinite(np.delete(results[0], 7)).all()


def test_the_version_of_the_parameter_counts_the_step() -> None:
    p = Tensor.of(np.ones(20000, np.float32)).requires_grad_()
    p.grad = Tensor.of(np.ones(20000, np.float32))
    before = p._version
    optim.AdamW([p]).step()
    assert p._version == before + 1


@pytest.mark.parametrize(("size", "choice", "loaded"), [(100, "fast", 0), (20000, "reference", 0), (20000, "fast", 1)])
def test_numba_is_imported_only_where_it_pays(size: int, choice: str, loaded: int) -> None:
    program = f"""
import sys, numpy as np
from handtorch import optim
from handtorch.tensor import Tensor
p = Tensor.of(np.ones({size}, np.float32)).requires_grad_()
p.grad = Tensor.of(np.ones({size}, np.float32))
for name in ("SGD", "Adam", "AdamW"):
    getattr(optim, name)([p]).step()
sys.exit(int("numba" in sys.modules) != {loaded})
"""
    environment = {**os.environ, "HANDTORCH_KERNELS": choice}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 0


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the instructions are named as on x86")
def test_the_compiled_loops_are_vectorized() -> None:
    from handtorch.kernels import optim as twins

    fresh = numba.njit(error_model="numpy", fastmath={"contract"})(twins._adam.py_func)  # a cached one has no listing
    vector = np.ones(8, np.float32)
    fresh(*(vector.copy() for _ in range(4)), None, *np.ones(9, np.float32))
    (listing,) = fresh.inspect_asm().values()
    assert "sqrtps" in listing and "divps" in listing
