"""One step of a layer of a Transformer in a few calls; see :class:`handtorch.ops.decoding.TransformerStep`.

With one row (or few) a map is as slow as its weights come from memory, so their rows are shared out among the threads;
each is read once for all rows of x.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.compile import erf, exp, summing_kernel, tanh
from handtorch.kernels.threads import parallel_for
from handtorch.ops import decoding
from handtorch.ops.positions import turns

_MOST_ROWS = 8  # beyond them, products of matrices are quicker
_GRAIN = 1 << 16  # weights, or elements of keys, that are worth a thread
_PLAIN, _GELU, _TANH_GELU, _RELU, _SILU = range(5)
_CODES = {"gelu": _GELU, "gelu_tanh": _TANH_GELU, "relu": _RELU, "silu": _SILU}


@summing_kernel
def _normed(x, gain, shift, eps, y):  # type: ignore[no-untyped-def] # compiled for each type
    """Layer normalisation of each row of x (N, D)."""
    width = x.shape[1]
    for n in range(x.shape[0]):
        mean = x.dtype.type(0)
        for i in range(width):
            mean += x[n, i]
        mean /= width
        square = x.dtype.type(0)
        for i in range(width):
            square += (x[n, i] - mean) * (x[n, i] - mean)
        scale = x.dtype.type(1 / math.sqrt(square / width + eps))
        for i in range(width):
            y[n, i] = (x[n, i] - mean) * scale * gain[i]
        for i in range(shift.size):
            y[n, i] += shift[i]


@summing_kernel
def _mapped(x, w, b, code, residual, low, high, y):  # type: ignore[no-untyped-def] # compiled for each type
    """Fill columns low to high of y (N, O): residual + f(x wᵀ + b), x (N, I), w (O, I); b or residual may be empty."""
    width = x.shape[1]
    for o in range(low, high):
        for n in range(x.shape[0]):
            total = x.dtype.type(0)
            for i in range(width):
                total += w[o, i] * x[n, i]
            y[n, o] = total
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    for n in range(x.shape[0]):
        row = y[n, low:high]
        if b.size:
            row += b[low:high]
        if code == _GELU:
            for i in range(row.size):
                row[i] *= half * (one + erf(row[i] * x.dtype.type(math.sqrt(0.5))))
        elif code == _TANH_GELU:
            for i in range(row.size):
                cube = x.dtype.type(0.044715) * row[i] * row[i] * row[i]
                row[i] *= half * (one + tanh(x.dtype.type(math.sqrt(2 / math.pi)) * (row[i] + cube)))
        elif code == _RELU:
            for i in range(row.size):
                row[i] = max(row[i], x.dtype.type(0))
        elif code == _SILU:
            for i in range(row.size):
                row[i] /= one + exp(-row[i])
        if residual.size:
            row += residual[n, low:high]


@summing_kernel
def _turned(joint, heads, cos, sin):  # type: ignore[no-untyped-def] # compiled for each type
    """Turn the first heads of joint (N, heads, E) in place by the angles of cos and sin (E / 2)."""
    half = cos.size
    for n in range(joint.shape[0]):
        for h in range(heads):
            for i in range(half):
                first, second = joint[n, h, i], joint[n, h, i + half]
                joint[n, h, i] = first * cos[i] - second * sin[i]
                joint[n, h, i + half] = second * cos[i] + first * sin[i]


@summing_kernel
def _attended(joint, keys, values, length, low, high, y):  # type: ignore[no-untyped-def] # compiled for each type
    """Fill y (N, H, E) for the heads low to high of all N H: what they find among ``length`` keys and their own.

    joint (N, H + 2 K, E) holds queries, keys and values of the step; keys and values (N, K, C, E) those before.
    """
    heads, shared, features = y.shape[1], keys.shape[1], y.shape[2]
    scale = joint.dtype.type(1 / math.sqrt(features))
    scores = np.empty(length + 1, joint.dtype)
    for r in range(low, high):
        n, h = r // heads, r % heads
        group = h // (heads // shared)
        q, own_key, own_value = joint[n, h], joint[n, heads + group], joint[n, heads + shared + group]
        for s in range(length + 1):
            total = joint.dtype.type(0)
            if s < length:
                for i in range(features):
                    total += q[i] * keys[n, group, s, i]
            else:
                for i in range(features):
                    total += q[i] * own_key[i]
            scores[s] = total * scale
        highest = scores.max()
        for s in range(length + 1):
            scores[s] = exp(scores[s] - highest)
        total = scores.sum()
        found = y[n, h]
        for i in range(features):
            found[i] = scores[length] * own_value[i]
        for s in range(length):
            for i in range(features):
                found[i] += scores[s] * values[n, group, s, i]
        for i in range(features):
            found[i] /= total


class TransformerStep(decoding.TransformerStep):
    """The twin: seven calls a layer, for at most eight rows."""

    def accepts(self, x: Any, *arrays: Any) -> bool:  # type: ignore[override]
        return (
            0 < len(x) <= _MOST_ROWS
            and x.shape[1] == 1
            and x.dtype in (np.float32, np.float64)
            and all(a is None or (a.dtype == x.dtype and a.flags.c_contiguous) for a in (x, *arrays))
        )

    def forward(self, x: Any, keys: Any, values: Any, *weights: Any) -> Any:
        x = x[:, 0]
        empty = np.empty(0, x.dtype)
        nothing = np.empty((0, 0), x.dtype)
        given = [empty if w is None else w for w in weights]
        gain_1, shift_1, into, b, out, b_out, gain_2, shift_2, expand, b_expand, contract, b_contract = given
        batch, shared, features = len(x), keys.shape[1], keys.shape[3]
        normed = np.empty_like(x)
        _normed(x, gain_1, shift_1, self.eps, normed)
        joint = self._mapped(normed, into, b, _PLAIN, nothing).reshape(batch, -1, features)
        heads = joint.shape[1] - 2 * shared
        if self.base is not None:
            cos, sin = turns(1 << max(self.position, 255).bit_length(), features // 2, self.base, x.dtype)
            _turned(joint, heads + shared, cos[self.position], sin[self.position])
        found = np.empty((batch, heads, features), x.dtype)
        parallel_for(
            lambda low, high: _attended(joint, keys, values, self.length, low, high, found),
            batch * heads,
            1 + _GRAIN // (features * (self.length + 1)),
        )
        x = self._mapped(found.reshape(batch, -1), out, b_out, _PLAIN, x)
        _normed(x, gain_2, shift_2, self.eps, normed)
        wide = self._mapped(normed, expand, b_expand, _CODES[self.activation], nothing)
        y = self._mapped(wide, contract, b_contract, _PLAIN, x)
        own = joint[:, heads:, None]
        return y[:, None], own[:, :shared], own[:, shared:]

    def _mapped(self, x: Any, w: Any, b: Any, code: int, residual: Any) -> Any:
        y = np.empty((len(x), len(w)), x.dtype)
        grain = 1 + _GRAIN // w.shape[1]
        parallel_for(lambda low, high: _mapped(x, w, b, code, residual, low, high, y), len(w), grain)
        return y
