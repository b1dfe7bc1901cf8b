"""Independent formulas for the ops that solve: inverses, determinants, least squares."""

import itertools

import numpy as np
from scipy import linalg

from .factorizations import one_by_one


def _solve(op, a, b):
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, (*batch, *b.shape[-2:]))
    return one_by_one(lambda op, a, b: linalg.solve(a, b))(op, a, b)


def _det(op, a):
    """Leibniz's sum over all permutations."""
    n = len(a)
    return sum(
        np.linalg.det(np.eye(n)[list(order)]) * np.prod(a[np.arange(n), order])
        for order in itertools.permutations(range(n))
    )


def _slogdet(op, a):
    y = _det(op, a)
    with np.errstate(divide="ignore"):
        return np.sign(y), np.log(np.abs(y))


def _pinv(op, a):
    """By SciPy, with the tolerance of the op."""
    return linalg.pinvh(a, atol=0, rtol=op.rtol) if op.hermitian else linalg.pinv(a, atol=0, rtol=op.rtol)


FORMULAS = {
    "Inverse": one_by_one(lambda op, a: linalg.inv(a)),
    "Solve": _solve,
    "Det": one_by_one(_det),
    "SlogDet": one_by_one(_slogdet),
    "PseudoInverse": one_by_one(_pinv),
    "LeastSquares": one_by_one(lambda op, a, b: linalg.lstsq(a, b, lapack_driver="gelsy")[0]),
}
