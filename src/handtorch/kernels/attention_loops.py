"""The loops of attention, over the queries of one head: a block of scores at a time, on packed keys and values.

Arrays of a head have an axis of no meaning in front, so that none lies in memory without gaps: for Numba they are all
of one type then, and what it compiles for one serves for every layout.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from handtorch.kernels.compile import exp, kernel, largest, summing_kernel
from handtorch.kernels.panels import lay, multiply

_KEYS = 512  # of a block, backwards; a multiple of every panel's width


class Rules(NamedTuple):
    """How scores become weights.

    Attributes:
        scale: s.
        raised: what a weight is multiplied with that is not dropped.
        causal: whether query i sees the keys 0 ... i + offset only.
        offset: that offset.
        biased, masked, dropped: whether there are a bias, a mask, and dropout; if not, their arrays have no meaning.
        to_bias: whether db is wanted; if not, its array has no meaning.
        block: how many queries at a time.
        wide: the width of panels.
    """

    scale: Any
    raised: Any
    causal: bool
    offset: int
    biased: bool
    masked: bool
    dropped: bool
    to_bias: bool
    block: int
    wide: int


@summing_kernel
def _exponentials(row: Any, shift: Any) -> Any:
    """Replace x by e^(x - shift), and return their sum."""
    total = row.dtype.type(0)
    for c in range(row.size):
        row[c] = exp(row[c] - shift)
        total += row[c]
    return total


@summing_kernel
def _dot(a: Any, b: Any) -> Any:
    total = a.dtype.type(0)
    for c in range(a.size):
        total += a[c] * b[c]
    return total


@kernel
def _scaled(x: Any, scale: Any, y: Any) -> None:
    for c in range(x.size):
        y[c] = scale * x[c]


@kernel
def _add(x: Any, y: Any) -> None:
    for c in range(x.size):
        y[c] += x[c]


@kernel
def _drop(row: Any, kept: Any, raised: Any) -> None:
    """Scale what is kept, and set the rest to 0."""
    zero = row.dtype.type(0)
    for c in range(row.size):
        row[c] *= raised if kept[c] else zero


@kernel
def _pull(row: Any, pull: Any, log_sum: Any, mean: Any) -> None:
    """Scores into weights P, and dL/dP into dL/d(score) = P (dL/dP - mean)."""
    for c in range(row.size):
        row[c] = exp(row[c] - log_sum)
        pull[c] = row[c] * (pull[c] - mean)


@kernel
def _packed(w: Any, wide: Any) -> Any:
    """The panels of w (M, K)."""
    panels = np.zeros((-(-len(w) // wide), w.shape[1], wide), w.dtype)
    lay(w, panels)
    return panels


@kernel
def _packed_blocks(x: Any, wide: Any) -> Any:
    """The panels of the transpose of each block of x (S, E)."""
    panels = np.zeros((-(-len(x) // _KEYS), -(-x.shape[1] // wide), min(len(x), _KEYS), wide), x.dtype)
    for i in range(len(panels)):
        lay(x[i * _KEYS : (i + 1) * _KEYS].T, panels[i])
    return panels


@kernel
def _room(rows: Any, x: Any, wide: Any) -> Any:
    """Zeros for sums of so many rows, as long as those of x (2, S, E) or a little longer."""
    return np.zeros((rows, -(-x.shape[2] // wide) * wide), x.dtype)


@kernel
def _panels_of(panels: Any, low: Any, high: Any) -> Any:
    """The panels that have the rows from low, where one begins, to high."""
    wide = panels.shape[2]
    return panels[low // wide : -(-high // wide)]


@kernel
def _seen_by(stop: Any, keys: Any, rules: Any) -> Any:
    """How many keys the queries before number ``stop`` see at the most."""
    return min(keys, max(0, stop + rules.offset)) if rules.causal else keys


@kernel
def _score(lines: Any, panels: Any, bias: Any, mask: Any, ahead: Any, rules: Any, scores: Any) -> None:
    """Fill the scores (queries, keys) with s q kᵀ + b, or -Inf where a query must not see a key.

    Args:
        lines: s q.
        panels: the packed keys.
        ahead: with a causal mask, the number of the last of these keys that the first query sees.
    """
    infinity = scores.dtype.type(np.inf)
    multiply(lines, panels, scores)
    for n in range(len(lines)):
        row = scores[n]
        if rules.biased:
            _add(bias[n], row)
        if rules.masked:
            seen = mask[n]
            for c in range(seen.size):
                row[c] = row[c] if seen[c] else -infinity
        if rules.causal:
            row[max(0, n + ahead + 1) :] = -infinity


@kernel
def _take_in(row: Any, highest: Any, total: Any, result: Any) -> Any:
    """Turn scores x into e^(x - h), h the highest so far; return h and the sum so far; the result so far follows h."""
    top = max(highest, largest(row))
    shift = top if top != -np.inf else row.dtype.type(0)
    shrunk = exp(highest - shift)
    if shrunk != 1:
        _scaled(result, shrunk, result)
    return top, shrunk * total + _exponentials(row, shift)


@kernel
def attend(
    q: Any, k: Any, v: Any, bias: Any, mask: Any, kept: Any, rules: Any, first: Any, last: Any, y: Any, log_sums: Any
) -> None:
    """y and ln Σ e^score of the queries from ``first`` to ``last``, whose lines of ``kept`` begin with number 0."""
    block, wide, kind, length = rules.block, rules.wide, y.dtype.type, k.shape[1]
    keys, values = _packed(k[0], wide), _packed_blocks(v[0], wide)
    lines, results = np.empty((block, k.shape[2]), y.dtype), _room(block, v, wide)
    scores = np.empty((block, min(len(keys) * wide, _KEYS)), y.dtype)
    for start in range(first, last, block):
        stop = min(start + block, last)
        rows = stop - start
        for n in range(rows):
            _scaled(q[0, start + n], rules.scale, lines[n])
        results[:] = 0
        highest, totals = np.full(rows, -kind(np.inf)), np.zeros(rows, y.dtype)
        seen = _seen_by(stop, length, rules)
        for low in range(0, seen, _KEYS):
            high = min(low + _KEYS, seen)
            own_bias, own_mask, ahead = bias[0, start:stop, low:high], mask[0, start:stop, low:high], start - low
            _score(lines[:rows], _panels_of(keys, low, high), own_bias, own_mask, ahead + rules.offset, rules, scores)
            for n in range(rows):
                row = scores[n, : high - low]
                highest[n], totals[n] = _take_in(row, highest[n], totals[n], results[n])
                if rules.dropped:
                    _drop(row, kept[0, start - first + n, low:high], rules.raised)
            multiply(scores[:rows, : high - low], values[low // _KEYS], results, True)
        for n in range(rows):
            total = totals[n]
            log_sums[0, start + n] = highest[n] + np.log(total) if total != 0 else kind(np.inf)
            _scaled(results[n, : v.shape[2]], kind(1) / total if total != 0 else kind(0), y[0, start + n])


@kernel
def attend_back(
    q: Any, k: Any, v: Any, bias: Any, mask: Any, kept: Any, rules: Any, first: Any, last: Any, y: Any, log_sums: Any,
    g: Any, dq: Any, dk: Any, dv: Any, db: Any,
) -> None:  # fmt: skip
    """dq of the queries from ``first`` to ``last``, their share of dk and dv, and db if that is wanted."""
    block, wide, length = rules.block, rules.wide, k.shape[1]
    keys, values, back = _packed(k[0], wide), _packed(v[0], wide), _packed_blocks(k[0], wide)
    to_k, to_v, to_q = _room(length, k, wide), _room(length, v, wide), _room(block, k, wide)
    lines, up = np.empty((block, k.shape[2]), k.dtype), np.empty((block, v.shape[2]), k.dtype)
    scores, pulls = np.empty((2, block, min(len(keys) * wide, _KEYS)), k.dtype)
    for start in range(first, last, block):
        stop = min(start + block, last)
        rows = stop - start
        for n in range(rows):
            _scaled(q[0, start + n], rules.scale, lines[n])
            up[n] = g[0, start + n]
        line_panels, up_panels = _packed(lines[:rows].T, wide), _packed(up[:rows].T, wide)
        to_q[:] = 0
        seen = _seen_by(stop, length, rules)
        for low in range(0, seen, _KEYS):
            high = min(low + _KEYS, seen)
            own_bias, own_mask, ahead = bias[0, start:stop, low:high], mask[0, start:stop, low:high], start - low
            _score(lines[:rows], _panels_of(keys, low, high), own_bias, own_mask, ahead + rules.offset, rules, scores)
            multiply(up[:rows], _panels_of(values, low, high), pulls)
            for n in range(rows):
                row, pull, i = scores[n, : high - low], pulls[n, : high - low], start + n
                if rules.dropped:
                    _drop(pull, kept[0, i - first, low:high], rules.raised)
                _pull(row, pull, log_sums[0, i], _dot(up[n], y[0, i]))
                if rules.dropped:
                    _drop(row, kept[0, i - first, low:high], rules.raised)
                if rules.to_bias:
                    db[0, i, low:high] = pull
            weights, to_scores = scores[:rows, : high - low], pulls[:rows, : high - low]
            multiply(weights.T, up_panels, to_v[low:high], True)
            multiply(to_scores.T, line_panels, to_k[low:high], True)
            multiply(to_scores, back[low // _KEYS], to_q, True)
        for n in range(rows):
            _scaled(to_q[n, : k.shape[2]], rules.scale, dq[0, start + n])
    dk[0, :, :] = to_k[:, : k.shape[2]]
    dv[0, :, :] = to_v[:, : v.shape[2]]
