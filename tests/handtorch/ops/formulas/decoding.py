"""Independent formulas for ops/decoding.py."""

import math

import numpy as np
from scipy.special import erf, expit


def _normed(x, gain, shift, eps):
    return (x - x.mean()) / math.sqrt(x.var() + eps) * gain + (0 if shift is None else shift)


def _affine(w, b, x):
    return w @ x + (0 if b is None else b)


def _layer(op, x, keys, values, *weights):
    """One sequence and one head at a time."""
    g1, s1, w, b, wo, bo, g2, s2, w1, b1, w2, b2 = weights
    shared, features = keys.shape[1], keys.shape[3]
    heads = x.shape[2] // features
    functions = {
        "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
        "relu": lambda z: z * (z > 0),
        "silu": lambda z: z * expit(z),
    }
    ys, own_keys, own_values = [], [], []
    for n, row in enumerate(x[:, 0]):
        parts = _affine(w, b, _normed(row, g1, s1, op.eps)).reshape(-1, features)
        if op.base is not None:
            turn = np.exp(1j * op.position * op.base ** (-2 * np.arange(features // 2) / features))
            z = (parts[:, : features // 2] + 1j * parts[:, features // 2 :]) * turn
            parts = np.vstack([np.hstack([z.real, z.imag])[: heads + shared], parts[heads + shared :]])
        k, v = parts[heads : heads + shared], parts[heads + shared :]
        found = []
        for h in range(heads):
            g = h * shared // heads
            p = np.exp(np.vstack([keys[n, g, : op.length], k[g]]) @ parts[h] / math.sqrt(features))
            found.append(p / p.sum() @ np.vstack([values[n, g, : op.length], v[g]]))
        row = row + _affine(wo, bo, np.concatenate(found))
        hidden = functions[op.activation](_affine(w1, b1, _normed(row, g2, s2, op.eps)))
        ys.append(row + _affine(w2, b2, hidden))
        own_keys.append(k[:, None])
        own_values.append(v[:, None])
    return np.array(ys)[:, None], np.array(own_keys), np.array(own_values)


def _transformer_step(op, x, table, gain, shift, *arrays):
    keys, values = [], []
    for i in range(0, len(arrays), 14):
        x, k, v = _layer(op, x, *arrays[i : i + 14])
        keys.append(k)
        values.append(v)
    logits = np.array([[table @ _normed(row, gain, shift, op.eps)] for row in x[:, 0]])
    return logits, np.array(keys), np.array(values)


FORMULAS = {
    "TransformerStep": _transformer_step,
}
