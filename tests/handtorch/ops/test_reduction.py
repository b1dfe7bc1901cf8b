"""Reductions as functions: arguments, element types, empty groups, what is refused."""

import numpy as np
import pytest

import handtorch
from handtorch import from_numpy
from handtorch.errors import DimensionError, DtypeError, ShapeError

X = np.arange(-5.0, 7).reshape(3, 4)


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 1), [1], ()])
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "amin", "nansum", "nanmean"])
def test_dim_may_be_one_axis_several_or_none_and_keepdim_keeps_them(name, dim):
    axis = None if dim is None or dim == () else dim if isinstance(dim, int) else tuple(dim)
    numpys = {"amax": np.max, "amin": np.min}.get(name) or getattr(np, name)
    options = {"ddof": 1} if name in ("var", "std") else {}
    got = getattr(handtorch, name)(from_numpy(X), dim, keepdim=True)
    np.testing.assert_allclose(got.array, numpys(X, axis=axis, keepdims=True, **options))
    assert getattr(from_numpy(X), name)(dim).shape == np.sum(X, axis=axis).shape


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int32, np.int64])
def test_whole_numbers_add_and_multiply_in_int64(dtype):
    x = np.array([[100, 100, 100], [2, 0, 1]]).astype(dtype)
    for name in ("sum", "prod", "cumsum", "cumprod"):
        got = getattr(from_numpy(x), name)(1)
        assert got.dtype is handtorch.int64
        np.testing.assert_array_equal(got.array, getattr(np, name)(x.astype(np.int64), axis=1))


def test_dtype_is_what_is_computed_in():
    x = from_numpy(np.array([200, 100], np.uint8))
    assert x.sum(dtype=handtorch.uint8).item() == 44
    assert x.mean(dtype=handtorch.float64).dtype is handtorch.float64


def test_float16_is_not_rounded_between_the_steps():
    x = np.full(5000, 1.001, np.float16)
    assert from_numpy(x).sum().item() == np.float16(x.astype(np.float64).sum())
    assert from_numpy(np.full(5000, 200, np.float16)).var().item() == 0.0


def test_whole_numbers_have_no_mean_and_no_variance_without_a_conversion():
    for name in ("mean", "var", "std", "nanmean"):
        with pytest.raises(DtypeError, match="floating point"):
            getattr(handtorch.tensor([1, 2]), name)()


def test_a_number_of_no_axes_is_reduced_over_the_axis_that_one_may_name():
    x = handtorch.tensor(3.0)
    assert x.sum(0).item() == x.prod(-1).item() == x.amax(0).item() == 3.0
    assert x.max(0).values.shape == () and x.max(0, True).indices.item() == 0
    with pytest.raises(DimensionError, match="out of range"):
        x.sum(1)


def test_nothing_has_a_sum_and_a_product_and_no_mean_but_no_extreme():
    empty = handtorch.zeros(0, 3)
    assert empty.sum().item() == 0 and empty.prod().item() == 1 and np.isnan(empty.mean().item())
    assert empty.logsumexp(0).tolist() == [-np.inf] * 3
    assert empty.all() and not empty.any()
    for reduce in (lambda: empty.max(), lambda: empty.amin(), lambda: empty.aminmax()):
        with pytest.raises(ShapeError):
            reduce()
    for reduce in (lambda: empty.max(0), lambda: empty.argmin(), lambda: empty.amax((0, 1)), lambda: empty.median(0)):
        with pytest.raises(IndexError, match=r"reduction dim"):
            reduce()


def test_variance_takes_pytorchs_short_forms():
    x = from_numpy(X)
    population = np.var(X, axis=0)
    for got in (x.var(0, False), x.var(0, unbiased=False), x.var(0, correction=0), handtorch.var_mean(x, 0, False)[0]):
        np.testing.assert_allclose(got.array, population)
    assert x.std(False).item() == pytest.approx(X.std())
    with pytest.raises(ShapeError, match="appears twice"):
        x.var((0, 0))


def test_the_gradient_of_a_product_with_zeros_is_the_product_of_the_others():
    x = handtorch.tensor([2.0, 0.0, 3.0], requires_grad=True)
    x.prod().backward()
    assert x.grad.tolist() == [0.0, 6.0, 0.0]


def test_complex_variance_is_real_and_its_gradient_complex():
    z = handtorch.tensor([1 + 2j, 3 - 1j, 0j], requires_grad=True)
    variance = z.var()
    variance.backward()
    assert variance.dtype is handtorch.float32
    assert variance.item() == pytest.approx(np.var([1 + 2j, 3 - 1j, 0j], ddof=1))
    np.testing.assert_allclose(z.grad.array, z.array - z.array.mean(), rtol=1e-6)


def test_sum_to_size_undoes_broadcasting():
    x = from_numpy(X)
    assert x.sum_to_size(1, 4).tolist() == [X.sum(0).tolist()]
    assert x.sum_to_size((4,)).tolist() == X.sum(0).tolist()
    with pytest.raises(ShapeError, match="not expandable"):
        x.sum_to_size(2, 4)


def test_all_and_any_keep_bytes_and_reduce_nothing_over_no_axes():
    bytes_ = handtorch.tensor([[1, 0], [2, 3]], dtype=handtorch.uint8)
    assert bytes_.all(1).dtype is handtorch.uint8 and bytes_.all(1).tolist() == [0, 1]
    assert bytes_.any(dim=()).shape == (2, 2)
