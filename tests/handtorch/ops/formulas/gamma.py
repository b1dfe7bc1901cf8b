"""Independent formulas for ops/gamma.py."""

import numpy as np
import scipy.special


def _lgamma(op, x):
    return np.where(x == -np.inf, np.inf, scipy.special.gammaln(x))


FORMULAS = {
    "Lgamma": _lgamma,
    "Digamma": lambda op, x: scipy.special.digamma(x),
    "Polygamma": lambda op, x: scipy.special.polygamma(op.n, x),
    "Zeta": lambda op, s, q: np.where(np.asarray(s) < 1, np.nan, scipy.special.zeta(s, q)),
    "Igamma": lambda op, a, x: scipy.special.gammainc(a, x),
    "Igammac": lambda op, a, x: scipy.special.gammaincc(a, x),
}
