"""Prefix beam search, against the sum over all paths."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

from handtorch.audio.decode import BeamSearch


def random_log_probs(seed, T, C, sharpness=1.0):
    logits = np.random.default_rng(seed).standard_normal((T, C)) * sharpness
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def said_by(path, blank):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)


def spans_of(path, blank):
    runs = [(symbol, len(list(run))) for symbol, run in itertools.groupby(path)]
    ends = list(itertools.accumulate(length for _, length in runs))
    return tuple((end - length, end) for (symbol, length), end in zip(runs, ends, strict=True) if symbol != blank)


def by_brute_force(log_probs, blank=0):
    """(symbols -> probability, symbols -> likeliest path) over all C^T paths."""
    T, C = log_probs.shape
    sums, best = defaultdict(float), {}
    for path in itertools.product(range(C), repeat=T):
        log_prob = sum(log_probs[t, c] for t, c in enumerate(path))
        symbols = said_by(path, blank)
        sums[symbols] += np.exp(log_prob)
        if symbols not in best or log_prob > best[symbols][0]:
            best[symbols] = (log_prob, path)
    return sums, {symbols: path for symbols, (_, path) in best.items()}


@pytest.mark.parametrize(("T", "C", "blank"), [(6, 3, 0), (6, 3, 2), (5, 4, 1), (1, 4, 0), (8, 2, 1), (4, 1, 0)])
def test_without_pruning_every_sequence_has_the_summed_probability_of_its_paths(T, C, blank):
    log_probs = random_log_probs(T * C, T, C, 2.0)
    sums, best = by_brute_force(log_probs, blank)
    found = BeamSearch(5000, blank=blank, n_best=5000)(log_probs)
    assert {one.symbols for one in found} == set(sums)
    for one in found:
        np.testing.assert_allclose(np.exp(one.score), sums[one.symbols], rtol=1e-10)
        assert one.times == spans_of(best[one.symbols], blank)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
