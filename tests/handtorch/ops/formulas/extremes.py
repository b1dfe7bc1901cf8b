"""Independent formulas for ops/extremes.py."""

import numpy as np

from .reduction import reduced


def _arg(op, x):
    order = sorted if op.function is np.argmin else lambda v, key: sorted(v, key=key, reverse=True)
    if op.axis is None:
        return np.array(order(range(x.size), key=x.ravel().__getitem__)[0])
    flat = np.moveaxis(x, op.axis, -1)
    places = np.array([order(range(len(row)), key=row.__getitem__)[0] for row in flat.reshape(-1, flat.shape[-1])])
    places = places.reshape(flat.shape[:-1])
    return np.expand_dims(places, op.axis) if op.keepdim else places


def _extreme_at(op, x):
    best = x.max if op.function is np.argmax else x.min
    value = best(axis=op.axis, keepdims=True)
    place = np.argmax(x == value, axis=op.axis)
    return (value, np.expand_dims(place, op.axis)) if op.keepdim else (value.squeeze(op.axis), place)


FORMULAS = {
    "Amax": reduced(lambda op, group: max(group)),
    "Amin": reduced(lambda op, group: min(group)),
    "ArgExtreme": _arg,
    "ExtremeAt": _extreme_at,
}
