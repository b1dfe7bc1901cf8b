"""Independent formulas for ops/triangular.py."""

import numpy as np
from scipy.linalg import solve_triangular


def _solved(op, a, b):
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, (*batch, *b.shape[-2:]))
    out = np.empty(b.shape)
    for i in np.ndindex(batch):
        out[i] = solve_triangular(a[i], b[i], lower=not op.upper, unit_diagonal=op.unitriangular)
    return out


FORMULAS = {"SolveTriangular": _solved}
