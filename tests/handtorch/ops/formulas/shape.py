"""Independent formulas for ops/shape.py."""

import numpy as np

FORMULAS = {
    "Reshape": lambda op, x: np.array(x.ravel().tolist()).reshape(op.target),
    "Expand": lambda op, x: np.ones(op.target) * x,
    "Contiguous": lambda op, x: x,
}
