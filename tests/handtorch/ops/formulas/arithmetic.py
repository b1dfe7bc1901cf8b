"""Independent formulas for ops/arithmetic.py."""

import math
from fractions import Fraction

import numpy as np

FORMULAS = {
    "Add": lambda op, a, b: -(-a - op.alpha * b),
    "Sub": lambda op, a, b: a + (-op.alpha) * b,
    "Mul": lambda op, a, b: a / (1 / np.asarray(b)),
    "Div": lambda op, a, b: a * (1 / b),
    "Pow": lambda op, a, b: np.vectorize(math.pow)(a, b),
    "WholePower": lambda op, a, b: [
        int(Fraction(p) ** q) if p or q >= 0 else 0 for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ],
    "Neg": lambda op, x: 0 - x,
    "Abs": lambda op, x: np.sqrt(x * x),
    "Addcmul": lambda op, x, a, b: np.einsum("...,...->...", op.value * a, b) + x,
    "Addcdiv": lambda op, x, a, b: (x * b + op.value * a) / b,
    "Lerp": lambda op, a, b, w: (1 - w) * a + w * b,
}
