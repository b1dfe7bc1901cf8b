"""Running sums, products and extremes at the edges."""

import numpy as np

import handtorch
from handtorch import from_numpy


def test_in_place_forms_keep_their_own_element_type():
    x = handtorch.tensor([200, 100, 3], dtype=handtorch.uint8)
    assert x.cumsum_(0) is x
    assert x.dtype is handtorch.uint8 and x.tolist() == [200, 44, 47]
    assert handtorch.tensor([2.0, 3.0]).cumprod_(0).tolist() == [2.0, 6.0]


def test_the_gradient_of_a_running_product_is_finite_where_elements_are_zero():
    x = np.array([3.0, 0.0, 2.0, 0.0, 5.0])
    g = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    t = from_numpy(x.copy()).requires_grad_()
    t.cumprod(0).backward(from_numpy(g))
    want = [sum(g[k] * np.prod(np.delete(x[: k + 1], j)) for k in range(j, 5)) for j in range(5)]
    np.testing.assert_allclose(t.grad.array, want)


def test_running_extremes_point_at_the_last_of_equals_and_stay_at_nan():
    values, indices = handtorch.tensor([1.0, 3.0, 3.0, 2.0]).cummax(0)
    assert (values.tolist(), indices.tolist()) == ([1.0, 3.0, 3.0, 3.0], [0, 1, 2, 2])
    values, indices = handtorch.tensor([1.0, float("nan"), 0.0, float("nan")]).cummin(0)
    assert indices.tolist() == [0, 1, 1, 3] and np.isnan(values.array[1:]).all()


def test_logcumsumexp_neither_overflows_nor_loses_what_large_numbers_differ_by():
    x = np.full(6, 10_000, np.float32)
    t = from_numpy(x).requires_grad_()
    y = t.logcumsumexp(0)
    np.testing.assert_allclose(y.detach().array, 10_000 + np.log(np.arange(1, 7)), rtol=1e-7)
    y[-1].backward()
    np.testing.assert_allclose(t.grad.array, np.full(6, 1 / 6), rtol=1e-6)


def test_a_single_number_is_its_own_running_sum():
    assert handtorch.tensor(3.0).cumsum(0).shape == () and handtorch.tensor(3.0).cummax(-1).indices.item() == 0
