"""Independent formulas for ops/normalization.py."""

import math

import numpy as np


def _batch_norm(op, x, weight=None, bias=None):
    channels = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    rows = [(c - c.mean()) / math.sqrt(c.var() + op.eps) for c in channels]
    for i in range(len(rows)):
        rows[i] = rows[i] * (1 if weight is None else weight[i]) + (0 if bias is None else bias[i])
    moved = np.array(rows).reshape(x.shape[1], x.shape[0], *x.shape[2:])
    return np.moveaxis(moved, 0, 1)


def _layer_norm(op, x, weight=None, bias=None):
    tail = x.shape[x.ndim - op.ndim :]
    rows = [(r - r.mean()) / math.sqrt(r.var() + op.eps) for r in x.reshape(-1, int(np.prod(tail)))]
    y = np.array(rows).reshape(x.shape)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def _frozen_batch_norm(op, x, weight=None, bias=None):
    y = np.empty_like(x)
    for place, value in np.ndenumerate(x):
        c = place[1]
        normed = (value - op.mean[c]) * op.rstd[c]
        y[place] = normed * (1 if weight is None else weight[c]) + (0 if bias is None else bias[c])
    return y


def _group_norm(op, x, weight=None, bias=None):
    y = np.empty_like(x)
    size = x.shape[1] // op.groups
    for n in range(x.shape[0]):
        for first in range(0, x.shape[1], size):
            group = x[n, first : first + size]
            normed = (group - group.mean()) / math.sqrt(group.var() + op.eps)
            for c in range(size):
                scale, shift = (p if p is None else p[first + c] for p in (weight, bias))
                y[n, first + c] = normed[c] * (1 if scale is None else scale) + (0 if shift is None else shift)
    return y


def _rms_norm(op, x, weight=None):
    tail = x.shape[x.ndim - op.ndim :]
    rows = [r / math.sqrt(np.dot(r, r) / r.size + op.eps) for r in x.reshape(-1, int(np.prod(tail)))]
    return np.array(rows).reshape(x.shape) * (1 if weight is None else weight)


FORMULAS = {
    "BatchNorm": _batch_norm,
    "FrozenBatchNorm": _frozen_batch_norm,
    "GroupNorm": _group_norm,
    "LayerNorm": _layer_norm,
    "RMSNorm": _rms_norm,
}
