"""Independent formulas for ops/indexing.py: everything by the places of a numbered array, one element at a time."""

import numpy as np


def _places(key, shape):
    """The places that a key names, counted in row-major order."""
    return np.arange(int(np.prod(shape))).reshape(shape)[key]


def _scatter(op, x):
    y = np.zeros(op.target)
    for place, value in zip(_places(op.key, op.target).ravel(), x.ravel(), strict=True):
        y.flat[place] += value
    return y


def _written(op, x, v):
    y = x.copy().ravel()
    places = _places(op.key, x.shape)
    for place, value in zip(places.ravel(), np.broadcast_to(v, places.shape).ravel(), strict=True):
        y[place] = value
    return y.reshape(x.shape)


def _added(op, x, v):
    y = x.copy().ravel()
    places = _places(op.key, x.shape)
    for place, value in zip(places.ravel(), np.broadcast_to(v, places.shape).ravel(), strict=True):
        y[place] += value
    return y.reshape(x.shape)


FORMULAS = {
    "Index": lambda op, x: np.take(x.ravel(), _places(op.key, x.shape)),
    "ScatterAdd": _scatter,
    "AddItem": _added,
    "SetItem": _written,
}
