"""Independent formulas for ops/rearranging.py."""

import numpy as np


def _flip(op, x):
    key = tuple(slice(None, None, -1) if axis in op.axes else slice(None) for axis in range(x.ndim))
    return x[key]


def _roll(op, x):
    y = np.empty_like(x)
    if not op.axes:
        return np.array([x.ravel()[(i - op.shifts[0]) % x.size] for i in range(x.size)]).reshape(x.shape)
    for place in np.ndindex(*x.shape):
        moved = list(place)
        for shift, axis in zip(op.shifts, op.axes, strict=True):
            moved[axis] = (moved[axis] + shift) % x.shape[axis]
        y[tuple(moved)] = x[place]
    return y


def _repeat(op, x):
    x = x.reshape((1,) * (len(op.times) - x.ndim) + x.shape)
    for axis, times in enumerate(op.times):
        x = np.concatenate([x] * times, axis) if times else np.delete(x, slice(None), axis)
    return x


FORMULAS = {"Flip": _flip, "Roll": _roll, "Repeat": _repeat}
