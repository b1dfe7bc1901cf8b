"""Independent formulas for ops/choice.py."""

import math

import numpy as np


def _clamp(op, x, low, high):
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    return np.vectorize(lambda v, p, q: min(max(v, p), q), otypes=[float])(x, low, high)


def _any_nan(a, b):
    return (a != a) | (b != b)


FORMULAS = {
    "Maximum": lambda op, a, b: np.where(_any_nan(a, b), np.nan, np.vectorize(max)(a, b)),
    "Minimum": lambda op, a, b: np.where(_any_nan(a, b), np.nan, np.vectorize(min)(a, b)),
    "Fmax": lambda op, a, b: np.where(a != a, b, np.where(b != b, a, np.vectorize(max)(a, b))),
    "Fmin": lambda op, a, b: np.where(a != a, b, np.where(b != b, a, np.vectorize(min)(a, b))),
    "Clamp": _clamp,
    "Where": lambda op, a, b: op.condition * a + (1 - op.condition) * b,
    "NanToNum": lambda op, x: np.select(
        [x != x, x == np.inf, x == -np.inf],
        [
            op.nan or 0,
            np.finfo(float).max if op.posinf is None else op.posinf,
            np.finfo(float).min if op.neginf is None else op.neginf,
        ],
        x,
    ),
}
