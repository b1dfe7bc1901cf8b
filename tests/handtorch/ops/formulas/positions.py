"""Independent formulas for ops/positions.py."""

import numpy as np


def _add_positions(op, x, table):
    y = x.copy()
    for t in range(x.shape[-2]):
        y[..., t, :] += table[op.start + t]
    return y


def _turn(op, x):
    """As one complex number a pair, times a number on the unit circle."""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = op.base ** (-2 * np.arange(half) / x.shape[-1])
    angles = np.outer(np.arange(op.start, op.start + steps), speeds) * (-1 if op.back else 1)
    z = (x[..., :half] + 1j * x[..., half:]) * np.exp(1j * angles)
    return np.concatenate([z.real, z.imag], -1)


FORMULAS = {
    "AddPositions": _add_positions,
    "Turn": _turn,
}
