"""Independent formulas for ops/shape.py."""

import numpy as np


def _cat(op, *xs):
    moved = [np.moveaxis(x, op.dim, 0) for x in xs]
    return np.moveaxis(np.array([row for x in moved for row in x]), 0, op.dim)


FORMULAS = {
    "Reshape": lambda op, x: np.array(x.ravel().tolist()).reshape(op.target),
    "Permute": lambda op, x: np.einsum(x, list(range(x.ndim)), list(op.order)),
    "Expand": lambda op, x: np.ones(op.target) * x,
    "Cat": _cat,
    "Contiguous": lambda op, x: x,
}
