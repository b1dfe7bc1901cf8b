"""Independent formulas for ops/piecewise.py: Python's own arithmetic, number by number."""

import math

import numpy as np


def by_number(function):
    """A formula of one number, run on each."""
    return lambda op, x: np.vectorize(lambda v: function(op, v), otypes=[float])(x)


FORMULAS = {
    "ReLU": by_number(lambda op, v: 0.0 if v < 0 else v),
    "LeakyReLU": lambda op, x: np.maximum(x, 0) + op.slope * np.minimum(x, 0),
    "PReLU": lambda op, x, w: np.maximum(x, 0) + w * np.minimum(x, 0),
    "ELU": by_number(lambda op, v: op.scale * (v if v > 0 else op.alpha * math.expm1(op.rate * v))),
    "Threshold": by_number(lambda op, v: op.value if v <= op.threshold else v),
    "Hardtanh": by_number(lambda op, v: v if v != v else sorted([op.low, v, op.high])[1]),
    "Hardsigmoid": by_number(lambda op, v: sorted([0, v / 6 + 0.5, 1])[1]),
    "Hardswish": by_number(lambda op, v: v * sorted([0, v / 6 + 0.5, 1])[1]),
    "Hardshrink": by_number(lambda op, v: 0.0 if abs(v) <= op.lambd else v),
    "Softshrink": by_number(lambda op, v: v if v != v else math.copysign(max(abs(v) - op.lambd, 0), v)),
}
