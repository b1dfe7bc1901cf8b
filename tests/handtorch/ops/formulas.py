"""An independent formula for every op: SciPy, brute force, or NumPy by another way than the op goes.

``FORMULAS[name](op, *inputs)`` gives the result that the op's forward must have.
"""

import math
import operator

import numpy as np
import scipy.special
import scipy.stats


def _reduced(function):
    """Apply a function of a flat list to every group of a reduction, one group at a time."""

    def formula(op, x):
        axes = range(x.ndim) if op.axes is None else np.atleast_1d(op.axes)
        rest = [i for i in range(x.ndim) if i not in axes]
        groups = np.transpose(x, [*rest, *axes]).reshape(*[x.shape[i] for i in rest], -1)
        out = np.apply_along_axis(lambda group: function(op, group.tolist()), -1, groups)
        return np.expand_dims(out, tuple(axes)) if op.keepdim else out

    return formula


def _matmul(op, a, b):
    spec = {(1, 1): "k,k->", (1, 2): "k,...km->...m", (2, 1): "...nk,k->...n", (2, 2): "...nk,...km->...nm"}
    return np.einsum(spec[min(a.ndim, 2), min(b.ndim, 2)], a, b)


def _index(op, x):
    key = op.key if isinstance(op.key, tuple) else (op.key,)
    places = np.arange(x.size).reshape(x.shape)[key]
    return np.take(x.ravel(), places)


def _scatter(op, x):
    y = np.zeros(op.target)
    places = np.arange(y.size).reshape(op.target)[op.key]
    for place, value in zip(places.ravel(), x.ravel(), strict=True):
        y.flat[place] += value
    return y


def _set(op, x, v):
    y = x.copy().ravel()
    places = np.arange(x.size).reshape(x.shape)[op.key]
    for place, value in zip(places.ravel(), np.broadcast_to(v, places.shape).ravel(), strict=True):
        y[place] = value
    return y.reshape(x.shape)


def _gather(op, x):
    y = np.empty(op.index.shape)
    for place in np.ndindex(*op.index.shape):
        source = list(place)
        source[op.dim] = op.index[place]
        y[place] = x[tuple(source)]
    return y


def _extreme_at(op, x):
    best = x.max if op.function is np.argmax else x.min
    value = best(axis=op.axis, keepdims=True)
    place = np.argmax(x == value, axis=op.axis)
    return (value, np.expand_dims(place, op.axis)) if op.keepdim else (value.squeeze(op.axis), place)


def _arg(op, x):
    order = sorted if op.function is np.argmin else lambda v, key: sorted(v, key=key, reverse=True)
    if op.axis is None:
        return np.array(order(range(x.size), key=x.ravel().__getitem__)[0])
    flat = np.moveaxis(x, op.axis, -1)
    places = np.array([order(range(len(row)), key=row.__getitem__)[0] for row in flat.reshape(-1, flat.shape[-1])])
    places = places.reshape(flat.shape[:-1])
    return np.expand_dims(places, op.axis) if op.keepdim else places


def _batch_norm(op, x, weight=None, bias=None):
    channels = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    rows = [(c - c.mean()) / math.sqrt(c.var() + op.eps) for c in channels]
    for i in range(len(rows)):
        rows[i] = rows[i] * (1 if weight is None else weight[i]) + (0 if bias is None else bias[i])
    moved = np.array(rows).reshape(x.shape[1], x.shape[0], *x.shape[2:])
    return np.moveaxis(moved, 0, 1)


def _layer_norm(op, x, weight=None, bias=None):
    tail = x.shape[x.ndim - op.ndim :]
    rows = [(r - r.mean()) / math.sqrt(r.var() + op.eps) for r in x.reshape(-1, int(np.prod(tail)))]
    y = np.array(rows).reshape(x.shape)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def _cross_entropy(op, x):
    rows, divisor = [], 0.0
    weight = np.ones(x.shape[1]) if op.weight is None else op.weight
    for row, t in zip(x, op.targets, strict=True):
        logs = row - scipy.special.logsumexp(row)
        if t == op.ignore_index:
            rows.append(0.0)
            continue
        hard = -weight[t] * logs[t]
        soft = -(weight * logs).sum() / len(row)
        rows.append((1 - op.smoothing) * hard + op.smoothing * soft)
        divisor += weight[t]
    if op.reduction == "none":
        return np.array(rows)
    return math.fsum(rows) / (divisor if op.reduction == "mean" else 1)


def _relation(op, a, b):
    table = {
        "equal": lambda p, q: p == q,
        "not_equal": lambda p, q: p != q,
        "less": lambda p, q: p < q,
        "less_equal": lambda p, q: p <= q,
        "greater": lambda p, q: p > q,
        "greater_equal": lambda p, q: p >= q,
    }
    return np.array([table[op.relation.__name__](p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)])


def _cat(op, *xs):
    moved = [np.moveaxis(x, op.dim, 0) for x in xs]
    return np.moveaxis(np.array([row for x in moved for row in x]), 0, op.dim)


