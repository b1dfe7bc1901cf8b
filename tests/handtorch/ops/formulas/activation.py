"""Independent formulas for ops/activation.py."""

import math

import numpy as np
import scipy.special
import scipy.stats

FORMULAS = {
    "Sigmoid": lambda op, x: scipy.special.expit(x),
    "Tanh": lambda op, x: np.vectorize(math.tanh)(x),
    "GELU": lambda op, x: x * scipy.stats.norm.cdf(x),
    "TanhGELU": lambda op, x: x * scipy.special.expit(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)),
    "SiLU": lambda op, x: x * scipy.special.expit(x),
    "Mish": lambda op, x: x * np.tanh(np.logaddexp(0, x)),
    "Softplus": lambda op, x: -scipy.special.log_expit(-op.beta * x) / op.beta,
    "GLU": lambda op, x: np.multiply(*np.split(x, 2, op.dim)[:1], scipy.special.expit(np.split(x, 2, op.dim)[1])),
    "LogSigmoid": lambda op, x: scipy.special.log_expit(x),
}
