"""Products of vectors and matrices against NumPy's; what they refuse; the type and the order they compute in."""

import itertools

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy, linalg
from handtorch.errors import DimensionError, DtypeError, RangeError, ShapeError
from handtorch.ops import chains


def draw(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def check(got, want):
    np.testing.assert_allclose(got.array, want, rtol=1e-12, atol=1e-14)
    assert got.array.shape == np.shape(want)


A, B, U, V = draw(3, 4), draw(4, 5), draw(4, seed=1), draw(4, seed=2)


def test_products_of_two_vectors_are_numpys():
    u, v, z = from_numpy(U), from_numpy(V), from_numpy(U + 2j * V)
    check(u.dot(v), np.dot(U, V))
    check(handtorch.vdot(z, z * 1j), np.vdot(U + 2j * V, (U + 2j * V) * 1j))
    check(u.outer(v), np.outer(U, V))
    check(handtorch.ger(u, v), np.outer(U, V))
    check(u.inner(v), np.inner(U, V))
    check(linalg.cross(u[:3], v[:3]), np.cross(U[:3], V[:3]))


def test_products_of_matrices_are_numpys():
    a, b = from_numpy(A), from_numpy(B)
    check(a.mm(b), A @ B)
    check(a.mv(from_numpy(U)), A @ U)
    check(a @ b[:, 0], A @ B[:, 0])
    check(handtorch.tensor(A).__rmatmul__(from_numpy(draw(2, 3))), draw(2, 3) @ A)
    check(A.T @ from_numpy(A), A.T @ A)
    check(a.inner(from_numpy(draw(2, 3, 4))), np.inner(A, draw(2, 3, 4)))
    check(a.kron(b), np.kron(A, B))
    check(handtorch.kron(a, from_numpy(draw(2, 1, 3))), np.kron(A, draw(2, 1, 3)))
    check(from_numpy(draw(5, 3)).trace(), np.trace(draw(5, 3)))


@pytest.mark.parametrize("dims", [0, 1, 2, ([2, 0], [1, 0]), ([-1], [1])])
def test_tensordot_is_numpys(dims):
    a, b = (draw(2, 4, 3), draw(4, 3, 5)) if dims == 2 else (draw(2, 4, 3), draw(2, 3, 4))
    if dims == 1:
        b = draw(3, 5)
    check(handtorch.tensordot(from_numpy(a), from_numpy(b), dims), np.tensordot(a, b, dims))


def test_tensordot_sums_a_longer_axis_that_meets_one_of_length_1():
    a, b = draw(1, 3), draw(4, 2)
    check(handtorch.tensordot(from_numpy(a), from_numpy(b), ([0], [0])), np.outer(a[0], b.sum(axis=0)))


def test_products_added_to_something_weigh_both():
    a, b, c = draw(2, 3, 4), draw(2, 4, 5), draw(2, 3, 5)
    x, y, z = map(from_numpy, (a, b, c))
    check(handtorch.addmm(z[0], x[0], y[0], beta=2, alpha=3), 2 * c[0] + 3 * a[0] @ b[0])
    check(handtorch.addmm(z[0, 0], x[0], y[0]), c[0, 0] + a[0] @ b[0])
    check(handtorch.addmv(z[0, :, 0], x[0], y[0, :, 0], beta=0.5), 0.5 * c[0, :, 0] + a[0] @ b[0, :, 0])
    check(handtorch.addr(z[0], x[0, :, 0], y[0, 0], alpha=-1), c[0] - np.outer(a[0, :, 0], b[0, 0]))
    check(z.baddbmm(x, y, alpha=2), c + 2 * a @ b)
    check(z[0].addbmm(x, y, beta=0.1), 0.1 * c[0] + (a @ b).sum(axis=0))


def test_products_are_added_in_place_and_in_the_former_order():
    a, b, c = draw(3, 4), draw(4, 5), from_numpy(draw(3, 5))
    want = c.array - 2 * a @ b
    check(handtorch.addmm(1, c, -2, from_numpy(a), from_numpy(b)), want)
    assert c.addmm_(1, -2, from_numpy(a), from_numpy(b)) is c
    check(c, want)


@pytest.mark.parametrize(("beta", "alpha"), [(0, 1), (1, 0)])
def test_a_weight_of_zero_hides_nan(beta, alpha):
    x, nan = from_numpy(A @ A.T), handtorch.full((3, 3), float("nan"), dtype=handtorch.float64)
    got = handtorch.addmm(nan if beta == 0 else x, x, nan if alpha == 0 else x, beta=beta, alpha=alpha)
    check(got, x.array @ x.array if beta == 0 else x.array)


def test_whole_numbers_are_multiplied_exactly_and_their_weights_truncated():
    i = handtorch.tensor([[2**31 + 1, 1], [0, 3]])
    assert (i @ i[0]).tolist() == [(2**31 + 1) ** 2 + 1, 3]
    assert handtorch.addmm(i, i, i, beta=0, alpha=2.9)[1, 1].item() == 18
    with pytest.raises(DtypeError, match="alpha must not be"):
        handtorch.addr(i, i[0], i[1], alpha=0.5)


def test_a_batch_times_one_matrix_has_the_gradient_of_the_loop():
    x, w = handtorch.tensor(draw(2, 5, 3), requires_grad=True), handtorch.tensor(draw(3, 4), requires_grad=True)
    g = draw(2, 5, 4)
    (x @ w).backward(from_numpy(g))
    check(w.grad, sum(x.array[n].T @ g[n] for n in range(2)))
    check(x.grad, np.stack([g[n] @ w.array.T for n in range(2)]))


def test_an_empty_batch_gives_a_zero_gradient():
    w = handtorch.ones(3, 4, requires_grad=True)
    (handtorch.zeros(0, 5, 3) @ w).sum().backward()
    assert w.grad.tolist() == [[0.0] * 4] * 3


def test_factors_of_different_types_are_refused_and_both_are_named():
    with pytest.raises(DtypeError, match="float32 != float64"):
        handtorch.ones(2, 2) @ from_numpy(np.ones((2, 2)))
    for function in (handtorch.dot, handtorch.inner, linalg.vecdot, linalg.cross, handtorch.tensordot):
        with pytest.raises(DtypeError):
            function(
                handtorch.ones(3), handtorch.ones(3).double(), **({"dims": 1} if "tensordot" in str(function) else {})
            )
    with pytest.raises(DtypeError, match="self and mat2"):
        handtorch.addmm(handtorch.ones(2, 2), *[from_numpy(np.ones((2, 2)))] * 2)
    with pytest.raises(DtypeError, match="Bool"):
        handtorch.ones(2, 2).bool() @ handtorch.ones(2, 2).bool()
    with pytest.raises(DtypeError, match=r"float64 != float32; convert .*\.to\(handtorch\.float32\)"):
        handtorch.nn.Linear(2, 2)(from_numpy(np.ones((2, 2))))


def test_half_precision_is_summed_in_single():
    x = np.full((200, 200), 0.1, np.float16)
    got = from_numpy(x) @ from_numpy(x)
    assert got.dtype is handtorch.float16
    np.testing.assert_allclose(got.array, x.astype(np.float64) @ x.astype(np.float64), rtol=1e-3)


def test_shapes_that_do_not_go_together_are_refused():
    one, two = handtorch.ones(3), handtorch.ones(3, 3)
    for wrong in (
        lambda: one.dot(two),
        lambda: one.dot(handtorch.ones(4)),
        lambda: one.inner(handtorch.ones(4)),
        lambda: two.outer(one),
        lambda: two.mv(two),
        lambda: one.mm(two),
        lambda: two.bmm(two),
        lambda: handtorch.addbmm(two, two, two),
        lambda: handtorch.addmm(handtorch.ones(4, 3, 3), two, two),
        lambda: handtorch.addmm(one, two, handtorch.ones(4, 3)),
        lambda: handtorch.addmm(one.sum(), two, one),
        lambda: handtorch.addr(one, two, one),
        lambda: one.trace(),
        lambda: two[:2, :2].cross(two[:2, :2]),
        lambda: linalg.cross(one, two),
        lambda: linalg.cross(two[:, :2], two[:, :2]),
        lambda: handtorch.tensordot(two, handtorch.ones(4, 4), 1),
    ):
        with pytest.raises(ShapeError):
            wrong()
    with pytest.raises(DimensionError):
        linalg.cross(two, two, dim=2)
    for dims in (3, -1, ([0], [0, 1]), ([0, 0], [0, 1])):
        with pytest.raises(RangeError):
            handtorch.tensordot(two, two, dims)
    with pytest.raises(TypeError):
        handtorch.matmul(two, 3)


def test_cross_takes_the_first_axis_of_length_three_and_linalgs_the_last():
    x, y = draw(3, 2, 3, seed=1), draw(3, 2, 3, seed=2)
    check(handtorch.cross(from_numpy(x), from_numpy(y)), np.cross(x, y, axis=0))
    check(linalg.cross(from_numpy(x), from_numpy(y)), np.cross(x, y))


def test_vecdot_conjugates_the_first_and_broadcasts():
    x, y = draw(2, 3) + 1j * draw(2, 3, seed=1), draw(3) + 2j
    check(linalg.vecdot(from_numpy(x), from_numpy(y)), (x.conj() * y).sum(axis=-1))
    check(linalg.vecdot(from_numpy(x), from_numpy(x), dim=0).real, (abs(x) ** 2).sum(axis=0))
    with pytest.raises(DtypeError, match="floating point"):
        linalg.vecdot(handtorch.arange(3), handtorch.arange(3))


def cost(order, lengths):
    """Multiplications when the products of neighbours are taken in this order."""
    lengths, spent = list(lengths), 0
    for place in order:
        spent += lengths[place] * lengths[place + 1] * lengths[place + 2]
        del lengths[place + 1]
    return spent


def cost_of_splits(split, lengths, i, j):
    if i == j:
        return 0
    k = split[i, j]
    own = lengths[i] * lengths[k + 1] * lengths[j + 1]
    return own + cost_of_splits(split, lengths, i, k) + cost_of_splits(split, lengths, k + 1, j)


@pytest.mark.parametrize("lengths", [[10, 100, 5, 50], [40, 20, 30, 10, 30], [5, 4, 0, 2], [1, 7, 3, 9, 2, 8]])
def test_no_order_of_a_chain_is_cheaper(lengths):
    n = len(lengths) - 1
    orders = itertools.product(*(range(k) for k in range(n - 1, 0, -1)))
    got = cost_of_splits(chains._cheapest_splits(lengths), lengths, 0, n - 1)
    assert got == min(cost(order, lengths) for order in orders)


def test_multi_dot_is_the_product_from_left_to_right():
    a, b, c = draw(3, 4), draw(4, 5), draw(5, 2)
    check(linalg.multi_dot([from_numpy(x) for x in (a, b, c)]), a @ b @ c)
    check(handtorch.chain_matmul(*map(from_numpy, (a, b, c))), a @ b @ c)
    check(linalg.multi_dot([from_numpy(U), from_numpy(b), from_numpy(c)]), U @ b @ c)
    check(linalg.multi_dot([from_numpy(U), from_numpy(b), from_numpy(c[:, 0])]), U @ b @ c[:, 0])
    x = from_numpy(a)
    assert handtorch.chain_matmul(x) is x


def test_chains_that_do_not_fit_are_refused():
    m, v = handtorch.ones(2, 2), handtorch.ones(2)
    for wrong in ([m, v, m], [m, handtorch.ones(3, 3)], [m[None], m]):
        with pytest.raises(ShapeError):
            linalg.multi_dot(wrong)
    with pytest.raises(DtypeError, match=r"tensor 1 handtorch\.float64"):
        linalg.multi_dot([m, m.double()])
    with pytest.raises(RangeError):
        linalg.multi_dot([m])
    with pytest.raises(RangeError):
        handtorch.chain_matmul()
    with pytest.raises(ShapeError):
        handtorch.chain_matmul(m, v)
