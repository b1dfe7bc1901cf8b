"""Independent formulas for the files of ops/ that factorize matrices: SciPy's LAPACK, one matrix at a time."""

import numpy as np
from scipy import linalg


def one_by_one(function):
    """Apply a function of a matrix (and an op) to every matrix of a batch."""

    def formula(op, a, *others):
        batch = a.shape[:-2]
        results = [function(op, a[i], *(x[i] for x in others)) for i in np.ndindex(batch)]
        if not isinstance(results[0], tuple):
            return np.reshape(results, (*batch, *np.shape(results[0])))
        return tuple(np.reshape(r, (*batch, *np.shape(r[0]))) for r in zip(*results, strict=True))

    return formula


def _qr(op, a):
    if op.mode == "r":
        return np.empty(0), linalg.qr(a, mode="r")[0][: min(a.shape)]
    return linalg.qr(a, mode={"reduced": "economic", "complete": "full"}[op.mode])


def _reflections(op, a):
    packed, tau = linalg.qr(a, mode="raw")[0]
    return packed, tau


def _svd(op, a):
    """With the signs that the samples choose: each row of Vᴴ has a positive sum."""
    u, s, vh = linalg.svd(a, full_matrices=False)
    sign = np.sign(vh.sum(-1))
    return u * sign, s, vh * sign[:, None]


def _projections(values, v):
    return values, np.einsum("ik,jk->ijk", v, v.conj())


def _lu(op, a):
    """LAPACK's getrf."""
    packed, pivots = linalg.lapack.dgetrf(a)[:2]
    return packed, pivots + 1


def _ldl(op, a):
    """LAPACK's sytrf or hetrf."""
    name = "hetrf" if op.hermitian else "sytrf"
    packed, pivots, _ = linalg.lapack.get_lapack_funcs((name,), (a,))[0](a, lower=1)
    return np.tril(packed), pivots


def _ldl_solve(op, packed, b):
    """LAPACK's sytrs or hetrs."""
    name = "hetrs" if op.hermitian else "sytrs"
    solve = linalg.lapack.get_lapack_funcs((name,), (packed, b))[0]
    return np.stack([solve(packed, op.pivots, x, lower=1)[0] for x in b])


FORMULAS = {
    "Cholesky": one_by_one(lambda op, a: linalg.cholesky(a @ a.T + np.eye(len(a)), lower=True)),
    "QR": one_by_one(_qr),
    "Reflections": one_by_one(_reflections),
    "SVD": one_by_one(_svd),
    "Eigh": one_by_one(lambda op, a: _projections(*linalg.eigh(a + a.T))),
    "Eig": one_by_one(lambda op, a: _projections(*linalg.eig(a))),
    "LU": one_by_one(_lu),
    "LDL": one_by_one(_ldl),
    "LDLSolve": _ldl_solve,
}
