"""Twin of CTC: one walk forwards and one back for each sequence, without a logarithm, on all threads.

Probabilities of alignments are far too small for floating point, and the logarithms that the op takes instead cost
three exponentials and a logarithm a state. Here every probability has an exponent of its own, m 2^k with m in [1, 2)
and whole k, both kept as floating point numbers: a product multiplies the m and adds the k, a sum moves its terms to
the largest k. That is a handful of instructions on bits, which vectorise, loses no digits however small p is, and
needs e^x once a symbol and frame. What cannot happen has m = 0.

The labels' states and the blanks' are arrays of their own: blank j stands before label j, which is at place j + 1 of
the labels, so that place 0 (and S + 1) is a state that no walk is ever in.

The gradient is computed at once if somebody will want it, while alpha is still in the processor's cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from handtorch.kernels.compile import _ROUND, _ROUND64, _STRICT, _bits, _bits64, _float, _float64, kernel
from handtorch.kernels.threads import parallel_for
from handtorch.ops import ctc

_NEVER = -1e30  # the exponent of what cannot happen, and the least there is: anything else outweighs it
_FORBIDDEN = 4 * _NEVER  # what a way that may not be gone adds to the exponent
_LOG2_E, _LN2 = 1 / math.log(2), math.log(2)
_LN2_HIGH = 0.693359375  # ends in zeros, so that its product with k is exact
_LN2_LOW = _LN2 - _LN2_HIGH


def _power(k: Any) -> Any:
    """2^k for whole k up to 127 (1023); 0 where it is too small for a normal number."""


@overload(_power, jit_options=_STRICT)
def _power_of_type(k):  # type: ignore[no-untyped-def] # annotations would have to stand at the inner function too
    if k == types.float64:
        return lambda k: _float64((_bits64(max(k, -1023.0) + _ROUND64) - _bits64(_ROUND64) + 1023) << 52)
    lowest = np.float32(-127)
    return lambda k: _float(np.int32((_bits(max(k, lowest) + _ROUND) - _bits(_ROUND) + np.int32(127)) << np.int32(23)))


def _exponent(m: Any) -> Any:
    """The whole number k with 2^k <= m < 2^(k+1), for m > 0."""


@overload(_exponent, jit_options=_STRICT)
def _exponent_of_type(m):  # type: ignore[no-untyped-def]
    if m == types.float64:
        return lambda m: _float64(_bits64(_ROUND64) + (_bits64(m) >> 52) - 1023) - _ROUND64
    return lambda m: _float(np.int32(_bits(_ROUND) + (_bits(m) >> np.int32(23)) - np.int32(127))) - _ROUND


@kernel
def _ways_in(lm: Any, lk: Any, bm: Any, bk: Any, skips: Any, ym: Any, yk: Any, m: Any, k: Any) -> None:
    """The labels' states a frame on: what was there, came from the blank before, or from the label before that."""
    for j in range(ym.size):
        stay, step, skip = lk[j + 1], bk[j], lk[j] + skips[j]
        most = max(stay, step, skip)
        total = ym[j] * (lm[j + 1] * _power(stay - most) + bm[j] * _power(step - most) + lm[j] * _power(skip - most))
        shift = _exponent(total)
        m[j + 1] = total * _power(-shift)
        k[j + 1] = max(most + shift + yk[j], lm.dtype.type(_NEVER))


@kernel
def _ways_out(lm: Any, lk: Any, bm: Any, bk: Any, skips: Any, m: Any, k: Any) -> None:
    """The same backwards, from states that are weighed with their own frame."""
    for j in range(m.size - 2):
        stay, step, skip = lk[j + 1], bk[j + 1], lk[j + 2] + skips[j + 1]
        most = max(stay, step, skip)
        total = lm[j + 1] * _power(stay - most) + bm[j + 1] * _power(step - most) + lm[j + 2] * _power(skip - most)
        shift = _exponent(total)
        m[j + 1] = total * _power(-shift)
        k[j + 1] = max(most + shift, lm.dtype.type(_NEVER))


@kernel
def _sums(am: Any, ak: Any, bm: Any, bk: Any, ym: Any, yk: Any, m: Any, k: Any) -> None:
    """(a + b) y, state by state: the blanks, which are entered from themselves and from one label."""
    for j in range(m.size):
        most = max(ak[j], bk[j])
        total = ym * (am[j] * _power(ak[j] - most) + bm[j] * _power(bk[j] - most))
        shift = _exponent(total)
        m[j] = total * _power(-shift)
        k[j] = max(most + shift + yk, am.dtype.type(_NEVER))


@kernel
def _shares(am: Any, ak: Any, bm: Any, bk: Any, pk: Any, share: Any) -> None:
    """alpha beta / p, but for the mantissa of p."""
    for j in range(share.size):
        share[j] = am[j] * bm[j] * _power(ak[j] + bk[j] - pk)


