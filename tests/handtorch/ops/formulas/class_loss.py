"""Independent formulas for ops/class_loss.py."""

import math

import numpy as np
import scipy.special


def _reduced(op, losses, shares):
    if op.reduction == "none":
        return np.array(losses)
    return math.fsum(np.ravel(losses)) / (math.fsum(np.ravel(shares)) if op.reduction == "mean" else 1)


def _weight(op, classes):
    return np.ones(classes) if op.weight is None else op.weight


def _nll(op, x):
    weight = _weight(op, x.shape[1])
    losses, shares = np.zeros(op.targets.shape), np.zeros(op.targets.shape)
    for place in np.ndindex(op.targets.shape):
        t = op.targets[place]
        if t != -1:
            losses[place] = -weight[t] * x[place[0], t, *place[1:]]
            shares[place] = weight[t]
    return _reduced(op, losses, shares)


def _cross_entropy(op, x, smoothing=0.0):
    losses, shares = [], []
    weight = _weight(op, x.shape[1])
    for row, t in zip(x, op.targets, strict=True):
        logs = row - scipy.special.logsumexp(row)
        soft = -(weight * logs).sum() / len(row)
        losses.append(0.0 if t == -1 else (1 - smoothing) * -weight[t] * logs[t] + smoothing * soft)
        shares.append(0.0 if t == -1 else weight[t])
    return _reduced(op, losses, shares)


FORMULAS = {
    "NllLoss": _nll,
    "CrossEntropy": lambda op, x: _cross_entropy(op, x, op.smoothing),
    "LinearCrossEntropy": lambda op, x, w, b=0: _cross_entropy(op, np.einsum("ni,ci->nc", x, w) + b),
}
