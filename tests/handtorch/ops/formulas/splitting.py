"""Independent formulas for ops/splitting.py."""

import numpy as np


def _split(op, x):
    rows = list(np.moveaxis(x, op.dim, 0))
    pieces = []
    for n in op.sections:
        piece, rows = rows[:n], rows[n:]
        pieces.append(np.moveaxis(np.reshape(piece, (n, *np.delete(x.shape, op.dim))), 0, op.dim))
    return tuple(pieces)


FORMULAS = {
    "Split": _split,
    "Unbind": lambda op, x: tuple(np.moveaxis(x, op.dim, 0)),
}
