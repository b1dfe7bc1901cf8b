"""Factorizations and solvers of complex matrices, and of shapes that PyTorch's database leaves out."""

import numpy as np
import pytest
import torch

import handtorch

CASES = {
    "cholesky": lambda m, a: m.linalg.cholesky(a @ a.mH + m.eye(a.shape[-1])),
    "cholesky upper": lambda m, a: m.linalg.cholesky(a @ a.mH + m.eye(a.shape[-1]), upper=True),
    "qr": lambda m, a: m.linalg.qr(a),
    "qr wide": lambda m, a: m.linalg.qr(a[..., :2, :]),
    "svdvals": lambda m, a: m.linalg.svdvals(a[..., :2]),
    "svd": lambda m, a: m.linalg.svd(a, full_matrices=False)[1:2],
    "svd vectors": lambda m, a: [abs(x) for x in m.linalg.svd(a[..., :2], full_matrices=False)],
    "eigh": lambda m, a: m.linalg.eigvalsh(a + a.mH),
    "eigh vectors": lambda m, a: abs(m.linalg.eigh(a + a.mH).eigenvectors),
    "eig": lambda m, a: m.linalg.eigvals(a),
    "eig vectors": lambda m, a: abs(m.linalg.eig(a).eigenvectors),
    "lu": lambda m, a: m.linalg.lu(a),
    "lu wide": lambda m, a: m.linalg.lu(a[..., :2, :])[1:],
    "lu tall": lambda m, a: m.linalg.lu_factor(a[..., :2]),
    "lu_solve": lambda m, a: m.linalg.lu_solve(*m.linalg.lu_factor(a), a.mT, left=False, adjoint=True),
    "inv": lambda m, a: m.linalg.inv(a),
    "solve": lambda m, a: m.linalg.solve(a, a.mT[..., :2, :], left=False),
    "solve_triangular": lambda m, a: m.linalg.solve_triangular(a, a.mT, upper=False, left=False),
    "det": lambda m, a: m.linalg.det(a),
    "slogdet": lambda m, a: m.linalg.slogdet(a),
    "logdet": lambda m, a: m.logdet(a),
    "pinv": lambda m, a: m.linalg.pinv(a[..., :2]),
    "pinv hermitian": lambda m, a: m.linalg.pinv(a + a.mH, hermitian=True),
    "lstsq": lambda m, a: m.linalg.lstsq(a[..., :2], a, driver="gels")[:2],
    "cond": lambda m, a: m.linalg.cond(a),
    "householder_product": lambda m, a: m.linalg.householder_product(a, a[..., 0, :]),
    "ormqr": lambda m, a: m.ormqr(a, a[..., 0, :], a.mT, left=False, transpose=True),
}


def outputs(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 3, 3)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_complex_matrices_and_their_gradients_are_pytorchs(name, shape):
    generator = np.random.default_rng(3)
    array = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
    theirs = torch.from_numpy(array.copy()).requires_grad_()
    ours = handtorch.from_numpy(array.copy()).requires_grad_()
    expected, got = outputs(CASES[name](torch, theirs)), outputs(CASES[name](handtorch, ours))
    total, mine = 0, 0
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_allclose(b.numpy(force=True), a.numpy(force=True), rtol=1e-9, atol=1e-9)
        assert a.requires_grad == b.requires_grad
        if a.requires_grad:
            weight = generator.standard_normal(a.shape)
            total = total + (torch.from_numpy(weight) * a).sum().real
            mine = mine + (handtorch.from_numpy(weight) * b).sum().real
    total.backward()
    mine.backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("name", ["cond", "lu", "lu_factor_ex", "pinv", "qr", "svd", "svdvals", "matrix_rank"])
def test_empty_matrices_have_pytorchs_results(name, shape):
    expected = outputs(getattr(torch.linalg, name)(torch.zeros(shape)))
    got = outputs(getattr(handtorch.linalg, name)(handtorch.zeros(shape)))
    for a, b in zip(expected, got, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        if name not in ("svd", "qr"):
            assert a.tolist() == b.tolist()
