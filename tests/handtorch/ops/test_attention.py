"""Attention as an op: blocks of any size give the same, and little memory is enough for long sequences."""

import tracemalloc

import numpy as np
import pytest

import handtorch
from handtorch.ops import attention
from handtorch.ops.attention import ScaledDotProductAttention
from handtorch.random import Generator

SAMPLES = [sample for sample in ScaledDotProductAttention.samples() if not sample.bad]


def results(sample, weights):
    """What a sample gives, and all its gradients of first and second order."""
    leaves = [handtorch.tensor(x, requires_grad=True) for x in sample.inputs]
    y = sample.make()(*leaves)
    first = handtorch.autograd.grad((y * weights(y)).sum(), leaves, create_graph=True)
    second = handtorch.autograd.grad(sum((g * weights(g)).sum() for g in first), leaves, allow_unused=True)
    return [x.detach().numpy() for x in (y, *first, *second) if x is not None]


def varied(x):
    """A weight for each element."""
    return handtorch.arange(1, x.numel() + 1, dtype=x.dtype).reshape(x.shape).cos()


@pytest.mark.parametrize("scores", [1, 7, 40])
@pytest.mark.parametrize("i", range(len(SAMPLES) - 1))
def test_blocks_of_any_size_give_what_the_whole_gives(i, scores, monkeypatch):
    whole = results(SAMPLES[i], varied)
    monkeypatch.setattr(attention, "BLOCK", scores)
    for part, expected in zip(results(SAMPLES[i], varied), whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-10, atol=1e-12)


def test_the_scores_of_8192_places_are_never_held_at_once():
    q, k, v = (handtorch.randn(1, 1, 8192, 64).requires_grad_() for _ in range(3))
    tracemalloc.start()
    y = handtorch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    y.sum().backward()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6 < 4 * 8192**2


def test_backward_and_forward_leave_out_the_same_weights(monkeypatch):
    """With one-hot values y shows the weights, and dL/dv those that backward draws once more."""
    monkeypatch.setattr(attention, "BLOCK", 64)
    q, k = handtorch.randn(3, 8, 4), handtorch.randn(3, 16, 4)
    v = handtorch.eye(16).expand(3, 16, 16).clone().requires_grad_()
    weights = ScaledDotProductAttention(dropout_p=0.5)(q, k, v)
    assert 0.3 < (weights == 0).float().mean().item() < 0.7
    weights.backward(handtorch.ones(3, 8, 16))
    np.testing.assert_allclose(v.grad[..., 0].numpy(), weights.detach().sum(-2).numpy(), rtol=1e-5)


def test_a_generator_of_ones_own_leaves_the_default_one_alone():
    state = handtorch.get_rng_state()
    q, k, v = (handtorch.randn(3, 4, 4, generator=Generator()) for _ in range(3))
    ScaledDotProductAttention(dropout_p=0.5, generator=Generator())(q, k, v)
    assert (handtorch.get_rng_state() == state).all()
