"""Independent formulas for ops/complex.py."""

import cmath

import numpy as np


def _angle(op, x):
    angles = np.vectorize(cmath.phase)(x)
    return np.where(x != x, x, angles) if x.dtype.kind == "f" else angles


FORMULAS = {
    "Complex": lambda op, a, b: a + 1j * b,
    "Polar": lambda op, r, phi: r * np.exp(1j * phi),
    "Real": lambda op, x: (x + np.conj(x)) / 2,
    "Imag": lambda op, x: (x - np.conj(x)) / 2j,
    "Conj": lambda op, x: np.vectorize(complex.conjugate)(x),
    "ViewAsReal": lambda op, x: np.stack([x.real, x.imag], -1),
    "ViewAsComplex": lambda op, x: x @ np.array([1, 1j]),
    "Angle": _angle,
}
