"""Independent formulas for ops/norms.py."""

import numpy as np

from .reduction import reduced

_norm = reduced(lambda op, group: np.linalg.norm(group, op.p))


def _renorm(op, x):
    (kept,) = (i for i in range(x.ndim) if i not in op.norm.axes)
    slices = [row * min(1, op.m / (np.linalg.norm(row.ravel(), op.norm.p) + 1e-7)) for row in np.moveaxis(x, kept, 0)]
    return np.stack(slices, kept)


FORMULAS = {
    "Norm": _norm,
    "Renorm": _renorm,
}
