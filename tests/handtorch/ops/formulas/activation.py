"""Independent formulas for ops/activation.py."""

import math

import numpy as np
import scipy.special
import scipy.stats

FORMULAS = {
    "ReLU": lambda op, x: np.vectorize(lambda v: 0.0 if v < 0 else v, otypes=[float])(x),
    "LeakyReLU": lambda op, x: np.maximum(x, 0) + op.slope * np.minimum(x, 0),
    "Sigmoid": lambda op, x: scipy.special.expit(x),
    "Tanh": lambda op, x: np.vectorize(math.tanh)(x),
    "GELU": lambda op, x: x * scipy.stats.norm.cdf(x),
    "TanhGELU": lambda op, x: x * scipy.special.expit(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)),
    "SiLU": lambda op, x: x * scipy.special.expit(x),
    "ELU": lambda op, x: np.vectorize(lambda v: v if v > 0 else op.alpha * math.expm1(v))(x),
    "Softplus": lambda op, x: -scipy.special.log_expit(-op.beta * x) / op.beta,
    "Softmax": lambda op, x: scipy.special.softmax(x, axis=op.dim),
    "LogSoftmax": lambda op, x: scipy.special.log_softmax(x, axis=op.dim),
}
