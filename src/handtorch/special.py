"""Special functions, under SciPy's names."""

from __future__ import annotations

from handtorch.ops.activation import sigmoid
from handtorch.ops.bessel import airy_ai, i0, i0e, i1, i1e
from handtorch.ops.error_function import erf, erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri
from handtorch.ops.exponential import entr, exp2, expm1, log1p, logit, xlog1py, xlogy
from handtorch.ops.gamma import digamma, igamma, igammac, lgamma, mvlgamma, polygamma, zeta
from handtorch.ops.reduction import logsumexp
from handtorch.ops.rounding import round
from handtorch.ops.softmax import log_softmax, softmax
from handtorch.ops.trigonometry import sinc

expit = sigmoid
gammaln = lgamma
gammainc, gammaincc = igamma, igammac
multigammaln = mvlgamma
psi = digamma

__all__ = [
    "airy_ai",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
    "zeta",
]
