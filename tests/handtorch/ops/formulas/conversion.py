"""Independent formulas for ops/conversion.py."""

import numpy as np

FORMULAS = {
    "Cast": lambda op, x: np.array(x.real.tolist()),
    "Clone": lambda op, x: x,
    "Fill": lambda op, x, v: v + 0 * x,
}
