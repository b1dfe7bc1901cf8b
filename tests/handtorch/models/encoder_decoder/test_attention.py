"""Both kinds of attention, against their formulas written out."""

import numpy as np
import pytest

import handtorch
from handtorch.errors import ArgumentError
from handtorch.models.encoder_decoder import DotAttention, LocationAttention

N, U, T, Q, D, H, E = 2, 3, 6, 5, 4, 2, 3
LENGTHS = [6, 4]


def softmax(x):
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def ready(attention):
    handtorch.manual_seed(1)
    queries, memory = handtorch.randn(N, U, Q), handtorch.randn(N, T, D)
    there = handtorch.tensor([[[[t < length for t in range(T)]]] for length in LENGTHS])
    weights = {name: parameter.detach().numpy() for name, parameter in attention.named_parameters()}
    return queries, memory, there, weights


def heads(weight, x):
    return (weight @ x).reshape(H, E)


@pytest.mark.parametrize("watch", [True, False])
def test_dot_attention_follows_its_formula(watch):
    attention = DotAttention(Q, D, H * E, H)
    queries, memory, there, w = ready(attention)
    contexts, weights, place = attention(queries, *attention.prepare(memory), there, watch=watch)
    assert place is None and (weights is None) is not watch
    for n, length in enumerate(LENGTHS):
        keys = [heads(w["key.weight"], m) for m in memory.numpy()[n, :length]]
        values = [heads(w["value.weight"], m) for m in memory.numpy()[n, :length]]
        for u in range(U):
            q = heads(w["query.weight"], queries.numpy()[n, u])
            for h in range(H):
                a = softmax(np.array([q[h] @ k[h] for k in keys]) / np.sqrt(E))
                expected = sum(weight * v[h] for weight, v in zip(a, values, strict=True))
                found = contexts.detach().numpy()[n, u].reshape(H, E)[h]
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
                if watch:
                    np.testing.assert_allclose(weights.detach().numpy()[n, h, u, :length], a, rtol=1e-4)
                    assert (weights.detach().numpy()[n, h, u, length:] == 0).all()


def test_location_attention_follows_its_formula():
    attention = LocationAttention(Q, D, H * E, H, kernel_size=3)
    queries, memory, there, w = ready(attention)
    contexts, weights, place = attention(queries, *attention.prepare(memory), there)
    np.testing.assert_array_equal(place.detach().numpy(), weights.detach().numpy()[:, :, -1])
    for n, length in enumerate(LENGTHS):
        before = np.zeros((H, T))
        values = np.stack([heads(w["value.weight"], m) for m in memory.numpy()[n]])
        for u in range(U):
            q = heads(w["query.weight"], queries.numpy()[n, u])
            now = np.zeros((H, T))
            for h in range(H):
                scores = []
                for t in range(length):
                    around = [before[h, s] if 0 <= s < T else 0.0 for s in (t - 1, t, t + 1)]
                    moved = w["location.weight"].reshape(H, E, 3)[h] @ around + w["location.bias"].reshape(H, E)[h]
                    key = heads(w["key.weight"], memory.numpy()[n, t])[h]
                    scores.append(w["score"][h, :, 0] @ np.tanh(q[h] + key + moved))
                now[h, :length] = softmax(np.array(scores))
                expected = now[h] @ values[:, h]
                found = contexts.detach().numpy()[n, u].reshape(H, E)[h]
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(weights.detach().numpy()[n, :, u], now, rtol=1e-4, atol=1e-6)
            before = now


def test_sizes_that_make_no_sense_are_refused():
    with pytest.raises(ArgumentError, match="divided among the heads"):
        DotAttention(4, 4, 6, 4)
    with pytest.raises(ArgumentError, match="odd kernel_size"):
        LocationAttention(4, 4, 6, 2, kernel_size=4)
