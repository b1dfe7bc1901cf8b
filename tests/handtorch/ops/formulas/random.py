"""Independent formulas for ops/random.py."""

import numpy as np

FORMULAS = {
    "Dropout": lambda op, x: np.where(op.mask, x, 0) * op.scale,
}
