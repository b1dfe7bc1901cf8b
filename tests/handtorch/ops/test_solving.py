"""Systems of equations, inverses, determinants and least squares: what they solve, and what they refuse."""

import numpy as np
import pytest
from scipy import linalg

import handtorch as ht
from handtorch.autograd import gradcheck
from handtorch.errors import DtypeError, LinAlgError, RangeError, ShapeError


def random(*shape, seed=0):
    return ht.from_numpy(np.random.default_rng((seed, *shape)).standard_normal(shape))


def close(got, want, tolerance=1e-10):
    np.testing.assert_allclose(got.numpy(), want.numpy() if isinstance(want, ht.Tensor) else want, atol=tolerance)


SINGULAR = ht.from_numpy(np.stack([np.eye(2), [[1.0, 2], [2, 4]], np.zeros((2, 2))]))


def test_solve_takes_vectors_matrices_and_batches_of_both_from_both_sides():
    a = random(2, 1, 3, 3)
    close(a @ ht.linalg.solve(a, random(4, 3, 2)), np.broadcast_to(random(4, 3, 2).numpy(), (2, 4, 3, 2)))
    close((a @ ht.linalg.solve(a, random(3)).unsqueeze(-1)).squeeze(-1), np.broadcast_to(random(3).numpy(), (2, 1, 3)))
    close((a @ ht.linalg.solve(a, random(2, 1, 3)).unsqueeze(-1)).squeeze(-1), random(2, 1, 3))
    close(ht.linalg.solve(a, random(5, 3), left=False) @ a, np.broadcast_to(random(5, 3).numpy(), (2, 1, 5, 3)))


def test_solve_says_which_shapes_do_not_fit():
    with pytest.raises(ShapeError, match="AX = B"):
        ht.linalg.solve(random(3, 3), random(2, 2))
    with pytest.raises(ShapeError, match="XA = B"):
        ht.linalg.solve(random(3, 3), random(3, 2), left=False)
    with pytest.raises(ShapeError, match="broadcast"):
        ht.linalg.solve(random(2, 3, 3), random(5, 3, 2))
    with pytest.raises(RangeError, match="left=False"):
        ht.linalg.solve(random(3, 3), random(3), left=False)
    with pytest.raises(DtypeError, match="one element type"):
        ht.linalg.solve(random(3, 3), random(3, 3).float())


def test_singular_matrices_are_named_or_counted():
    assert ht.linalg.inv_ex(SINGULAR).info.tolist() == [0, 2, 1]
    assert ht.linalg.solve_ex(SINGULAR, SINGULAR).info.tolist() == [0, 2, 1]
    assert ht.linalg.inv_ex(SINGULAR).inverse[0].tolist() == np.eye(2).tolist()
    with pytest.raises(LinAlgError, match=r"Batch element 1\): The diagonal element 2 is zero"):
        ht.linalg.inv(SINGULAR)
    with pytest.raises(ht.linalg.LinAlgError, match="singular"):
        ht.linalg.solve(SINGULAR, SINGULAR)
    with pytest.raises(RuntimeError):
        ht.linalg.solve_ex(SINGULAR, SINGULAR, check_errors=True)


def test_numpys_inverse_and_solve_of_tensors_have_gradients():
    a = random(3, 3).requires_grad_()
    assert np.linalg.inv(a).requires_grad
    close(np.linalg.solve(a, random(3, 2)).detach(), np.linalg.solve(a.detach().numpy(), random(3, 2).numpy()))


@pytest.mark.parametrize("n", [3, 100])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("left", [False, True])
def test_a_triangular_system_reads_its_triangle_only(n, upper, left):
    a, b = random(n, n) / n + ht.eye(n, dtype=ht.float64), random(n, n, seed=2)
    for unitriangular in (False, True):
        x = ht.linalg.solve_triangular(a, b, upper=upper, left=left, unitriangular=unitriangular)
        triangle = np.triu(a.numpy()) if upper else np.tril(a.numpy())
        if unitriangular:
            np.fill_diagonal(triangle, 1)
        triangle = ht.from_numpy(triangle)
        close(triangle @ x if left else x @ triangle, b)


def test_a_zero_on_the_diagonal_of_a_triangle_gives_inf():
    x = ht.linalg.solve_triangular(ht.zeros(1, 1), ht.ones(1, 1), upper=True)
    assert x.tolist() == [[np.inf]]


def test_the_gradient_of_a_determinant_is_the_cofactors_whatever_the_rank():
    for matrix in (random(4, 4), random(4, 3) @ random(3, 4), random(4, 2) @ random(2, 4), ht.zeros(4, 4).double()):
        a = matrix.clone().requires_grad_()
        ht.linalg.det(a).backward()
        minors = [
            [np.linalg.det(np.delete(np.delete(matrix.numpy(), i, 0), j, 1)) * (-1) ** (i + j) for j in range(4)]
            for i in range(4)
        ]
        close(a.grad, minors, 1e-9)


def test_logdet_is_nan_for_a_negative_determinant_and_minus_infinity_for_none():
    assert np.isnan(ht.logdet(-ht.eye(3)).item())
    assert ht.logdet(ht.zeros(3, 3)).item() == -np.inf
    close(ht.logdet(2 * ht.eye(3, dtype=ht.float64)), 3 * np.log(2))
    close(ht.logdet(-ht.eye(3, dtype=ht.complex128)), 1j * np.pi)


