"""Independent formulas for ops/padding.py: NumPy's own padding, and the transpose of its matrix."""

import numpy as np

NUMPYS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def widths(op, x):
    return [op.widths.get(axis, (0, 0)) for axis in range(x.ndim)]


def constant(op, x):
    cut = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths(op, x), strict=True))]
    return np.pad(cut, [(max(a, 0), max(b, 0)) for a, b in widths(op, x)], constant_values=op.value)


def border(op, x):
    return np.pad(x, widths(op, x), mode=NUMPYS[op.mode])


def folded(op, y):
    shape = tuple(n - a - b for n, (a, b) in zip(y.shape, widths(op, y), strict=True))
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.array([np.vdot(border(op, unit), y) for unit in units]).reshape(shape)


FORMULAS = {"ConstantPad": constant, "Border": border, "FoldedBorder": folded}
