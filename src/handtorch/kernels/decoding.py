"""One step of a Transformer in one call; see :class:`handtorch.ops.decoding.TransformerStep`.

With one row (or few) a map is as slow as its weights come from memory, so their rows are shared out among the threads;
each is read once for all rows of x.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from handtorch.kernels.compile import erf, exp, summing_kernel, tanh
from handtorch.kernels.sharing import join_in, put_down, take, wait
from handtorch.ops import decoding
from handtorch.ops.positions import turns

_MOST_ROWS = 8  # beyond them, products of matrices are quicker
_KINDS = np.dtype(np.float32), np.dtype(np.float64)
_GRAIN = 1 << 18  # weights that are worth a thread
_PIECE = 1 << 14  # weights that a thread takes at a time
_STAGES = 5  # of a layer
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
def _turned(joint, h, turn):  # type: ignore[no-untyped-def] # compiled for each type
    """Turn head h of joint (N, H, E) in place by angles; turn (2, E / 2), or (2, 0), is their cos and sin."""
    cos, sin = turn
    half = cos.size
    for n in range(joint.shape[0]):
        for i in range(half):
            first, second = joint[n, h, i], joint[n, h, i + half]
            joint[n, h, i] = first * cos[i] - second * sin[i]
            joint[n, h, i + half] = second * cos[i] + first * sin[i]


@summing_kernel
def _attended(joint, keys, values, length, number, y):  # type: ignore[no-untyped-def] # compiled for each type
    """Fill in y (N, H, E) what the head of this number, of all N H, finds among ``length`` keys and its own.

    joint (N, H + 2 K, E) holds queries, keys and values of the step; keys and values (N, K, C, E) those before.
    """
    heads, shared, features = y.shape[1], keys.shape[1], y.shape[2]
    n, h = number // heads, number % heads
    group = h // (heads // shared)
    q, own_key, own_value = joint[n, h], joint[n, heads + group], joint[n, heads + shared + group]
    scale = joint.dtype.type(1 / math.sqrt(features))
    scores = np.empty(length + 1, joint.dtype)
    for s in range(length):
        total = joint.dtype.type(0)
        for i in range(features):
            total += q[i] * keys[n, group, s, i]
        scores[s] = total * scale
    total = joint.dtype.type(0)
    for i in range(features):
        total += q[i] * own_key[i]
    scores[length] = total * scale
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


@summing_kernel
def _shared_map(x, w, b, code, residual, y, counters, stage):  # type: ignore[no-untyped-def] # compiled for each type
    """y (N, O) = residual + f(x wᵀ + b), a few rows of w at a time."""
    rows = max(_PIECE // w.shape[1], 1)
    pieces = (len(w) + rows - 1) // rows
    i = take(counters, stage)
    while i < pieces:
        _mapped(x, w, b, code, residual, rows * i, min(rows * (i + 1), len(w)), y)
        put_down(counters, stage)
        i = take(counters, stage)
    wait(counters, stage, pieces)


@summing_kernel
def _layer(x, keys, values, weights, settings, turn, buffers, counters, stage):  # type: ignore[no-untyped-def] # compiled for each type
    """Put what a layer makes of x (N, D) in its place, in five stages."""
    gain_1, shift_1, into, b, out, b_out, gain_2, shift_2, expand, b_expand, contract, b_contract = weights
    length, code, eps = settings
    joint, found, middle, wide = buffers
    shared, features = keys.shape[1], keys.shape[3]
    heads = joint.shape[1] - 2 * shared
    rows, by_head = joint.reshape(len(x), len(into)), found.reshape(len(x), heads, features)
    nothing = np.empty((0, 0), x.dtype)
    normed = np.empty_like(x)

    _normed(x, gain_1, shift_1, eps, normed)
    i = take(counters, stage)
    while i < joint.shape[1]:  # a head at a time: who made a query or a key turns it
        _mapped(normed, into, b, _PLAIN, nothing, features * i, features * (i + 1), rows)
        if i < heads + shared:
            _turned(joint, i, turn)
        put_down(counters, stage)
        i = take(counters, stage)
    wait(counters, stage, joint.shape[1])
    i = take(counters, stage + 1)
    while i < len(x) * heads:
        _attended(joint, keys, values, length, i, by_head)
        put_down(counters, stage + 1)
        i = take(counters, stage + 1)
    wait(counters, stage + 1, len(x) * heads)
    _shared_map(found, out, b_out, _PLAIN, x, middle, counters, stage + 2)
    _normed(middle, gain_2, shift_2, eps, normed)
    _shared_map(normed, expand, b_expand, code, nothing, wide, counters, stage + 3)
    _shared_map(wide, contract, b_contract, _PLAIN, middle, x, counters, stage + 4)


@summing_kernel
def _logits(x, last, caches, weights, settings, turn, joints, buffers, counters):  # type: ignore[no-untyped-def] # compiled for each type
    """All layers and what follows them; joints (L, N, H + 2 K, E) takes their queries, keys and values."""
    found, middle, wide, logits = buffers
    table, gain, shift = last
    for i in range(len(weights)):
        keys, values = caches[i]
        inside = joints[i], found, middle, wide
        _layer(x, keys, values, weights[i], settings, turn, inside, counters, _STAGES * i)
    normed = np.empty_like(x)
    _normed(x, gain, shift, settings[2], normed)
    nothing = np.empty((0, 0), x.dtype)
    _shared_map(normed, table, nothing[0:0].reshape(0), _PLAIN, nothing, logits, counters, _STAGES * len(weights))


class TransformerStep(decoding.TransformerStep):
    """The twin: one call for all of it, for at most eight rows."""

    def accepts(self, x: Any, *arrays: Any) -> bool:  # type: ignore[override]
        return (
            0 < len(x) <= _MOST_ROWS
            and x.shape[1] == 1
            and x.dtype in _KINDS
            and all([a is None or (a.dtype == x.dtype and a.flags.c_contiguous) for a in arrays])
        )

    def forward(self, x: Any, table: Any, gain: Any, shift: Any, *arrays: Any) -> Any:
        empty = np.empty(0, x.dtype)
        last = table, gain, empty if shift is None else shift
        caches, weights = [], []
        for keys, values, *own in self.by_layer(arrays):
            caches.append((keys, values))
            weights.append(tuple([empty if w is None else w for w in own]))
        shared, features = keys.shape[1], keys.shape[3]
        into, expand = weights[0][2], weights[0][8]
        batch, _, width = x.shape
        joints = np.empty((len(weights), batch, len(into) // features, features), x.dtype)
        buffers = tuple([np.empty((batch, size), x.dtype) for size in (width, width, len(expand), len(table))])
        y = x[:, 0].copy()  # what a layer gives takes the place of what it was given
        turn = np.empty((2, 0), x.dtype)
        if self.base is not None:
            cos, sin = turns(1 << max(self.position, 255).bit_length(), features // 2, self.base, x.dtype)
            turn = np.stack([cos[self.position], sin[self.position]])
        settings = self.length, _CODES[self.activation], self.eps
        given = y, last, tuple(caches), tuple(weights), settings, turn, joints, buffers
        size = table.size + len(weights) * (into.size + width * width + 2 * expand.size)
        join_in(lambda counters: _logits(*given, counters), 1 + size // _GRAIN, _STAGES * len(weights) + 1)
        own = joints[:, :, -2 * shared :, None]
        return buffers[-1][:, None], own[:, :, :shared], own[:, :, shared:]
