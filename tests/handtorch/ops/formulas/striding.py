"""Independent formulas for ops/striding.py: places in the flattened memory, one element at a time."""

import numpy as np


def _as_strided(op, x):
    y = np.empty(op.target)
    for place in np.ndindex(*op.target):
        y[place] = x.ravel()[(op.start or 0) + sum(i * s for i, s in zip(place, op.steps, strict=True))]
    return y


def _unfold(op, x):
    starts = range(0, x.shape[op.axis] - op.size + 1, op.step)
    windows = [np.moveaxis(x, op.axis, -1)[..., start : start + op.size] for start in starts]
    return np.stack(windows, op.axis)


def _fold(op, x):
    moved = np.moveaxis(x, op.axis, -2)
    y = np.zeros((*moved.shape[:-2], op.length))
    for i, k in np.ndindex(*moved.shape[-2:]):
        y[..., i * op.step + k] += moved[..., i, k]
    return np.moveaxis(y, -1, op.axis)


FORMULAS = {"AsStrided": _as_strided, "Unfold": _unfold, "Fold": _fold}