@kernel
def _walk_forwards(targets: Any, skips: Any, blank: Any, xm: Any, xk: Any, lm: Any, lk: Any, bm: Any, bk: Any) -> None:
    """Fill alpha (T+1, S+2) of labels and blanks, whose row t is alpha_t-1; row 0 is given."""
    labels = targets.size
    ym, yk = np.empty(labels, xm.dtype), np.empty(labels, xm.dtype)
    for t in range(xm.shape[0]):
        for j in range(labels):
            ym[j], yk[j] = xm[t, targets[j]], xk[t, targets[j]]
        _ways_in(lm[t], lk[t], bm[t], bk[t], skips, ym, yk, lm[t + 1], lk[t + 1])
        _sums(bm[t], bk[t], lm[t], lk[t], xm[t, blank], xk[t, blank], bm[t + 1], bk[t + 1])


@kernel
def _subtract_posterior(
    targets: Any, skips: Any, blank: Any, xm: Any, xk: Any, lm: Any, lk: Any, bm: Any, bk: Any, pk: Any, pull: Any
) -> None:
    """Walk back with beta, and take the posterior of every symbol from ``pull`` (T, C)."""
    labels, kind = targets.size, xm.dtype
    ends = np.zeros((4, labels + 2), kind)  # beta: mantissas and exponents of labels, then of blanks
    onwards = np.zeros((4, labels + 2), kind)  # beta, weighed with its frame
    ends[1::2] = _NEVER
    onwards[1::2] = _NEVER
    ends[0, labels] = 1 if labels else 0
    ends[1, labels] = 0 if labels else _NEVER
    ends[2, labels], ends[3, labels] = 1, 0
    one, zero = kind.type(1), kind.type(0)
    of_labels, of_blanks = np.empty(labels + 2, kind), np.empty(labels + 2, kind)
    for t in range(xm.shape[0] - 1, -1, -1):
        _shares(lm[t + 1], lk[t + 1], ends[0], ends[1], pk, of_labels)
        _shares(bm[t + 1], bk[t + 1], ends[2], ends[3], pk, of_blanks)
        total = of_labels.sum() + of_blanks.sum()
        pull[t, blank] -= of_blanks.sum() / total
        for j in range(labels):
            pull[t, targets[j]] -= of_labels[j + 1] / total
            onwards[0, j + 1] = ends[0, j + 1] * xm[t, targets[j]]
            onwards[1, j + 1] = ends[1, j + 1] + xk[t, targets[j]]
        for j in range(labels + 1):
            onwards[2, j] = ends[2, j] * xm[t, blank]
            onwards[3, j] = ends[3, j] + xk[t, blank]
        _ways_out(onwards[0], onwards[1], onwards[2], onwards[3], skips, ends[0], ends[1])
        _sums(
            onwards[2, : labels + 1],
            onwards[3],
            onwards[0, 1:],
            onwards[1, 1:],
            one,
            zero,
            ends[2, : labels + 1],
            ends[3],
        )


class CtcLoss(ctc.CtcLoss):
    """Sequences in turn; alpha is kept for the ones at work only."""

    def accepts(self, x: Any) -> bool:  # type: ignore[override]
        return x.ndim == 3 and x.dtype.char in "fd"

    def forward(self, x: Any) -> Any:
        if x.shape[1] != len(self.targets):
            raise ValueError
        losses = np.empty(x.shape[1], x.dtype)
        pulls = np.zeros_like(x) if self.needs(0) else None

        def sequences(low: int, high: int) -> None:
            for n in range(low, high):
                frames, labels = self.input_lengths[n], self.target_lengths[n]
                pull = None if pulls is None else pulls[:frames, n]
                losses[n] = self.one(np.ascontiguousarray(x[:frames, n]), self.targets[n, :labels], pull)

        parallel_for(sequences, x.shape[1], finer=4)
        self.save(x, pulls)
        return losses

    def one(self, x: Any, targets: Any, pull: Any) -> float:
        """The loss of one sequence (T, C), and its gradient in ``pull`` if that is wanted."""
        frames, labels, kind = len(x), len(targets), x.dtype
        xm, xk = _split(x)
        skips = np.full(labels + 2, _FORBIDDEN, kind)
        skips[1:labels] = np.where(targets[1:] != targets[:-1], 0, _FORBIDDEN)
        alpha = np.zeros((4, frames + 1, labels + 2), kind)
        alpha[1::2] = _NEVER
        alpha[2:, 0, 0] = 1, 0
        _walk_forwards(targets, skips, self.blank, xm, xk, *alpha)
        ends = [(float(m[-1, labels]), float(k[-1, labels])) for m, k in (alpha[:2], alpha[2:])]
        pk = max(k for _, k in ends)
        p = sum(m * 2 ** (k - pk) for m, k in ends)
        if p == 0:
            if pull is not None:
                pull[...] = 0 if self.zero_infinity else np.nan
            return 0 if self.zero_infinity else np.inf
        if pull is not None:
            slope = np.exp(x)
            _subtract_posterior(targets, skips, self.blank, xm, xk, *alpha, kind.type(pk), slope)
            pull[...] = slope
        return -(math.log(p) + pk * _LN2)

    def backward(self, g: Any) -> Any:
        _, pulls = self.saved
        return g[:, None] * pulls


def _split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """e^x as m 2^k."""
    k = np.maximum(np.rint(x * x.dtype.type(_LOG2_E)), _NEVER, dtype=x.dtype)
    rest = (x - k * _LN2_HIGH) - k * _LN2_LOW
    return np.exp(np.clip(rest, -0.35, 0.35)) * (x > -np.inf), k
