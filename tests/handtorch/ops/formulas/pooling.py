"""Independent formulas for ops/pooling.py: one window after the other."""

import itertools

import numpy as np


def window(windows, plane, o):
    """The elements of window o, for a plane's place along the axes before."""
    first = windows.first[plane][o] if windows.first.ndim > 1 else windows.first[o]
    count = windows.count[plane][o] if windows.count.ndim > 1 else windows.count[o]
    return first + windows.step * np.arange(count)


def max_pool(op, x):
    batch = x.shape[: x.ndim - len(op.windows)]
    y = np.empty((*batch, *(windows.first.shape[-1] for windows in op.windows)))
    for plane in np.ndindex(*batch):
        for place in itertools.product(*map(range, y.shape[len(batch) :])):
            elements = [window(windows, plane, o) for windows, o in zip(op.windows, place, strict=True)]
            y[(*plane, *place)] = x[plane][np.ix_(*elements)].max()
    return y


FORMULAS = {"MaxPool": max_pool}
