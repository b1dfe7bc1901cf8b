"""Factorizations: what their factors multiply to, gradients of complex matrices, what is refused."""

import numpy as np
import pytest
from scipy import linalg

import handtorch as ht
from handtorch.autograd import gradcheck, gradgradcheck
from handtorch.errors import DtypeError, GradientError, LinAlgError, RangeError, ShapeError


def random(*shape, seed=0):
    return ht.from_numpy(np.random.default_rng((seed, *shape)).standard_normal(shape))


def random_complex(*shape, seed=0):
    return ht.complex(random(*shape, seed=seed), random(*shape, seed=seed + 1))


def close(got, want, tolerance=1e-10):
    np.testing.assert_allclose(got.numpy(), want.numpy() if isinstance(want, ht.Tensor) else want, atol=tolerance)


def hermitian(a):
    return a + a.mH


def positive_definite(a):
    return a @ a.mH + ht.eye(a.shape[-1], dtype=a.dtype)


def projections(v):
    """v vᴴ of each column: what does not depend on its phase."""
    return v.unsqueeze(-2) * v.conj().unsqueeze(-3)


def _svd(a):
    u, s, vh = ht.linalg.svd(a, full_matrices=False)
    return s, u.unsqueeze(-2) * vh.mT.unsqueeze(-3)  # u_i v_iᴴ


def _eig(a):
    values, v = ht.linalg.eig(a)
    return values, projections(v)


def _eigh(a):
    values, v = ht.linalg.eigh(hermitian(a))
    return values, projections(v)


def _householder(a):
    return ht.linalg.householder_product(a, a[..., 0, :])


COMPLEX = {
    "cholesky": lambda a: ht.linalg.cholesky(positive_definite(a)),
    "cholesky upper": lambda a: ht.linalg.cholesky(positive_definite(a), upper=True),
    "qr": ht.linalg.qr,
    "svd": _svd,
    "eigh": _eigh,
    "eig": _eig,
    "lu": lambda a: ht.linalg.lu(a)[1:],
    "householder_product": _householder,
    "inv": ht.linalg.inv,
    "solve": lambda a: ht.linalg.solve(a, a.mT),
    "solve_triangular": lambda a: ht.linalg.solve_triangular(a, a.mT, upper=True, left=False),
    "det": ht.linalg.det,
    "slogdet": ht.linalg.slogdet,
    "pinv": ht.linalg.pinv,
    "lstsq": lambda a: ht.linalg.lstsq(a, a.mT).solution,
}


@pytest.mark.parametrize("name", COMPLEX)
def test_gradients_of_complex_matrices_agree_with_difference_quotients(name):
    def parts(re, im):
        results = COMPLEX[name](ht.complex(re, im))
        results = results if isinstance(results, tuple) else (results,)
        return tuple(part for y in results for part in ((y.real, y.imag) if y.is_complex() else (y,)))

    inputs = [random(2, 2, seed=seed).requires_grad_() for seed in (5, 6)]
    assert gradcheck(parts, inputs)
    assert gradgradcheck(parts, inputs, atol=1e-4)


@pytest.mark.parametrize(
    "loss", [lambda a: ht.linalg.svd(a)[0], lambda a: ht.linalg.eig(a)[1], lambda a: ht.linalg.eigh(a)[1]]
)
def test_a_loss_that_depends_on_the_phase_of_complex_vectors_has_no_gradient(loss):
    a = random_complex(3, 3).requires_grad_()
    with pytest.raises(GradientError, match="phi"):
        (loss(a) * random_complex(3, 3, seed=7)).sum().real.backward()


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 3)])
def test_a_full_svd_has_square_orthogonal_factors_and_a_gradient_for_the_first_columns_only(shape):
    a = random(*shape).requires_grad_()
    m, n = shape[-2:]
    k = min(m, n)
    u, s, vh = ht.linalg.svd(a)
    close((u @ u.mT).detach(), np.broadcast_to(np.eye(m), u.shape))
    close((vh @ vh.mT).detach(), np.broadcast_to(np.eye(n), vh.shape))
    close((u[..., :k] @ (s.unsqueeze(-1) * vh[..., :k, :])).detach(), a.detach())
    full = ht.autograd.grad((u[..., :k] ** 4).sum() + (vh[..., :k, :] ** 4).sum(), a)[0]
    u, _, vh = ht.linalg.svd(a, full_matrices=False)
    close(full, ht.autograd.grad((u**4).sum() + (vh**4).sum(), a)[0])


def test_singular_values_and_eigenvalues_alone_are_those_of_the_whole_decomposition_with_and_without_gradient():
    a = random(2, 3, 3)
    for alone, whole in (
        (ht.linalg.svdvals, lambda x: ht.linalg.svd(x)[1]),
        (ht.linalg.eigvalsh, lambda x: ht.linalg.eigh(x)[0]),
        (ht.linalg.eigvals, lambda x: ht.linalg.eig(x)[0]),
    ):
        close(alone(a), whole(a))
        recorded = alone(a.clone().requires_grad_())
        assert recorded.requires_grad
        close(recorded.detach(), whole(a))


