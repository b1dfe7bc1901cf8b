"""Independent formulas for ops/trigonometry.py."""

import cmath
import math

import numpy as np

FORMULAS = {
    "Sin": lambda op, x: np.vectorize(math.sin)(x),
    "Cos": lambda op, x: np.vectorize(math.cos)(x),
    "Tan": lambda op, x: np.vectorize(math.tan)(x),
    "Asin": lambda op, x: np.vectorize(math.asin)(x),
    "Acos": lambda op, x: np.vectorize(math.acos)(x),
    "Atan": lambda op, x: np.vectorize(math.atan)(x),
    "Sinh": lambda op, x: (np.exp(x) - np.exp(-x)) / 2,
    "Cosh": lambda op, x: (np.exp(x) + np.exp(-x)) / 2,
    "Asinh": lambda op, x: np.log(x + np.sqrt(x * x + 1)),
    "Acosh": lambda op, x: np.log(x + np.sqrt(x * x - 1)),
    "Atanh": lambda op, x: np.log((1 + x) / (1 - x)) / 2,
    "Sinc": lambda op, x: np.vectorize(lambda v: math.sin(math.pi * v) / (math.pi * v) if v else 1.0)(x),
    "Scale": lambda op, x: np.vectorize(math.radians)(x),
    "Atan2": lambda op, a, b: np.vectorize(lambda p, q: cmath.phase(complex(q, p)))(a, b),
    "Hypot": lambda op, a, b: np.vectorize(lambda p, q: abs(complex(p, q)))(a, b),
}