_BITS = {
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "invert": lambda v: not v if isinstance(v, bool) else -v - 1,
}

FORMULAS = {
    "Add": lambda op, a, b: -(-a - b),
    "Sub": lambda op, a, b: a + (-1) * b,
    "Mul": lambda op, a, b: a / (1 / np.asarray(b)),
    "Div": lambda op, a, b: a * (1 / b),
    "Pow": lambda op, a, b: np.vectorize(math.pow)(a, b),
    "Neg": lambda op, x: 0 - x,
    "Abs": lambda op, x: np.sqrt(x * x),
    "Sign": lambda op, x: np.where(x > 0, 1.0, -1.0),
    "Exp": lambda op, x: np.vectorize(math.exp)(x),
    "Log": lambda op, x: np.vectorize(math.log)(x),
    "Sqrt": lambda op, x: np.vectorize(math.sqrt)(x),
    "Square": lambda op, x: x * x,
    "Sin": lambda op, x: np.vectorize(math.sin)(x),
    "Cos": lambda op, x: np.vectorize(math.cos)(x),
    "Maximum": lambda op, a, b: np.vectorize(max)(a, b),
    "Minimum": lambda op, a, b: np.vectorize(min)(a, b),
    "Clamp": lambda op, x: np.vectorize(
        lambda v: min(max(v, -math.inf if op.low is None else op.low), math.inf if op.high is None else op.high),
        otypes=[float],
    )(x),
    "Where": lambda op, a, b: op.condition * a + (1 - op.condition) * b,
    "Compare": _relation,
    "Logic": lambda op, *xs: np.array(
        [_BITS[op.function.__name__](*v) for v in zip(*(x.tolist() for x in xs), strict=True)]
    ),
    "Cast": lambda op, x: x,
    "Clone": lambda op, x: x,
    "ReLU": lambda op, x: np.vectorize(lambda v: 0.0 if v < 0 else v, otypes=[float])(x),
    "LeakyReLU": lambda op, x: np.maximum(x, 0) + op.slope * np.minimum(x, 0),
    "Sigmoid": lambda op, x: scipy.special.expit(x),
    "Tanh": lambda op, x: np.vectorize(math.tanh)(x),
    "Erf": lambda op, x: scipy.special.erf(x),
    "GELU": lambda op, x: x * scipy.stats.norm.cdf(x),
    "TanhGELU": lambda op, x: x * scipy.special.expit(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)),
    "SiLU": lambda op, x: x * scipy.special.expit(x),
    "ELU": lambda op, x: np.vectorize(lambda v: v if v > 0 else op.alpha * math.expm1(v))(x),
    "Softplus": lambda op, x: -scipy.special.log_expit(-op.beta * x) / op.beta,
    "Softmax": lambda op, x: scipy.special.softmax(x, axis=op.dim),
    "LogSoftmax": lambda op, x: scipy.special.log_softmax(x, axis=op.dim),
    "Sum": _reduced(lambda op, group: math.fsum(group)),
    "Mean": _reduced(lambda op, group: math.fsum(group) / len(group)),
    "Var": _reduced(lambda op, group: np.var(group, ddof=op.correction)),
    "Amax": _reduced(lambda op, group: max(group)),
    "Amin": _reduced(lambda op, group: min(group)),
    "ArgExtreme": _arg,
    "Truth": lambda op, x: np.array([(all if op.function is np.all else any)(row) for row in x.tolist()]),
    "Reshape": lambda op, x: np.array(x.ravel().tolist()).reshape(op.target),
    "Permute": lambda op, x: np.einsum(x, list(range(x.ndim)), list(op.order)),
    "Expand": lambda op, x: np.ones(op.target) * x,
    "Cat": _cat,
    "Contiguous": lambda op, x: x,
    "Index": _index,
    "ScatterAdd": _scatter,
    "SetItem": _set,
    "Replace": lambda op, x, v: v,
    "Region": lambda op, x: np.array([x.ravel().tolist()[i] for i in op.places.ravel()]).reshape(op.places.shape),
    "WriteRegion": lambda op, x, v: np.array(
        [dict(zip(op.places.ravel(), v.ravel(), strict=True)).get(i, old) for i, old in enumerate(x.ravel())]
    ).reshape(x.shape),
    "Gather": _gather,
    "ExtremeAt": _extreme_at,
    "MatMul": _matmul,
    "Linear": lambda op, x, w, b=0: np.einsum("...i,oi->...o", x, w) + b,
    "BatchNorm": _batch_norm,
    "LayerNorm": _layer_norm,
    "CrossEntropy": _cross_entropy,
    "SquaredError": lambda op, a, b: a * a - 2 * a * b + b * b,
    "MeanSquaredError": lambda op, a, b: np.dot((a - b).ravel(), (a - b).ravel()) / a.size,
    "Dropout": lambda op, x: np.where(op.mask, x, 0) * op.scale,
}
