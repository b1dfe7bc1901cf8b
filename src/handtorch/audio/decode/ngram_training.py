r"""Estimates n-gram models from sentences: interpolated Kneser-Ney and Witten-Bell smoothing.

Both mix what was counted after a history h with what a shorter history h' says, P(w | h'), down to the uniform
distribution over the words, ``<unk>`` and ``</s>`` (never ``<s>``, which only begins). With c(h w) the count:

Witten and Bell (1991): a history after which T(h) different words were seen expects another one as often as it saw one:

    P(w | h) = (c(h w) + T(h) P(w | h')) / (c(h) + T(h))

Kneser and Ney (1995), modified by Chen and Goodman (1998, section 3): a discount D is taken from each count and given
to the shorter history; and there, a word does not count as often as it was seen, but once for each word it was seen
after:

    P(w | h) = (a(h w) - D(a(h w))) / a(h) + b(h) P(w | h')         a(h) = Σ_w a(h w),   b(h) = Σ_w D(a(h w)) / a(h)

a is the count for n-grams of full length and for those that begin a sentence, else the number of different words seen
before the n-gram. D differs for a = 1, a = 2 and a >= 3; with t_k n-grams of this length for which a = k,

    D(k) = k - (k + 1) t_1 t_{k+1} / ((t_1 + 2 t_2) t_k)

Where a length has too few n-grams for that (phones: none is seen only once), D is 0.5, 1 and 1.5.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable
from typing import NamedTuple

import numpy as np

from handtorch.audio.decode.frames import Doubles, Integers
from handtorch.audio.decode.ngram import END, START, UNKNOWN, NGram
from handtorch.audio.edit_distance import as_symbols
from handtorch.errors import ArgumentError

_FALLBACK_DISCOUNTS = np.array([0.0, 0.5, 1.0, 1.5])

# P(<s>) is never asked for; this is how ARPA files say so: 10^-99.
NEVER = -99.0 * np.log(10.0)


class _Level(NamedTuple):
    """All n-grams of one length, in the order of their nodes."""

    keys: Integers
    """parent · V + last word."""
    counts: Integers
    suffixes: Integers
    begins: np.ndarray
    """Whether the first word is ``<s>``."""


class _Estimate(NamedTuple):
    probs: Doubles
    """P(w | h) of each n-gram of a level."""
    backoffs: Doubles
    """What each node of the level above leaves to its shorter history."""


def train(
    sequences: Iterable[Iterable[Hashable]],
    order: int,
    smoothing: str,
    vocabulary: Iterable[Hashable],
    unknown: bool,
) -> NGram:
    """See :meth:`NGram.train`."""
    if order < 1:
        raise ArgumentError(f"expected order >= 1 words, got {order}")
    if smoothing not in ("kneser-ney", "witten-bell"):
        raise ArgumentError(f"expected smoothing 'kneser-ney' or 'witten-bell', got {smoothing!r}")
    index = {START: 0, END: 1, **({UNKNOWN: 2} if unknown else {})}
    for word in vocabulary:
        _number(str(word), index)
    sentences = [[0, *(_number(str(word), index) for word in as_symbols(one)), 1] for one in sequences]
    levels = _count(sentences, order, len(index))
    starts = np.cumsum([1, *(len(level.keys) for level in levels)])
    estimate = _kneser_ney if smoothing == "kneser-ney" else _witten_bell

    # The root's probability is the uniform one that the first level is mixed with.
    probs, backoffs = [np.array([1 / (len(index) - 1)])], []
    for k, level in enumerate(levels):
        parents = level.keys // len(index) - (starts[k - 1] if k else 0)
        shorter = probs[k][level.suffixes - (starts[k - 1] if k else 0)]
        counts = _adjusted(levels, k, starts) if smoothing == "kneser-ney" else level.counts
        if k == 0:
            counts = np.where(level.begins, 0, counts)
        found = estimate(counts, parents, shorter, len(probs[k]))
        probs.append(found.probs)
        backoffs.append(found.backoffs)
    probs[1][0] = np.exp(NEVER)
    backoffs.append(np.ones(len(levels[-1].keys)))
    return NGram(
        tuple(index),
        order,
        np.concatenate([level.keys for level in levels]),
        np.log(np.concatenate([[1.0], *probs[1:]])),
        np.log(np.concatenate([[1.0], *backoffs[1:]])),
        np.concatenate([[0], *(level.suffixes for level in levels)]),
        int(starts[-2]),
    )


def _number(word: str, index: dict[str, int]) -> int:
    if word in (START, END):
        raise ArgumentError(f"expected sentences without {START} and {END}, which are put around them; got {word!r}")
    return index.setdefault(word, len(index))


def _count(sentences: list[list[int]], order: int, V: int) -> list[_Level]:
    """Count the n-grams of each length up to ``order``, each under its node."""
    words = np.fromiter(itertools.chain.from_iterable(sentences), np.int64)
    place = np.fromiter(itertools.chain.from_iterable(range(len(one)) for one in sentences), np.int64)
    every = np.arange(V)
    levels = [_Level(every, np.bincount(words, minlength=V), np.zeros(V, np.int64), every == 0)]
    node = 1 + words  # of the n-gram that ends at each word
    start, end = 1, 1 + V
    for k in range(1, order):
        here = np.flatnonzero(place >= k)
        keys, ngram, counts = np.unique(node[here - 1] * V + words[here], return_inverse=True, return_counts=True)
        suffixes = np.empty(len(keys), np.int64)
        suffixes[ngram] = node[here]
        levels.append(_Level(keys, counts, suffixes, levels[-1].begins[keys // V - start]))
        node = node.copy()
        node[here] = end + ngram
        start, end = end, end + len(keys)
    return levels


def _adjusted(levels: list[_Level], k: int, starts: Integers) -> Integers:
    """Kneser and Ney's count: of the different words before an n-gram, where there can be one."""
    level = levels[k]
    if k + 1 == len(levels):
        return level.counts
    before = np.bincount(levels[k + 1].suffixes - starts[k], minlength=len(level.keys))
    return np.where(level.begins, level.counts, before)


def _kneser_ney(counts: Integers, parents: Integers, shorter: Doubles, histories: int) -> _Estimate:
    discounts = _discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(parents, counts, histories)
    backoffs = _ratio(np.bincount(parents, discounts, histories), totals)
    return _Estimate(_ratio(counts - discounts, totals[parents], 0.0) + backoffs[parents] * shorter, backoffs)


def _discounts(counts: Integers) -> Doubles:
    """(4,) D by min(count, 3)."""
    t = np.bincount(np.minimum(counts, 5), minlength=6)[:5].astype(np.float64)
    if not t[1:4].all():
        return _FALLBACK_DISCOUNTS
    k = np.arange(1, 4)
    found = k - (k + 1) * t[1] * t[k + 1] / ((t[1] + 2 * t[2]) * t[k])
    return np.append(0.0, found) if (found > 0).all() else _FALLBACK_DISCOUNTS


def _witten_bell(counts: Integers, parents: Integers, shorter: Doubles, histories: int) -> _Estimate:
    types = np.bincount(parents, counts > 0, histories)
    totals = np.bincount(parents, counts, histories) + types
    backoffs = _ratio(types, totals)
    return _Estimate(_ratio(counts, totals[parents], 0.0) + backoffs[parents] * shorter, backoffs)


def _ratio(a: Doubles | Integers, b: Doubles | Integers, without: float = 1.0) -> Doubles:
    """a / b; a history after which nothing was seen leaves all to the shorter one."""
    return np.divide(a, b, out=np.full(len(b), without), where=b > 0)
