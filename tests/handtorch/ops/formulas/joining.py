"""Independent formulas for ops/joining.py."""

import numpy as np


def _cat(op, *xs):
    moved = [np.moveaxis(x, op.dim, 0) for x in xs]
    return np.moveaxis(np.array([row for x in moved for row in x]), 0, op.dim)


def _split(op, x):
    rows = list(np.moveaxis(x, op.dim, 0))
    pieces = []
    for n in op.sections:
        piece, rows = rows[:n], rows[n:]
        pieces.append(np.moveaxis(np.reshape(piece, (n, *np.delete(x.shape, op.dim))), 0, op.dim))
    return tuple(pieces)


FORMULAS = {
    "Cat": _cat,
    "Stack": lambda op, *xs: np.moveaxis(np.array([x.tolist() for x in xs]), 0, op.dim),
    "Split": _split,
    "Unbind": lambda op, x: tuple(np.moveaxis(x, op.dim, 0)),
}
