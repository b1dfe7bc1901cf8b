"""Recurrent layers, walked step by step: the loops of one direction for some of the sequences.

Every walk takes ``walk`` (T, 2), the first row of each step and how many rows follow it, in the order in which the
direction takes the steps; and the states of its sequences, which it updates in place. It fills rows of other arrays.
Names, gates and formulas are those of :mod:`handtorch.ops.recurrent`.

Loops along a row are short functions with few arrays: a loop over many does not vectorise, since it would have to check
for each pair whether they overlap.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handtorch.kernels.compile import exp, kernel, tanh
from handtorch.kernels.panels import multiply

# -- along a row ----------------------------------------------------------------------------------------------------


@kernel
def _copy(x: Any, y: Any) -> None:
    for k in range(y.size):
        y[k] = x[k]


@kernel
def _add(x: Any, y: Any) -> None:
    """y += x."""
    for k in range(y.size):
        y[k] += x[k]


@kernel
def _scale(x: Any, y: Any) -> None:
    """y *= x."""
    for k in range(y.size):
        y[k] *= x[k]


@kernel
def _product(x: Any, y: Any, out: Any) -> None:
    for k in range(out.size):
        out[k] = x[k] * y[k]


@kernel
def _sigmoid(a: Any, p: Any, y: Any) -> None:
    """y = σ(a + p)."""
    one = y.dtype.type(1)
    for k in range(y.size):
        y[k] = one / (one + exp(-(a[k] + p[k])))


@kernel
def _tanh(a: Any, p: Any, y: Any) -> None:
    """y = tanh(a + p)."""
    for k in range(y.size):
        y[k] = tanh(a[k] + p[k])


@kernel
def _tanh_within(a: Any, r: Any, p: Any, y: Any) -> None:
    """y = tanh(a + r p)."""
    for k in range(y.size):
        y[k] = tanh(a[k] + r[k] * p[k])


@kernel
def _relu(a: Any, p: Any, y: Any) -> None:
    """y = max(a + p, 0), and NaN stays NaN."""
    zero = y.dtype.type(0)
    for k in range(y.size):
        x = a[k] + p[k]
        y[k] = zero if x < zero else x


@kernel
def _sigmoid_back(g: Any, factor: Any, y: Any, out: Any) -> None:
    """out = g factor σ', from y = σ."""
    one = y.dtype.type(1)
    for k in range(out.size):
        out[k] = g[k] * factor[k] * y[k] * (one - y[k])


@kernel
def _tanh_back(g: Any, factor: Any, y: Any, out: Any) -> None:
    """out = g factor tanh', from y = tanh."""
    one = y.dtype.type(1)
    for k in range(out.size):
        out[k] = g[k] * factor[k] * (one - y[k] * y[k])


# -- h_t = φ(a_t + W_hh h_t-1) --------------------------------------------------------------------------------------


@kernel
def rnn(walk: Any, d: Any, relu: Any, a: Any, w: Any, h: Any, before: Any, after: Any, y: Any) -> None:
    """Forward: fills before and after (S, H) and y (S, D, H); w is W_hh, packed."""
    sums = np.empty((len(h), w.shape[0] * w.shape[2]), a.dtype)
    for t in range(len(walk)):
        first, n = walk[t]
        multiply(h[:n], w, sums)
        for b in range(n):
            s, p = first + b, sums[b]
            _copy(h[b], before[s])
            if relu:
                _relu(a[s, d], p, h[b])
            else:
                _tanh(a[s, d], p, h[b])
            _copy(h[b], after[s])
            _copy(h[b], y[s, d])


@kernel
def rnn_back(walk: Any, d: Any, relu: Any, gy: Any, w: Any, dh: Any, after: Any, da: Any) -> None:
    """Backward: fills da (S, D, H); w is W_hhᵀ, packed."""
    sums = np.empty((len(dh), w.shape[0] * w.shape[2]), gy.dtype)
    zero, ones = gy.dtype.type(0), np.ones(dh.shape[1], gy.dtype)
    for t in range(len(walk) - 1, -1, -1):
        first, n = walk[t]
        for b in range(n):
            s = first + b
            _add(gy[s, d], dh[b])
            if relu:
                g, h, out = dh[b], after[s], da[s, d]
                for k in range(out.size):
                    out[k] = g[k] if h[k] > zero else zero
            else:
                _tanh_back(dh[b], ones, after[s], da[s, d])
        multiply(da[first : first + n, d], w, sums)
        for b in range(n):
            _copy(sums[b], dh[b])


