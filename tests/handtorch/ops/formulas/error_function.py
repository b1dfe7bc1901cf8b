"""Independent formulas for ops/error_function.py."""

import scipy.special

FORMULAS = {
    "Erf": lambda op, x: scipy.special.erf(x),
    "Erfc": lambda op, x: scipy.special.erfc(x),
    "Erfcx": lambda op, x: scipy.special.erfcx(x),
    "Erfinv": lambda op, x: scipy.special.erfinv(x),
    "Ndtr": lambda op, x: scipy.special.ndtr(x),
    "Ndtri": lambda op, x: scipy.special.ndtri(x),
    "LogNdtr": lambda op, x: scipy.special.log_ndtr(x),
}
