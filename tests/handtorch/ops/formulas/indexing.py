"""Independent formulas for ops/indexing.py."""

import numpy as np


def _index(op, x):
    key = op.key if isinstance(op.key, tuple) else (op.key,)
    places = np.arange(x.size).reshape(x.shape)[key]
    return np.take(x.ravel(), places)


def _scatter(op, x):
    y = np.zeros(op.target)
    places = np.arange(y.size).reshape(op.target)[op.key]
    for place, value in zip(places.ravel(), x.ravel(), strict=True):
        y.flat[place] += value
    return y


def _set(op, x, v):
    y = x.copy().ravel()
    places = np.arange(x.size).reshape(x.shape)[op.key]
    for place, value in zip(places.ravel(), np.broadcast_to(v, places.shape).ravel(), strict=True):
        y[place] = value
    return y.reshape(x.shape)


def _gather(op, x):
    y = np.empty(op.index.shape)
    for place in np.ndindex(*op.index.shape):
        source = list(place)
        source[op.dim] = op.index[place]
        y[place] = x[tuple(source)]
    return y


def _extreme_at(op, x):
    best = x.max if op.function is np.argmax else x.min
    value = best(axis=op.axis, keepdims=True)
    place = np.argmax(x == value, axis=op.axis)
    return (value, np.expand_dims(place, op.axis)) if op.keepdim else (value.squeeze(op.axis), place)


FORMULAS = {
    "Index": _index,
    "ScatterAdd": _scatter,
    "SetItem": _set,
    "Gather": _gather,
    "ExtremeAt": _extreme_at,
}
