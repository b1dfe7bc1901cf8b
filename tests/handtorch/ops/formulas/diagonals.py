"""Independent formulas for ops/diagonals.py: by comparing the coordinates of rows and columns."""

import numpy as np


def _on_diagonal(shape, offset, axis1, axis2):
    coordinates = np.indices(shape)
    return coordinates[axis2] - coordinates[axis1] == offset


def _diagonal(op, x):
    moved = np.moveaxis(x, (op.axis1, op.axis2), (-2, -1))
    pairs = [(i, i + op.offset) for i in range(moved.shape[-2]) if 0 <= i + op.offset < moved.shape[-1]]
    return np.stack([moved[..., i, j] for i, j in pairs], -1)


def _embedded(op, x):
    y = np.zeros(op.target)
    moved = np.moveaxis(y, (op.axis1, op.axis2), (-2, -1))
    for k in range(x.shape[-1]):
        moved[..., k + max(-op.offset, 0), k + max(op.offset, 0)] = x[..., k]
    return y


def _kept(op, x, side):
    rows, columns = np.indices(x.shape)[-2:]
    return x * (side * (columns - rows) >= side * op.diagonal)


FORMULAS = {
    "Diagonal": _diagonal,
    "EmbedDiagonal": _embedded,
    "Tril": lambda op, x: _kept(op, x, -1),
    "Triu": lambda op, x: _kept(op, x, 1),
}