def test_slogdet_survives_where_the_determinant_overflows():
    sign, size = ht.linalg.slogdet(-1e10 * ht.eye(101, dtype=ht.float64))
    assert sign.item() == -1
    close(size, 101 * np.log(1e10))


@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
def test_least_squares_returns_what_the_driver_has(driver):
    a, b = random(2, 5, 3), random(2, 5, 2)
    x, residuals, rank, values = ht.linalg.lstsq(a, b, driver=driver)
    for i in range(2):
        close(x[i], linalg.lstsq(a[i].numpy(), b[i].numpy())[0])
    if driver in (None, "gelsy"):
        assert residuals.shape == (0,)
    else:
        close(residuals, ((a @ x - b) ** 2).sum(-2))
    assert rank.tolist() == ([] if driver == "gels" else [3, 3])
    if driver in ("gelsd", "gelss"):
        close(values, np.linalg.svd(a.numpy(), compute_uv=False))
    else:
        assert values.shape == (0,)


def test_least_squares_takes_vectors_and_gives_the_shortest_solution_of_a_deficient_matrix():
    close(ht.linalg.lstsq(random(5, 3), random(5)).solution, linalg.lstsq(random(5, 3).numpy(), random(5).numpy())[0])
    a = random(5, 2) @ random(2, 3)
    got = ht.linalg.lstsq(a, random(5, 1), driver="gelsd")
    close(got.solution, np.linalg.pinv(a.numpy()) @ random(5, 1).numpy())
    assert got.rank.item() == 2 and got.residuals.shape == (0,)
    out = tuple(ht.empty(0, dtype=kind) for kind in (ht.float64, ht.float64, ht.int64, ht.float64))
    assert ht.linalg.lstsq(a, random(5, 1), driver="gelsd", out=out).solution is out[0]
    close(out[0], got.solution)
    with pytest.raises(RangeError, match="driver"):
        ht.linalg.lstsq(a, a, driver="qr")
    with pytest.raises(ShapeError, match="expected input"):
        ht.linalg.lstsq(a, random(4, 1))


def test_rank_and_pseudoinverse_count_singular_values_above_both_tolerances():
    a = ht.diag(ht.tensor([4.0, 1e-3, 1e-9], dtype=ht.float64))
    assert ht.linalg.matrix_rank(a).item() == 3
    assert ht.linalg.matrix_rank(a, atol=1e-2).item() == 1
    assert ht.linalg.matrix_rank(a, rtol=1e-5).item() == 2
    assert ht.linalg.matrix_rank(a, 1e-4, hermitian=True).item() == 2
    assert ht.linalg.matrix_rank(ht.stack([a, a]), atol=ht.tensor([1e-2, 1e-4])).tolist() == [1, 2]
    close(ht.linalg.pinv(a, rtol=1e-5), np.diag([0.25, 1e3, 0]))
    close(ht.linalg.pinv(-a, rtol=1e-5, hermitian=True), np.diag([-0.25, -1e3, 0]))
    close(ht.pinverse(a, 1e-5), np.diag([0.25, 1e3, 0]))
    assert ht.linalg.matrix_rank(ht.zeros(3, 0)).item() == 0


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, float("inf"), -float("inf"), "fro", "nuc"])
def test_condition_numbers_agree_with_numpy(p):
    a = random(2, 3, 3)
    close(ht.linalg.cond(a, p), np.linalg.cond(a.numpy(), p), 1e-9)


def test_condition_numbers_of_singular_and_of_empty_matrices():
    assert ht.linalg.cond(SINGULAR, 1).tolist() == [1, np.inf, np.inf]
    assert ht.linalg.cond(ht.zeros(2, 0, 0)).tolist() == [0, 0]
    with pytest.raises(ShapeError, match="square"):
        ht.linalg.cond(random(3, 2), 1)


def test_tensors_as_maps_are_inverted_and_solved():
    a = random(2, 3, 6)
    close(ht.linalg.tensorinv(a), np.linalg.tensorinv(a.numpy()))
    b = random(2, 3, seed=3)
    close(ht.linalg.tensorsolve(a, b), np.linalg.tensorsolve(a.numpy(), b.numpy()))
    moved = a.movedim(-1, 0)
    close(ht.linalg.tensorsolve(moved, b, dims=(0,)), np.linalg.tensorsolve(a.numpy(), b.numpy()))
    with pytest.raises(ShapeError, match="5 != 6"):
        ht.linalg.tensorinv(random(2, 3, 5))
    with pytest.raises(ShapeError, match="5 != 6"):
        ht.linalg.tensorsolve(random(2, 3, 5), b)
    with pytest.raises(RangeError, match="positive"):
        ht.linalg.tensorinv(a, 0)


def test_only_the_triangle_of_a_factor_that_is_read_has_a_gradient():
    factor, b = (random(3, 3) + 4 * ht.eye(3)).requires_grad_(), random(3, 2).requires_grad_()
    ht.cholesky_solve(b, factor).sum().backward()
    assert not factor.grad.triu(1).any() and factor.grad.tril().any()
    assert gradcheck(ht.cholesky_solve, [b, factor])
    assert gradcheck(ht.cholesky_inverse, [factor])
