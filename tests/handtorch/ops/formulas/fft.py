"""Independent formulas for ops/fft.py: sums over all pairs of place and frequency, one axis after another."""

import numpy as np


def _scale(op, n):
    in_inverse = op.norm == ("forward" if _sign(op) > 0 else "backward")
    return 1 if in_inverse else n**-0.5 if op.norm == "ortho" else 1 / n


def _sign(op):
    return 1 if type(op).__name__ == "ToRealFourier" or getattr(op, "inverse", False) else -1


def _fit(op, x):
    y = np.zeros(op.target, x.dtype)
    for place in np.ndindex(*op.target):
        if all(i < n for i, n in zip(place, x.shape, strict=True)):
            y[place] = x[place]
    return y


def _sums(op, x, axis, n):
    """y_k = c Σ_i x_i exp(±2πi k i / n), for x cut or filled to n."""
    rows = np.moveaxis(x, axis, -1)[..., :n]
    table = np.exp(_sign(op) * 2j * np.pi * np.outer(np.arange(rows.shape[-1]), np.arange(n)) / n)
    return np.moveaxis(rows @ table * _scale(op, n), -1, axis)


def _fourier(op, x):
    for axis, n in zip(op.axes, op.sizes, strict=True):
        x = _sums(op, x, axis, n)
    return x


def _real_fourier(op, x):
    return np.take(_fourier(op, x), np.arange(op.sizes[-1] // 2 + 1), op.axes[-1])


def _to_real_fourier(op, x):
    for axis, n in zip(op.axes[:-1], op.sizes[:-1], strict=True):
        x = _sums(op, x, axis, n)
    n = op.sizes[-1]
    rows = np.moveaxis(x, op.axes[-1], -1)
    whole = np.zeros((*rows.shape[:-1], n), complex)
    for k in range(n):
        mirrored = min(k, n - k)
        if mirrored < rows.shape[-1]:
            held = rows[..., mirrored]
            whole[..., k] = held if k < n - k else np.conj(held) if k > n - k else np.real(held)
    whole[..., 0] = np.real(whole[..., 0])
    y = _sums(op, np.moveaxis(whole, -1, op.axes[-1]), op.axes[-1], n)
    assert np.allclose(y.imag, 0)
    return y.real


FORMULAS = {"Fit": _fit, "Fourier": _fourier, "RealFourier": _real_fourier, "ToRealFourier": _to_real_fourier}
