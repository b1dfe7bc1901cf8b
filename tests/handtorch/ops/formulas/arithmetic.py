"""Independent formulas for ops/arithmetic.py."""

import math
import operator

import numpy as np


def _relation(op, a, b):
    table = {
        "equal": lambda p, q: p == q,
        "not_equal": lambda p, q: p != q,
        "less": lambda p, q: p < q,
        "less_equal": lambda p, q: p <= q,
        "greater": lambda p, q: p > q,
        "greater_equal": lambda p, q: p >= q,
    }
    return np.array([table[op.relation.__name__](p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)])


_BITS = {
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "invert": lambda v: not v if isinstance(v, bool) else -v - 1,
}


FORMULAS = {
    "Add": lambda op, a, b: -(-a - b),
    "Sub": lambda op, a, b: a + (-1) * b,
    "Mul": lambda op, a, b: a / (1 / np.asarray(b)),
    "Div": lambda op, a, b: a * (1 / b),
    "Pow": lambda op, a, b: np.vectorize(math.pow)(a, b),
    "Neg": lambda op, x: 0 - x,
    "Abs": lambda op, x: np.sqrt(x * x),
    "Sign": lambda op, x: np.where(x > 0, 1.0, -1.0),
    "Exp": lambda op, x: np.vectorize(math.exp)(x),
    "Log": lambda op, x: np.vectorize(math.log)(x),
    "Sqrt": lambda op, x: np.vectorize(math.sqrt)(x),
    "Square": lambda op, x: x * x,
    "Sin": lambda op, x: np.vectorize(math.sin)(x),
    "Cos": lambda op, x: np.vectorize(math.cos)(x),
    "Maximum": lambda op, a, b: np.vectorize(max)(a, b),
    "Minimum": lambda op, a, b: np.vectorize(min)(a, b),
    "Clamp": lambda op, x: np.vectorize(
        lambda v: min(max(v, -math.inf if op.low is None else op.low), math.inf if op.high is None else op.high),
        otypes=[float],
    )(x),
    "Where": lambda op, a, b: op.condition * a + (1 - op.condition) * b,
    "Compare": _relation,
    "Logic": lambda op, *xs: np.array(
        [_BITS[op.function.__name__](*v) for v in zip(*(x.tolist() for x in xs), strict=True)]
    ),
    "Cast": lambda op, x: x,
    "Clone": lambda op, x: x,
}
