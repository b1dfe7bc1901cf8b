"""Independent formulas for ops/sign.py."""

import math

import numpy as np

FORMULAS = {
    "Sign": lambda op, x: np.where(x != x, np.nan, (x > 0) * 1.0 - (x < 0) * 1.0),
    "Sgn": lambda op, x: np.where(x == 0, 0, np.exp(1j * np.angle(x))),
    "Copysign": lambda op, a, b: np.vectorize(math.copysign)(a, b),
    "Heaviside": lambda op, x, v: np.where(x > 0, 1.0, np.where(x < 0, 0.0, v)),
    "NextAfter": lambda op, a, b: np.vectorize(math.nextafter)(a, b),
    "Frexp": lambda op, x: tuple(np.vectorize(math.frexp)(x)),
}
