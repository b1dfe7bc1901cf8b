"""Independent formulas for ops/rounding.py."""

import math

import numpy as np


def _of_python(function, *arrays):
    return np.vectorize(function)(*(np.asarray(a, object) for a in arrays))


FORMULAS = {
    "Ceil": lambda op, x: np.vectorize(math.ceil)(x),
    "Floor": lambda op, x: np.vectorize(math.floor)(x),
    "Trunc": lambda op, x: np.vectorize(int)(x),
    "Round": lambda op, x: np.vectorize(lambda v: round(v, op.decimals))(x),
    "Frac": lambda op, x: np.modf(x)[0],
    "FloorDivide": lambda op, a, b: _of_python(lambda p, q: p // q, a, b),
    "TruncDivide": lambda op, a, b: _of_python(lambda p, q: int(p / q), a, b),
    "Remainder": lambda op, a, b: _of_python(lambda p, q: p % q, a, b),
    "Fmod": lambda op, a, b: _of_python(math.fmod, a, b),
}
