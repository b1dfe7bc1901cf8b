"""Independent formulas for ops/comparison.py."""

import math
import operator

import numpy as np

_FUNCTIONS = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "logical_and": lambda p, q: bool(p) and bool(q),
    "logical_or": lambda p, q: bool(p) or bool(q),
    "logical_xor": lambda p, q: bool(p) != bool(q),
    "logical_not": lambda v: not v,
    "isnan": lambda v: v != v,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "isposinf": lambda v: v == math.inf,
    "isneginf": lambda v: v == -math.inf,
    "signbit": lambda v: math.copysign(1, v) < 0,
    "isreal": lambda v: v.imag == 0,
}


def _one_by_one(op, *xs):
    function = _FUNCTIONS[op.function.__name__]
    return np.array([function(*v) for v in zip(*(x.tolist() for x in xs), strict=True)])


FORMULAS = {"Compare": _one_by_one, "Classify": _one_by_one}
