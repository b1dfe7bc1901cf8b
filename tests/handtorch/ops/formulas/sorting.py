"""Independent formulas for ops/sorting.py."""

import numpy as np


def along(choose):
    """Values and places from ``choose(op, row)``, which gives the places that are chosen in one list of numbers."""

    def formula(op, x):
        rows = np.moveaxis(x, op.axis, -1)
        places = np.empty((*rows.shape[:-1], len(choose(op, rows[(0,) * (x.ndim - 1)].tolist()))), int)
        values = np.empty(places.shape)
        for i in np.ndindex(*rows.shape[:-1]):
            places[i] = choose(op, rows[i].tolist())
            values[i] = [rows[i][place] for place in places[i]]
        values, places = np.moveaxis(values, -1, op.axis), np.moveaxis(places, -1, op.axis)
        return (values, places) if op.keepdim else (values.squeeze(op.axis), places.squeeze(op.axis))

    return formula


def _sorted_places(row, descending=False):
    return sorted(range(len(row)), key=lambda i: -row[i] if descending else row[i])


def _put(op, x):
    shape = list(x.shape)
    shape[op.axis] = op.length
    y = np.zeros(shape)
    for i in np.ndindex(*x.shape):
        target = list(i)
        target[op.axis] = op.places[i]
        y[tuple(target)] = x[i]
    return y


FORMULAS = {
    "PutAlong": _put,
    "Sort": along(lambda op, row: _sorted_places(row, op.descending)),
    "TopK": along(lambda op, row: _sorted_places(row, op.largest)[: op.k]),
    "KthValue": along(lambda op, row: _sorted_places(row)[op.k - 1 : op.k]),
}
