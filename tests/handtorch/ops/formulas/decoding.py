"""Independent formulas for ops/decoding.py."""

import math

import numpy as np
from scipy.special import erf, expit


def _normed(x, gain, shift, eps):
    return (x - x.mean()) / math.sqrt(x.var() + eps) * gain + (0 if shift is None else shift)


def _affine(w, b, x):
    return w @ x + (0 if b is None else b)


def _transformer_step(op, x, keys, values, *weights):
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
        k, v = parts[heads : heads + shared], parts[heads + shared :]
        found = []
        for h in range(heads):
            g = h * shared // heads
            seen = np.vstack([keys[n, g, : op.length], k[g]])
            p = np.exp(seen @ parts[h] / math.sqrt(features))
            found.append(p / p.sum() @ np.vstack([values[n, g, : op.length], v[g]]))
        row = row + _affine(wo, bo, np.concatenate(found))
        hidden = functions[op.activation](_affine(w1, b1, _normed(row, g2, s2, op.eps)))
        ys.append(row + _affine(w2, b2, hidden))
        own_keys.append(k[:, None])
        own_values.append(v[:, None])
    return np.array(ys)[:, None], np.array(own_keys), np.array(own_values)


FORMULAS = {
    "TransformerStep": _transformer_step,
}
