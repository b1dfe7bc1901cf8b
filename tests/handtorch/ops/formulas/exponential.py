"""Independent formulas for ops/exponential.py."""

import math

import numpy as np
import scipy.special


def _logit(op, x):
    return scipy.special.logit(x if op.eps is None else np.minimum(np.maximum(x, op.eps), 1 - op.eps))


FORMULAS = {
    "Exp": lambda op, x: np.vectorize(math.exp)(x),
    "Exp2": lambda op, x: scipy.special.exp2(x),
    "Expm1": lambda op, x: np.vectorize(math.expm1)(x),
    "Log": lambda op, x: np.vectorize(math.log)(x),
    "Log2": lambda op, x: np.vectorize(math.log2)(x),
    "Log10": lambda op, x: np.vectorize(math.log10)(x),
    "Log1P": lambda op, x: np.vectorize(math.log1p)(x),
    "Sqrt": lambda op, x: np.vectorize(math.sqrt)(x),
    "Rsqrt": lambda op, x: x**-0.5,
    "Square": lambda op, x: x * x,
    "Reciprocal": lambda op, x: x**-1.0,
    "Logit": _logit,
    "LogAddExp": lambda op, a, b: np.log(np.exp(a) + np.exp(b)),
    "LogAddExp2": lambda op, a, b: np.log2(2.0**a + 2.0**b),
    "XLogY": lambda op, a, b: scipy.special.xlogy(a, b),
    "XLog1pY": lambda op, a, b: scipy.special.xlog1py(a, b),
    "Entr": lambda op, x: scipy.special.entr(x),
}
