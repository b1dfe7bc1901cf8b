"""Independent formulas for ops/reduction.py."""

import math

import numpy as np


def _reduced(function):
    """Apply a function of a flat list to every group of a reduction, one group at a time."""

    def formula(op, x):
        axes = range(x.ndim) if op.axes is None else np.atleast_1d(op.axes)
        rest = [i for i in range(x.ndim) if i not in axes]
        groups = np.transpose(x, [*rest, *axes]).reshape(*[x.shape[i] for i in rest], -1)
        out = np.apply_along_axis(lambda group: function(op, group.tolist()), -1, groups)
        return np.expand_dims(out, tuple(axes)) if op.keepdim else out

    return formula


def _arg(op, x):
    order = sorted if op.function is np.argmin else lambda v, key: sorted(v, key=key, reverse=True)
    if op.axis is None:
        return np.array(order(range(x.size), key=x.ravel().__getitem__)[0])
    flat = np.moveaxis(x, op.axis, -1)
    places = np.array([order(range(len(row)), key=row.__getitem__)[0] for row in flat.reshape(-1, flat.shape[-1])])
    places = places.reshape(flat.shape[:-1])
    return np.expand_dims(places, op.axis) if op.keepdim else places


FORMULAS = {
    "Sum": _reduced(lambda op, group: math.fsum(group)),
    "Mean": _reduced(lambda op, group: math.fsum(group) / len(group)),
    "Var": _reduced(lambda op, group: np.var(group, ddof=op.correction)),
    "Amax": _reduced(lambda op, group: max(group)),
    "Amin": _reduced(lambda op, group: min(group)),
    "ArgExtreme": _arg,
    "Truth": lambda op, x: np.array([(all if op.function is np.all else any)(row) for row in x.tolist()]),
}
