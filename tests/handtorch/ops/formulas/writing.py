"""Independent formulas for ops/writing.py."""

import numpy as np

FORMULAS = {
    "Replace": lambda op, x, v: v,
    "Region": lambda op, x: np.array([x.ravel().tolist()[i] for i in op.places.ravel()]).reshape(op.places.shape),
    "WriteRegion": lambda op, x, v: np.array(
        [dict(zip(op.places.ravel(), v.ravel(), strict=True)).get(i, old) for i, old in enumerate(x.ravel())]
    ).reshape(x.shape),
}
