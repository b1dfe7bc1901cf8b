"""The twin of attention against the op, where blocks, heads and threads meet."""

import numpy as np
import pytest

from handtorch import from_numpy, kernels, manual_seed
from handtorch.kernels import attention as twin
from handtorch.kernels import threads
from handtorch.ops.attention import ScaledDotProductAttention

SOME = np.random.default_rng(5).random((90, 600)) > 0.3


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.fixture(autouse=True)
def _small_is_large_enough(monkeypatch):
    monkeypatch.setattr(ScaledDotProductAttention, "twin_from", 0)


def results(choice, op, inputs):
    """y, and the gradients of all inputs, by the op or by its twin."""
    with kernels.use(choice):
        manual_seed(1)
        xs = [from_numpy(x).requires_grad_() for x in inputs]
        y = op(*xs)
        assert type(y.op).__module__.startswith("handtorch.kernels.") == (choice == "fast")
        y.backward(from_numpy(np.cos(np.arange(y.numel())).reshape(y.shape)))
    return [y.detach().numpy(), *(x.grad.numpy() for x in xs)]


def hold_together(make, *inputs):
    for fast, plain in zip(results("fast", make(), inputs), results("reference", make(), inputs), strict=True):
        np.testing.assert_allclose(fast, plain, rtol=1e-11, atol=1e-11)


QUERIES, KEYS, VALUES = normal(2, 3, 90, 9), normal(2, 3, 600, 9, seed=1), normal(2, 3, 600, 5, seed=2)

SETTINGS = {
    "all": {},
    "causal": {"causal": True},
    "causal after 20 keys": {"causal": True, "offset": 20},
    "causal, the first queries see nothing": {"causal": True, "offset": -70},
    "causal after more keys than a block has": {"causal": True, "offset": 505},
    "masked": {"mask": SOME},
    "masked by key": {"mask": SOME[:2, None, None]},
    "masked and causal": {"mask": SOME, "causal": True},
    "a query that sees nothing": {"mask": SOME & (np.arange(90) != 80)[:, None]},
    "dropped": {"dropout_p": 0.3},
    "all dropped": {"dropout_p": 1.0},
    "dropped, masked and causal": {"dropout_p": 0.3, "mask": SOME, "causal": True, "offset": 300},
    "another scale": {"scale": 0.1},
}


@pytest.mark.parametrize("threads_", [1, 3])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_twin_agrees_with_the_op_whatever_is_left_out(settings, threads_, monkeypatch):
    monkeypatch.setattr(threads, "_threads", threads_)
    monkeypatch.setattr(threads, "_pool", None)
    monkeypatch.setattr(twin, "_WORTH_A_THREAD", 0)
    hold_together(lambda: ScaledDotProductAttention(**settings), QUERIES, KEYS, VALUES)


@pytest.mark.parametrize("bias", [(90, 600), (2, 1, 1, 600), (3, 90, 1)], ids=str)
def test_a_bias_gets_the_gradient_of_its_own_shape(bias):
    hold_together(ScaledDotProductAttention, QUERIES, KEYS, VALUES, normal(*bias, seed=3))


@pytest.mark.parametrize(
    "shapes",
    [((64, 9), (40, 9), (40, 3)), ((4, 1, 33, 2), (5, 40, 2), (40, 3)), ((2, 2, 3, 20, 4), (2, 2, 1, 30, 4), (30, 4))],
    ids=str,
)
def test_heads_are_broadcast(shapes):
    hold_together(ScaledDotProductAttention, *(normal(*shape, seed=i) for i, shape in enumerate(shapes)))


def test_dropout_is_drawn_in_parts_as_it_is_at_once(monkeypatch):
    monkeypatch.setattr(twin, "_AT_ONCE", 64 * 600)
    hold_together(lambda: ScaledDotProductAttention(dropout_p=0.3), QUERIES, KEYS, VALUES)


def test_results_lie_in_memory_as_the_queries_do():
    q, k, v = (x.swapaxes(1, 2).copy().swapaxes(1, 2) for x in (QUERIES, KEYS, VALUES))
    y, dq, dk, dv = results("fast", ScaledDotProductAttention(causal=True), (q, k, v))
    assert all(x.swapaxes(1, 2).flags.c_contiguous for x in (y, dq, dk, dv))
    for fast, plain in zip(
        (y, dq, dk, dv), results("reference", ScaledDotProductAttention(causal=True), (q, k, v)), strict=True
    ):
        np.testing.assert_allclose(fast, plain, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("where", range(3))
def test_nan_and_infinity_go_where_they_go_in_the_op(where):
    inputs = [QUERIES.copy(), KEYS.copy(), VALUES.copy()]
    inputs[where][0, 1, 70, 2] = np.nan
    inputs[where][1, 1, 30, 2] = np.inf
    fast, plain = (
        results(choice, ScaledDotProductAttention(causal=True, offset=30), inputs)[0]
        for choice in ("fast", "reference")
    )
    np.testing.assert_allclose(fast, plain, rtol=1e-11, atol=1e-11)


def test_scores_too_large_for_their_exponential_are_no_problem():
    hold_together(ScaledDotProductAttention, 300 * QUERIES, KEYS, VALUES)
