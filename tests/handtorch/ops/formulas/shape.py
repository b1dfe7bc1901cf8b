"""Independent formulas for ops/shape.py."""

import numpy as np

FORMULAS = {
    "Reshape": lambda op, x: np.array(x.ravel().tolist()).reshape(op.target),
    "Permute": lambda op, x: np.einsum(x, list(range(x.ndim)), list(op.order)),
    "Expand": lambda op, x: np.ones(op.target) * x,
    "Contiguous": lambda op, x: x,
}
