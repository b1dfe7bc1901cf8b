"""Einsum against NumPy's; PyTorch's additions; memory that is shared; what is refused."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handtorch
from handtorch import einsum, from_numpy
from handtorch.autograd import gradcheck, gradgradcheck
from handtorch.errors import ArgumentError, DtypeError, RangeError, ShapeError

LENGTHS = dict(zip("abcde", (2, 3, 1, 4, 2), strict=True))


def draw(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def check(equation, *arrays):
    got = einsum(equation, *map(from_numpy, arrays))
    want = np.einsum(equation, *arrays)
    assert got.array.shape == want.shape
    np.testing.assert_allclose(got.array, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("ij,jk->ki", [(2, 3), (3, 4)]),
        ("ba", [(2, 3)]),
        ("ii", [(3, 3)]),
        ("iji->j", [(3, 2, 3)]),
        ("iii->i", [(3, 3, 3)]),
        ("i,i", [(3,), (3,)]),
        ("i,j,k->kij", [(2,), (3,), (4,)]),
        ("ab,ab->ab", [(2, 3), (2, 3)]),
        ("ab,c->a", [(2, 3), (4,)]),
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (4, 3, 2)]),
        ("i...,...i->...", [(3, 2), (2, 3)]),
        ("i...j", [(2, 3, 4)]),
        ("ij , jk -> i k", [(2, 3), (3, 4)]),
        ("ab,bc,cd,da->", [(2, 3), (3, 4), (4, 5), (5, 2)]),
        ("ab,ab,ab->b", [(2, 3)] * 3),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
        (",->", [(), ()]),
    ],
)
def test_equations_are_numpys(equation, shapes):
    check(equation, *(draw(*shape, seed=i) for i, shape in enumerate(shapes)))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text("abcde", max_size=4), min_size=1, max_size=4), st.data())
def test_any_equation_is_numpys(terms, data):
    letters = sorted(set("".join(terms)))
    output = "".join(data.draw(st.lists(st.sampled_from(letters), unique=True))) if letters else ""
    arrays = [draw(*(LENGTHS[letter] for letter in term), seed=i) for i, term in enumerate(terms)]
    check(f"{','.join(terms)}->{output}", *arrays)


def test_ellipsis_that_the_output_leaves_out_is_summed_and_length_one_broadcasts():
    a, b = draw(3, 2, 2), draw(2, 2)
    got = einsum("...ij,...jk->ik", from_numpy(a), from_numpy(b))
    np.testing.assert_allclose(got.array, (a @ b).sum(axis=0))
    got = einsum("ij,jk->ik", from_numpy(draw(2, 1)), from_numpy(draw(3, 4)))
    np.testing.assert_allclose(got.array, draw(2, 1) * draw(3, 4).sum(axis=0))


def test_numbers_may_stand_for_letters_and_tensors_may_come_as_a_list():
    a, b = draw(2, 3), draw(3, 4)
    x, y = from_numpy(a), from_numpy(b)
    np.testing.assert_allclose(einsum(x, [0, 1], y, [1, 2]).array, a @ b)
    np.testing.assert_allclose(einsum(x, [0, 30], y, [30, 2], [2, 0]).array, (a @ b).T)
    np.testing.assert_allclose(einsum(x, [..., 1], y, [1, 2], [2, ...]).array, (a @ b).T)
    np.testing.assert_allclose(einsum("ij,jk", [x, y]).array, a @ b)


def test_capital_letters_come_first_in_the_output():
    assert einsum("ba,A", handtorch.ones(2, 3), handtorch.ones(4)).shape == (4, 3, 2)
    assert len(string.ascii_letters) == 52
    assert einsum(handtorch.ones(2, 3), [26, 25]).shape == (3, 2)


@pytest.mark.parametrize(("equation", "shape"), [("ij->ji", (2, 2)), ("ii->i", (2, 2)), ("ij", (2, 2))])
def test_without_a_sum_the_result_is_a_view(equation, shape):
    x = handtorch.zeros(*shape)
    y = einsum(equation, x)
    assert y is not x
    y.fill_(1)
    assert x.sum().item() == y.numel()


def test_four_factors_have_right_first_and_second_derivatives():
    factors = [handtorch.tensor(draw(2, 2, seed=i), requires_grad=True) for i in range(4)]
    gradcheck(lambda *xs: einsum("ab,bc,cc,da->bd", *xs), factors)
    gradgradcheck(lambda *xs: einsum("ab,bc,cc,da->bd", *xs), factors)


def test_a_long_chain_never_holds_the_tensor_of_all_letters():
    chain = [handtorch.ones(8, 8, dtype=handtorch.float64) for _ in range(20)]
    equation = ",".join(string.ascii_letters[i : i + 2] for i in range(20)) + "->a" + string.ascii_letters[20]
    assert einsum(equation, *chain)[0, 0].item() == 8.0**19


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("ij->ij->", "invalid subscript '-'"),
        ("i1", "invalid subscript '1' given at index 1"),
        ("i", r"\(1\) does not match the number of dimensions \(2\) for operand 0 and no ellipsis"),
        ("ijk...", r"\(3\) is more than the number of dimensions \(2\)"),
        ("ij->k", "output subscript k does not appear"),
        ("ij->ii", "i appears more than once in the output"),
        ("ij,ij", "fewer operands were provided"),
        ("...i...", "an ellipsis was already found"),
        ("ij->i..", "output that is not part of any ellipsis"),
    ],
)
def test_malformed_equations_are_refused(equation, message):
    with pytest.raises(RangeError, match=message):
        einsum(equation, handtorch.ones(2, 2))


def test_operands_that_do_not_go_with_the_equation_are_refused():
    two, three = handtorch.ones(2, 2), handtorch.ones(3, 3)
    with pytest.raises(RangeError, match="more operands"):
        einsum("ij", two, two)
    with pytest.raises(ShapeError, match=r"subscript j has size 3 for operand 1 .* previously seen size 2"):
        einsum("ij,kj->ik", two, three)
    with pytest.raises(ShapeError, match=r"subscript \.\.\. has size 3"):
        einsum("...,...", two, three)
    with pytest.raises(ShapeError, match="i is repeated for operand 0 but the sizes don't match, 3 != 2"):
        einsum("ii", handtorch.ones(2, 3))
    with pytest.raises(DtypeError):
        einsum("ij,jk", two, two.double())
    for args in ((), ("ij",), (two,), (two, [0, 52])):
        with pytest.raises(ArgumentError):
            einsum(*args)
    with pytest.raises(TypeError, match="operand 1, got float"):
        einsum("i,i", two[0], 3.0)
