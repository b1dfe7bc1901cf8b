"""All paths through a few frames, written out: what the decoders are held to."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def random_log_probs(seed, *shape, sharpness=2.0):
    return log_softmax(np.random.default_rng(seed).standard_normal(shape) * sharpness)


def say(path, blank):
    """The symbols that a path says: runs merged, then blanks dropped."""
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)


def spans(path, blank):
    """(first frame, frame after the last) of every symbol that a path says."""
    runs = [(symbol, len(list(run))) for symbol, run in itertools.groupby(path)]
    ends = list(itertools.accumulate(length for _, length in runs))
    return tuple((end - length, end) for (symbol, length), end in zip(runs, ends, strict=True) if symbol != blank)


def every_path(log_probs):
    """(path, log probability) of all C^T."""
    T, C = log_probs.shape
    for path in itertools.product(range(C), repeat=T):
        yield path, sum(log_probs[t, symbol] for t, symbol in enumerate(path))


def by_brute_force(log_probs, blank=0):
    """symbols -> (log of the summed probability of their paths, spans of the likeliest one), where it is possible."""
    sums, best = defaultdict(float), {}
    for path, log_prob in every_path(log_probs):
        symbols = say(path, blank)
        sums[symbols] += math.exp(log_prob)
        if symbols not in best or log_prob > best[symbols][0]:
            best[symbols] = (log_prob, spans(path, blank))
    return {symbols: (math.log(total), best[symbols][1]) for symbols, total in sums.items() if total > 0}