# -- h_t = (1 - z) n + z h_t-1 ----------------------------------------------------------------------------------------


@kernel
def _blend(z: Any, new: Any, h: Any) -> None:
    """h = (1 - z) new + z h."""
    one = h.dtype.type(1)
    for k in range(h.size):
        h[k] = (one - z[k]) * new[k] + z[k] * h[k]


@kernel
def gru(walk: Any, d: Any, a: Any, w: Any, bias: Any, h: Any, before: Any, gates: Any, inner: Any, y: Any) -> None:
    """Forward: fills before (S, H), gates (S, 3H): r z n, inner (S, H): p_n, and y (S, D, H); w is W_hh, packed."""
    size = h.shape[1]
    sums = np.empty((len(h), w.shape[0] * w.shape[2]), a.dtype)
    for t in range(len(walk)):
        first, n = walk[t]
        multiply(h[:n], w, sums)
        for b in range(n):
            s = first + b
            x, p, gate = a[s, d], sums[b, : 3 * size], gates[s]
            r, z, new = gate[:size], gate[size : 2 * size], gate[2 * size :]
            _copy(h[b], before[s])
            _add(bias, p)
            _copy(p[2 * size :], inner[s])
            _sigmoid(x[: 2 * size], p[: 2 * size], gate[: 2 * size])
            _tanh_within(x[2 * size :], r, p[2 * size :], new)
            _blend(z, new, h[b])
            _copy(h[b], y[s, d])


@kernel
def _new_back(dh: Any, z: Any, new: Any, out: Any) -> None:
    """dL/da_n = dh (1 - z) (1 - n²)."""
    one = out.dtype.type(1)
    for k in range(out.size):
        out[k] = dh[k] * (one - z[k]) * (one - new[k] * new[k])


@kernel
def _update_back(dh: Any, h: Any, new: Any, z: Any, out: Any) -> None:
    """dL/da_z = dh (h - n) z (1 - z)."""
    one = out.dtype.type(1)
    for k in range(out.size):
        out[k] = dh[k] * (h[k] - new[k]) * z[k] * (one - z[k])


@kernel
def gru_back(
    walk: Any, d: Any, gy: Any, w: Any, dh: Any, before: Any, gates: Any, inner: Any, da: Any, d_inner: Any
) -> None:
    """Backward: fills da (S, D, 3H) and d_inner (S, H): dL/dp_n; w is W_hhᵀ, packed."""
    size = dh.shape[1]
    sums = np.empty((len(dh), w.shape[0] * w.shape[2]), gy.dtype)
    dp = np.empty((len(dh), 3 * size), gy.dtype)
    for t in range(len(walk) - 1, -1, -1):
        first, n = walk[t]
        for b in range(n):
            s = first + b
            gate, out = gates[s], da[s, d]
            r, z, new = gate[:size], gate[size : 2 * size], gate[2 * size :]
            _add(gy[s, d], dh[b])
            _new_back(dh[b], z, new, out[2 * size :])
            _update_back(dh[b], before[s], new, z, out[size : 2 * size])
            _sigmoid_back(out[2 * size :], inner[s], r, out[:size])
            _product(out[2 * size :], r, d_inner[s])
            _copy(out[: 2 * size], dp[b, : 2 * size])
            _copy(d_inner[s], dp[b, 2 * size :])
            _scale(z, dh[b])
        multiply(dp[:n], w, sums)
        for b in range(n):
            _add(sums[b], dh[b])


# -- c_t = f c_t-1 + i g, h_t = o tanh c_t ----------------------------------------------------------------------------


@kernel
def _remember(f: Any, i: Any, g: Any, c: Any) -> None:
    """c = f c + i g."""
    for k in range(c.size):
        c[k] = f[k] * c[k] + i[k] * g[k]


@kernel
def _show(o: Any, c: Any, h: Any) -> None:
    """h = o tanh c."""
    for k in range(h.size):
        h[k] = o[k] * tanh(c[k])


