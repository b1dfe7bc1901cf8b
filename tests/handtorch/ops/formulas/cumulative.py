"""Independent formulas for ops/cumulative.py."""

import itertools
import math
import operator

import numpy as np
from scipy import special


def _running(function):
    """Apply ``function``, from a list to the list of running results, along the axis."""
    return lambda op, *xs: np.apply_along_axis(lambda row: list(function(row.tolist())), op.axis, *xs)


def _recurrence(op, a, b):
    y = np.zeros_like(b)
    for place in np.ndindex(*b.shape):
        last = list(place)
        last[op.axis] -= 1
        y[place] = (a[place] * y[tuple(last)] if place[op.axis] else 0) + b[place]
    return y


def _running_extreme(op, x):
    better = operator.ge if op.function is np.maximum else operator.le
    rows = np.moveaxis(x, op.axis, 0)
    values, places = rows.copy(), np.zeros(rows.shape, int)
    for t, *rest in np.ndindex(*rows.shape):
        at, last = (t, *rest), (t - 1, *rest)
        if t and not better(rows[at], values[last]):
            values[at], places[at] = values[last], places[last]
        else:
            places[at] = t
    return np.moveaxis(values, 0, op.axis), np.moveaxis(places, 0, op.axis)


FORMULAS = {
    "CumSum": _running(lambda row: [math.fsum(row[: i + 1]) for i in range(len(row))]),
    "CumProd": _running(lambda row: itertools.accumulate(row, operator.mul)),
    "Recurrence": _recurrence,
    "LogCumSumExp": _running(lambda row: [special.logsumexp(row[: i + 1]) for i in range(len(row))]),
    "RunningExtreme": _running_extreme,
}