def test_eigh_and_cholesky_read_one_triangle_only():
    a = positive_definite(random(4, 4))
    lower, upper = a.tril() + random(4, 4).triu(1), a.triu() + random(4, 4).tril(-1)
    close(ht.linalg.eigvalsh(lower), np.linalg.eigvalsh(a.numpy()))
    close(ht.linalg.eigvalsh(upper, UPLO="U"), np.linalg.eigvalsh(a.numpy()))
    close(ht.linalg.cholesky(lower), np.linalg.cholesky(a.numpy()))
    close(ht.linalg.cholesky(upper, upper=True), np.linalg.cholesky(a.numpy()).T)


def test_cholesky_names_the_first_leading_minor_that_is_not_positive_definite():
    a = np.diag([4.0, 3, -1, 2])
    batch = ht.from_numpy(np.stack([np.eye(4), a, np.full((4, 4), np.nan)]))
    factor, info = ht.linalg.cholesky_ex(batch)
    assert info.tolist() == [0, 3, 1]
    assert info.dtype == ht.int32
    assert np.isnan(factor.numpy()[1:]).all() and factor[0].tolist() == np.eye(4).tolist()
    with pytest.raises(LinAlgError, match=r"Batch element 1\): .* minor of order 3"):
        ht.linalg.cholesky(batch)
    with pytest.raises(ht.linalg.LinAlgError, match="order 3"):
        ht.linalg.cholesky_ex(batch[1], check_errors=True)


@pytest.mark.parametrize("upper", [False, True])
def test_the_factor_of_cholesky_solves_and_inverts(upper):
    a, b = positive_definite(random_complex(2, 3, 3)), random_complex(2, 3, 2, seed=4)
    factor = ht.linalg.cholesky(a, upper=upper)
    close(a @ ht.cholesky_solve(b, factor, upper), b)
    close(ht.cholesky_inverse(factor, upper), np.linalg.inv(a.numpy()))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 4), (150, 130)])
def test_lu_multiplies_to_the_matrix_and_its_parts_are_those_of_lapack(shape):
    a = random_complex(*shape)
    p, lower, upper = ht.linalg.lu(a)
    close(p @ lower @ upper, a)
    packed, pivots = ht.linalg.lu_factor(a)
    assert pivots.dtype == ht.int32
    for part, other in zip((p, lower, upper), ht.lu_unpack(packed, pivots), strict=True):
        close(part, other)
    for matrix, got in zip(
        a.numpy().reshape(-1, *shape[-2:]), pivots.numpy().reshape(-1, min(shape[-2:])), strict=True
    ):
        assert (linalg.lapack.zgetrf(matrix)[1] + 1 == got).all()


def test_lu_of_a_singular_matrix_names_the_pivot_that_is_zero():
    a = ht.from_numpy(np.array([[1.0, 2], [2, 4]]))
    assert ht.linalg.lu_factor_ex(a).info.tolist() == 2
    with pytest.raises(RuntimeError, match=r"U\[2,2\] is zero"):
        ht.linalg.lu_factor(a)
    assert ht.lu(a, get_infos=True)[2].tolist() == 2
    with pytest.raises(RangeError, match="pivoting"):
        ht.linalg.lu(a, pivot=False)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_the_factors_of_lu_solve_from_both_sides_with_the_matrix_and_its_adjoint(left, adjoint):
    a, b = random_complex(2, 3, 3), random_complex(2, 3, 3, seed=4)
    x = ht.linalg.lu_solve(*ht.linalg.lu_factor(a), b, left=left, adjoint=adjoint)
    matrix = a.mH if adjoint else a
    close(matrix @ x if left else x @ matrix, b)


@pytest.mark.parametrize("hermitian_kind", [True, False])
@pytest.mark.parametrize("n", [1, 4, 90])
def test_ldl_agrees_with_lapack_and_solves(n, hermitian_kind):
    c = random_complex(n, n)
    a = c + (c.mH if hermitian_kind else c.mT)
    packed, pivots = ht.linalg.ldl_factor(a, hermitian=hermitian_kind)
    want, want_pivots, _ = (linalg.lapack.zhetrf if hermitian_kind else linalg.lapack.zsytrf)(a.numpy(), lower=1)
    close(packed, np.tril(want))
    assert (pivots.numpy() == want_pivots).all()
    b = random_complex(2, n, 2, seed=4)
    close(a @ ht.linalg.ldl_solve(packed, pivots, b, hermitian=hermitian_kind), b)


def test_ldl_of_a_singular_matrix_names_the_block_that_is_zero():
    a = ht.from_numpy(np.diag([2.0, 0, 1]))
    assert ht.linalg.ldl_factor_ex(a).info.tolist() == 2
    with pytest.raises(LinAlgError, match="block 2 of D"):
        ht.linalg.ldl_factor(a)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 3)])
