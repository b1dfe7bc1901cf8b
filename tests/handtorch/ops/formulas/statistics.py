"""Independent formulas for ops/statistics.py."""

import math
import statistics

import numpy as np

from .sorting import along


def _median_place(skip_nan, row):
    holes = [i for i, v in enumerate(row) if math.isnan(v)]
    if holes and not skip_nan:
        return holes[:1]
    middle = statistics.median_low([v for v in row if not math.isnan(v)])
    return [row.index(middle)]


def _mode_place(op, row):
    best = max(row.count(v) for v in row)
    value = min(v for v in row if row.count(v) == best)
    return [len(row) - 1 - row[::-1].index(value)]


FORMULAS = {
    "Median": along(lambda op, row: _median_place(op.skip_nan, row)),
    "MedianOfAll": lambda op, x: np.array(statistics.median_low(x.ravel().tolist())),
    "Mode": along(_mode_place),
}
