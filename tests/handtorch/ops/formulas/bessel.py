"""Independent formulas for ops/bessel.py."""

import scipy.special

FORMULAS = {
    "I0": lambda op, x: scipy.special.i0(x),
    "I0e": lambda op, x: scipy.special.i0e(x),
    "I1": lambda op, x: scipy.special.i1(x),
    "I1e": lambda op, x: scipy.special.i1e(x),
    "AiryAi": lambda op, x: scipy.special.airy(x)[0],
}