def test_reflections_multiply_to_the_orthogonal_factor(shape):
    a = random_complex(*shape)
    packed, tau = ht.geqrf(a)
    q, r = ht.linalg.qr(a)
    close(packed.triu()[..., : shape[-1], :], r)
    close(ht.linalg.householder_product(packed, tau), q)
    close(ht.orgqr(packed, tau), q)
    whole = ht.linalg.qr(a, mode="complete").Q
    c = random_complex(*shape[:-2], shape[-2], 2, seed=5)
    close(ht.ormqr(packed, tau, c), whole @ c)
    close(ht.ormqr(packed, tau, c, transpose=True), whole.mH @ c)
    close(ht.ormqr(packed, tau, c.mH, left=False), c.mH @ whole)


def test_reflections_whose_factor_is_zero_change_nothing_and_have_a_gradient():
    vectors, tau = random(4, 2).requires_grad_(), ht.zeros(2, dtype=ht.float64).requires_grad_()
    assert ht.linalg.householder_product(vectors, tau).tolist() == np.eye(4, 2).tolist()
    assert gradcheck(ht.linalg.householder_product, [vectors, tau])


def test_qr_has_no_gradient_where_q_is_not_determined():
    a = random(4, 2).requires_grad_()
    for mode in ("r", "complete"):
        with pytest.raises(GradientError, match="mode='"):
            ht.linalg.qr(a, mode=mode).R.sum().backward()
    assert ht.linalg.qr(a.detach(), mode="r").Q.shape == (0,)


def test_low_rank_decompositions_find_a_low_rank_matrix_and_its_principal_components():
    ht.manual_seed(0)
    a = random(2, 20, 3) @ random(2, 3, 12, seed=3)
    for x in (a, a.mT):
        u, s, v = ht.svd_lowrank(x, q=4)
        close(u @ (s.unsqueeze(-1) * v.mT), x)
    centred = a - a.mean(-2, keepdim=True)
    u, s, v = ht.pca_lowrank(a, q=3)
    close(u @ (s.unsqueeze(-1) * v.mT), centred)
    close(s, np.linalg.svd(centred.numpy(), compute_uv=False)[:, :3])
    shifted = ht.svd_lowrank(a + 1, q=3, M=ht.ones(1, 12, dtype=ht.float64))
    close(shifted[1], np.linalg.svd(a.numpy(), compute_uv=False)[:, :3])
    with pytest.raises(ValueError, match="min"):
        ht.pca_lowrank(a, q=13)


@pytest.mark.parametrize("name", ["cholesky", "det", "eig", "eigh", "inv", "ldl_factor", "slogdet", "eigvals"])
def test_what_needs_square_matrices_of_floating_point_says_so(name):
    function = getattr(ht.linalg, name)
    with pytest.raises(ShapeError, match="2 by 3"):
        function(random(2, 3))
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        function(random(3))
    with pytest.raises(DtypeError, match="floating point"):
        function(ht.eye(2, dtype=ht.int64))
    with pytest.raises(DtypeError, match="Low precision"):
        function(ht.eye(2, dtype=ht.float16))


@pytest.mark.parametrize("name", ["svd", "eigh", "eig"])
def test_a_matrix_with_nan_is_refused(name):
    with pytest.raises(LinAlgError, match="non-finite"):
        getattr(ht.linalg, name)(ht.full((3, 3), float("nan")))


def test_results_have_names_and_can_be_put_into_tensors():
    a = random(3, 2)
    out = tuple(ht.empty(0, dtype=ht.float64) for _ in range(2))
    result = ht.linalg.qr(a, out=out)
    assert result.Q is out[0]
    close(out[0] @ out[1], a)
    assert ht.linalg.svd(a)._fields == ("U", "S", "Vh")
    assert ht.svd(a)._fields == ("U", "S", "V")
    with pytest.raises(DtypeError):
        ht.linalg.qr(a, out=tuple(ht.empty(0) for _ in range(2)))


def test_the_former_names_return_what_they_did():
    a = random(3, 2)
    u, s, v = ht.svd(a, some=False)
    assert (u.shape, v.shape) == ((3, 3), (2, 2))
    close(u[:, :2] @ ht.diag(s) @ v.mT, a)
    u, s, v = a.svd(compute_uv=False)
    assert not u.any() and not v.any() and (u.shape, v.shape) == ((3, 3), (2, 2))
    close(s, np.linalg.svd(a.numpy(), compute_uv=False))
    assert ht.qr(a, some=False).Q.shape == (3, 3)
    square = random(3, 3)
    close(square.inverse(), np.linalg.inv(square.numpy()))
    x, copy = ht.triangular_solve(random(3, 1), square, upper=False, transpose=True)
    close(square.tril().mT @ x, random(3, 1))
    assert copy is not square and copy.tolist() == square.tolist()