@kernel
def lstm(
    walk: Any, d: Any, a: Any, w: Any, projection: Any, h: Any, c: Any, before: Any, cells: Any, gates: Any, y: Any
) -> None:
    """Forward: fills before (S, P), cells (S, H): c_t-1, gates (S, 4H): i f g o, and y (S, D, P).

    w is W_hh, packed; projection is W_hr, packed, or None.
    """
    size = c.shape[1]
    sums = np.empty((len(h), w.shape[0] * w.shape[2]), a.dtype)
    shown = np.empty_like(c)
    for t in range(len(walk)):
        first, n = walk[t]
        multiply(h[:n], w, sums)
        for b in range(n):
            s = first + b
            x, p, gate = a[s, d], sums[b], gates[s]
            _sigmoid(x[: 2 * size], p, gate[: 2 * size])
            _tanh(x[2 * size : 3 * size], p[2 * size :], gate[2 * size : 3 * size])
            _sigmoid(x[3 * size :], p[3 * size :], gate[3 * size :])
            _copy(h[b], before[s])
            _copy(c[b], cells[s])
            _remember(gate[size : 2 * size], gate[:size], gate[2 * size : 3 * size], c[b])
            _show(gate[3 * size :], c[b], shown[b])
        if projection is None:
            for b in range(n):
                _copy(shown[b], h[b])
        else:
            projected = np.empty((n, projection.shape[0] * projection.shape[2]), a.dtype)
            multiply(shown[:n], projection, projected)
            for b in range(n):
                _copy(projected[b], h[b])
        for b in range(n):
            _copy(h[b], y[first + b, d])


@kernel
def _tanh_after(f: Any, c: Any, i: Any, g: Any, out: Any) -> None:
    """out = tanh c_t."""
    for k in range(out.size):
        out[k] = tanh(f[k] * c[k] + i[k] * g[k])


@kernel
def _add_tanh_back(g: Any, factor: Any, y: Any, out: Any) -> None:
    """out += g factor tanh', from y = tanh."""
    one = y.dtype.type(1)
    for k in range(out.size):
        out[k] += g[k] * factor[k] * (one - y[k] * y[k])


@kernel
def lstm_back(
    walk: Any, d: Any, gy: Any, w: Any, projection: Any, dh: Any, dc: Any, cells: Any, gates: Any, da: Any,
    pulls: Any, shown: Any,
) -> None:  # fmt: skip
    """Backward: fills da (S, D, 4H) and, with a projection, pulls (S, P): dL/dh_t, and shown (S, H): o tanh c_t.

    w is W_hhᵀ, packed; projection is W_hrᵀ, packed, or None.
    """
    size = dc.shape[1]
    sums = np.empty((len(dh), w.shape[0] * w.shape[2]), gy.dtype)
    d_shown = np.empty((len(dh), size if projection is None else projection.shape[0] * projection.shape[2]), gy.dtype)
    tanh_c = np.empty(size, gy.dtype)
    for t in range(len(walk) - 1, -1, -1):
        first, n = walk[t]
        for b in range(n):
            _add(gy[first + b, d], dh[b])
        if projection is None:
            for b in range(n):
                _copy(dh[b], d_shown[b])
        else:
            multiply(dh[:n], projection, d_shown)
            for b in range(n):
                _copy(dh[b], pulls[first + b])
        for b in range(n):
            s, g = first + b, d_shown[b]
            gate, c, out = gates[s], cells[s], da[s, d]
            i, f, new, o = gate[:size], gate[size : 2 * size], gate[2 * size : 3 * size], gate[3 * size :]
            _tanh_after(f, c, i, new, tanh_c)
            if projection is not None:
                _product(o, tanh_c, shown[s])
            _add_tanh_back(g, o, tanh_c, dc[b])
            _sigmoid_back(dc[b], new, i, out[:size])
            _sigmoid_back(dc[b], c, f, out[size : 2 * size])
            _tanh_back(dc[b], i, new, out[2 * size : 3 * size])
            _sigmoid_back(g, tanh_c, o, out[3 * size :])
            _scale(f, dc[b])
        multiply(da[first : first + n, d], w, sums)
        for b in range(n):
            _copy(sums[b], dh[b])
