"""Independent formulas for ops/reduction.py."""

import math
import statistics

import numpy as np
from scipy import special


def reduced(function):
    """Apply a function of a flat list to every group of a reduction, one group at a time."""

    def formula(op, x):
        axes = range(x.ndim) if op.axes is None else np.atleast_1d(op.axes)
        rest = [i for i in range(x.ndim) if i not in axes]
        groups = np.transpose(x, [*rest, *axes]).reshape(*[x.shape[i] for i in rest], -1)
        out = np.apply_along_axis(lambda group: function(op, group.tolist()), -1, groups)
        return np.expand_dims(out, tuple(axes)) if op.keepdim else out

    return formula


def _variance(op, group):
    return statistics.variance(group) if op.correction else statistics.pvariance(group)


FORMULAS = {
    "Sum": reduced(lambda op, group: math.fsum(group)),
    "Mean": reduced(lambda op, group: math.fsum(group) / len(group)),
    "Prod": reduced(lambda op, group: math.prod(group)),
    "Var": reduced(_variance),
    "Std": reduced(lambda op, group: math.sqrt(_variance(op, group))),
    "LogSumExp": reduced(lambda op, group: special.logsumexp(group)),
    "Truth": lambda op, x: np.array([(all if op.function is np.all else any)(row) for row in x.tolist()]),
}
