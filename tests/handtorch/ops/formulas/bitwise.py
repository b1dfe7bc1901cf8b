"""Independent formulas for ops/bitwise.py."""

import math
import operator

import numpy as np

_FUNCTIONS = {
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "invert": lambda v: not v if isinstance(v, bool) else -v - 1,
    "left_shift": lambda p, q: p * 2**q,
    "right_shift": lambda p, q: p // 2**q,
    "gcd": math.gcd,
    "lcm": math.lcm,
}

FORMULAS = {
    "Bitwise": lambda op, *xs: np.array(
        [_FUNCTIONS[op.function.__name__](*v) for v in zip(*(x.tolist() for x in xs), strict=True)]
    ),
}
