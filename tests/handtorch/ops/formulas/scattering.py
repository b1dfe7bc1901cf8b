"""Independent formulas for ops/scattering.py: the members of each place are gathered in a list, then reduced."""

import numpy as np


def _reduced(function):
    def formula(op, x, v):
        y = np.array(x, copy=True)
        keys = op.key if isinstance(op.key, tuple) else (op.key,)
        members = {}
        for place, value in zip(zip(*keys, strict=True), v, strict=True):
            members.setdefault(tuple(map(int, place)), []).append(value)
        for place, values in members.items():
            y[place] = function([*([x[place]] if op.include_self else []), *values])
        return y

    return formula


FORMULAS = {
    "ProdItem": _reduced(np.prod),
    "MultiplyItem": _reduced(np.prod),
    "AmaxItem": _reduced(max),
    "AminItem": _reduced(min),
}
