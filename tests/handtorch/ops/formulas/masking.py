"""Independent formulas for ops/masking.py."""

import numpy as np


def _masked_fill(op, x, v):
    mask, x = np.broadcast_arrays(op.mask, x)
    return np.array([v if held else own for held, own in zip(mask.ravel(), x.ravel(), strict=True)]).reshape(x.shape)


FORMULAS = {"MaskedFill": _masked_fill}
