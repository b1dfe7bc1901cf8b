"""Independent formulas for ops/pair_loss.py: SciPy's, pair by pair."""

import math

import numpy as np
import scipy.special
import scipy.stats


def _of_pairs(loss):
    def formula(op, x, t):
        losses = np.vectorize(lambda a, b: float(loss(op, a, b)))(x, t)
        if op.reduction == "none":
            return losses
        return math.fsum(losses.ravel()) / (losses.size if op.reduction == "mean" else 1)

    return formula


def _negative_log_likelihood(x, t):
    right = 100.0 if x == 0 else -math.log(x)
    wrong = 100.0 if x == 1 else -math.log(1 - x)
    return t * right + (1 - t) * wrong


FORMULAS = {
    "MseLoss": _of_pairs(lambda op, x, t: x * x - 2 * x * t + t * t),
    "L1Loss": _of_pairs(lambda op, x, t: max(x, t) - min(x, t)),
    "HuberLoss": _of_pairs(lambda op, x, t: scipy.special.huber(op.delta, x - t)),
    "SmoothL1Loss": _of_pairs(lambda op, x, t: scipy.special.huber(op.delta, x - t) / op.delta),
    "BinaryCrossEntropy": _of_pairs(lambda op, x, t: _negative_log_likelihood(x, t)),
    "BinaryCrossEntropyWithLogits": _of_pairs(
        lambda op, x, t: -t * scipy.stats.logistic.logcdf(x) - (1 - t) * scipy.stats.logistic.logsf(x)
    ),
    "KlDiv": _of_pairs(
        lambda op, x, t: (
            math.exp(t) * (t - x) if op.log_target else scipy.special.kl_div(t, math.exp(x)) + t - math.exp(x)
        )
    ),
}
