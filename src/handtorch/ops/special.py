"""The error function on arrays, which NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_TERMS = 26


def _chebyshev(n: int = 60) -> tuple[float, ...]:
    """Chebyshev coefficients of e^(z²) erfc(z) for z >= 0, in the variable t = (z - k) / (z + k) with k = 3.75.

    Found by interpolation at the Chebyshev nodes; the mapping is Shepherd and Laframboise's (Math. Comp. 36, 1981),
    whose function is smooth and bounded on [-1, 1), so that 26 terms reach double precision.
    """
    theta = [math.pi * (i + 0.5) / n for i in range(n)]
    values = [_scaled_erfc(3.75 * (1 + math.cos(a)) / (1 - math.cos(a))) for a in theta]
    return tuple(2 / n * sum(v * math.cos(j * a) for v, a in zip(values, theta, strict=True)) for j in range(_TERMS))


def _scaled_erfc(z: float) -> float:
    """e^(z²) erfc(z): by its definition, and by its continued fraction where that would underflow."""
    if z < 5:
        return math.exp(z * z) * math.erfc(z)
    fraction = z
    for k in range(60, 0, -1):
        fraction = z + 0.5 * k / fraction
    return 1 / (math.sqrt(math.pi) * fraction)


_COEFFICIENTS = _chebyshev()
# Maclaurin series of erf(x)/x in x², last term first: for small x, where 1 - erfc(x) would lose digits
_SERIES = tuple(2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(13, -1, -1))


def erf(x: Any) -> Any:
    """erf(x) = 2/√π ∫₀ˣ e^(-t²) dt, by element, to a few units in the last place.

    Args:
        x: a floating point array of any shape (or a Tensor).
    """
    z = np.absolute(x)
    t = (z - 3.75) / (z + 3.75)
    now, before = 0 * t, 0 * t
    for coefficient in _COEFFICIENTS[:0:-1]:  # Clenshaw's recurrence
        now, before = 2 * t * now - before + coefficient, now
    scaled = t * now - before + 0.5 * _COEFFICIENTS[0]
    square = np.where(z < 0.5, z * z, 0 * z)
    series = 0 * z
    for coefficient in _SERIES:
        series = series * square + coefficient
    return np.where(z < 0.5, x * series, np.sign(x) * (1 - scaled * np.exp(-z * z)))
