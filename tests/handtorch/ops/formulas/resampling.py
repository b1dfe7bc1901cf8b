"""Independent formulas for ops/resampling.py: whole matrices, and sums over all axes at once."""

import numpy as np


def resample(op, x):
    matrices = []
    for taps in op.taps:
        matrix = np.zeros(taps.shape)
        np.add.at(matrix, (taps.rows, taps.columns), taps.weights)
        matrices.append(matrix)
    pairs = ("ia", "jb", "kc")[: len(matrices)]
    old, new = ("".join(pair[i] for pair in pairs) for i in (1, 0))
    return np.einsum(f"...{old},{','.join(pairs)}->...{new}", x, *matrices)


FORMULAS = {"Resample": resample}
